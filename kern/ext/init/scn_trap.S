/* scn_trap.S: instructions that trap, each the first of its function, and a check
 * that registers survive interrupts. */
    .text
    .globl  scn_trap_load, scn_trap_store, scn_trap_illegal, scn_trap_csr
    .globl  scn_trap_break, scn_trap_amo, scn_trap_jump
    .balign 4
scn_trap_load:
    ld      a0, 0(a0)
    ret
scn_trap_store:
    sd      zero, 0(a0)
    ret
scn_trap_illegal:
    .4byte  0xffffffff
    ret
scn_trap_csr:                       /* mstatus is the machine's only */
    csrr    a0, 0x300
    ret
    .balign 4
    .option push
    .option norvc
scn_trap_break:
    ebreak
    ret
    .option pop
scn_trap_amo:
    amoadd.w a0, a0, (a0)
    ret
scn_trap_jump:
    jr      a0

/* scn_registers(seed, count, most): fill all registers but sp, tp, ra and the
 * three that are needed, wait until *count reaches most, and return what is
 * different: 0, nothing. */
.macro each do
    .irp    n, 3,5,6,7,8,9,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \do     \n
    .endr
.endm

.macro fill n
    addi    x\n, a0, 37 * \n
.endm

.macro compare n
    addi    x\n, x\n, -37 * \n
    sub     x\n, x\n, a0
    or      ra, ra, x\n
.endm

    .globl  scn_registers
scn_registers:
    addi    sp, sp, -144
    sd      x1, 0(sp)
    sd      x3, 8(sp)
    sd      x8, 16(sp)
    sd      x9, 24(sp)
    sd      x18, 32(sp)
    sd      x19, 40(sp)
    sd      x20, 48(sp)
    sd      x21, 56(sp)
    sd      x22, 64(sp)
    sd      x23, 72(sp)
    sd      x24, 80(sp)
    sd      x25, 88(sp)
    sd      x26, 96(sp)
    sd      x27, 104(sp)
    sd      a0, 120(sp)
    sd      a1, 128(sp)
    sd      a2, 136(sp)
    each    fill
1:  ld      ra, 0(a1)
    bltu    ra, a2, 1b
    mv      ra, zero
    each    compare
    ld      t0, 120(sp)
    xor     t0, t0, a0
    or      ra, ra, t0
    ld      t0, 128(sp)
    xor     t0, t0, a1
    or      ra, ra, t0
    ld      t0, 136(sp)
    xor     t0, t0, a2
    or      ra, ra, t0
    mv      a0, ra
    ld      x1, 0(sp)
    ld      x3, 8(sp)
    ld      x8, 16(sp)
    ld      x9, 24(sp)
    ld      x18, 32(sp)
    ld      x19, 40(sp)
    ld      x20, 48(sp)
    ld      x21, 56(sp)
    ld      x22, 64(sp)
    ld      x23, 72(sp)
    ld      x24, 80(sp)
    ld      x25, 88(sp)
    ld      x26, 96(sp)
    ld      x27, 104(sp)
    addi    sp, sp, 144
    ret
