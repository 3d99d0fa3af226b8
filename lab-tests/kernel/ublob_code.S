/* ublob_code.S: the programs of ublob.h.  They are copied to a user page, so
 * everything is relative to pc; ublob_table has their offsets.  ecall with a7 0
 * ends, with a7 1 calls the test. */

    .section .rodata
    .globl  ublob_begin, ublob_end, ublob_table
    .balign 8
ublob_begin:

nothing:
    li      a7, 0
    ecall

load:
    ld      a0, 0(a0)
    j       nothing

store:
    sd      a1, 0(a0)
    mv      a0, a1
    j       nothing

jump:
    jalr    ra, 0(a0)
    j       nothing

fill:
    li      t0, 4096
1:  beqz    a1, zero_result
    sd      a2, 0(a0)
    add     a0, a0, t0
    addi    a1, a1, -1
    addi    a2, a2, 1
    j       1b

check:
    li      t0, 4096
    li      t1, 0
1:  beq     t1, a1, zero_result
    ld      t2, 0(a0)
    addi    t1, t1, 1
    bne     t2, a2, 2f
    add     a0, a0, t0
    addi    a2, a2, 1
    j       1b
2:  mv      a0, t1
    j       nothing

add:
    li      t0, 1
1:  beqz    a1, zero_result
    amoadd.d zero, t0, (a0)
    addi    a1, a1, -1
    j       1b

spin:
    li      t0, 1
    sd      t0, 0(a1)
1:  ld      t0, 0(a0)
    beqz    t0, 1b
    mv      a0, t0
    j       nothing

count:
    li      t0, 0
1:  addi    t0, t0, 1
    sd      t0, 0(a0)
    ld      t1, 0(a1)
    beqz    t1, 1b
    mv      a0, t0
    j       nothing

watch:
1:  ld      t0, 0(a0)
    beqz    t0, 2f
    bne     t0, a2, 3f
2:  ld      t1, 0(a1)
    beqz    t1, 1b
    j       zero_result
3:  mv      a0, t0
    j       nothing

call:
    li      a7, 1
    ecall
    j       nothing

illegal:
    .half   0, 0

break_here:
    ebreak
    j       nothing

zero_result:
    li      a0, 0
    j       nothing
ublob_end:

    .balign 4
ublob_table:                    /* in the order of enum ublob */
    .irp    p, nothing,load,store,jump,fill,check,add,spin,count,watch,call,break_here,illegal
    .word   \p - ublob_begin
    .endr
