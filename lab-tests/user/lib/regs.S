/* regs.S: do registers survive a store that faults and a call?
 *
 *     long regs_over(long nr, long a0, long a1, char *at, long *result)
 *
 * Fills all registers but sp and tp, stores to AT, calls, stores the result of
 * the call, and returns the bits in which registers differ. */

.macro each do
    .irp    n, 3,5,6,7,8,9,12,13,14,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \do     \n
    .endr
.endm

.macro fill n
    li      x\n, \n * 0x10001
.endm

.macro compare n
    li      ra, \n * 0x10001
    xor     x\n, x\n, ra
    or      a1, a1, x\n
.endm

    .text
    .globl  regs_over
regs_over:
    addi    sp, sp, -160
    sd      ra, 0(sp)
    sd      gp, 8(sp)
    sd      s0, 16(sp)
    sd      s1, 24(sp)
    .irp    n, 2,3,4,5,6,7,8,9,10,11
    sd      s\n, 16 + 8 * \n(sp)
    .endr
    sd      a4, 152(sp)
    sd      a2, 120(sp)
    mv      a7, a0
    mv      a0, a1
    mv      a1, a2
    sd      a7, 128(sp)
    mv      ra, a3
    each    fill
    sd      zero, 0(ra)
    sd      ra, 136(sp)
    ecall
    sd      a0, 112(sp)
    ld      a0, 136(sp)         /* what has a value of its own */
    xor     ra, ra, a0
    ld      a0, 128(sp)
    xor     a7, a7, a0
    ld      a0, 120(sp)
    xor     a1, a1, a0
    or      a1, a1, ra
    or      a1, a1, a7
    each    compare
    ld      t0, 112(sp)
    ld      t1, 152(sp)
    sd      t0, 0(t1)
    mv      a0, a1
    ld      ra, 0(sp)
    ld      gp, 8(sp)
    ld      s0, 16(sp)
    ld      s1, 24(sp)
    .irp    n, 2,3,4,5,6,7,8,9,10,11
    ld      s\n, 16 + 8 * \n(sp)
    .endr
    addi    sp, sp, 160
    ret
