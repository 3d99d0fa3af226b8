/* regcheck.S: fill every register, spin until the clock reaches a time, and see
 * whether they still hold what was put there. */

.macro each do
    \do x5, 5
    \do x6, 6
    \do x7, 7
    \do x9, 9
    \do x12, 12
    \do x13, 13
    \do x14, 14
    \do x15, 15
    \do x16, 16
    \do x17, 17
    \do x18, 18
    \do x19, 19
    \do x20, 20
    \do x21, 21
    \do x22, 22
    \do x23, 23
    \do x24, 24
    \do x25, 25
    \do x26, 26
    \do x27, 27
    \do x28, 28
    \do x29, 29
    \do x30, 30
    \do x31, 31
    \do x3, 3
.endm

.macro fill reg, n
    addi    \reg, a0, \n
.endm

.macro compare reg, n
    addi    \reg, \reg, -\n
    sub     \reg, \reg, a0
    or      ra, ra, \reg
.endm

    .text
    .globl  register_check
register_check:                     /* a0 = seed, a1 = time to stop at */
    addi    sp, sp, -128
    sd      ra, 0(sp)
    sd      s0, 8(sp)
    sd      s1, 16(sp)
    sd      s2, 24(sp)
    sd      s3, 32(sp)
    sd      s4, 40(sp)
    sd      s5, 48(sp)
    sd      s6, 56(sp)
    sd      s7, 64(sp)
    sd      s8, 72(sp)
    sd      s9, 80(sp)
    sd      s10, 88(sp)
    sd      s11, 96(sp)
    sd      gp, 104(sp)
    each    fill
1:  rdtime  ra
    bltu    ra, a1, 1b
    mv      ra, zero
    each    compare
    mv      a0, ra
    ld      ra, 0(sp)
    ld      s0, 8(sp)
    ld      s1, 16(sp)
    ld      s2, 24(sp)
    ld      s3, 32(sp)
    ld      s4, 40(sp)
    ld      s5, 48(sp)
    ld      s6, 56(sp)
    ld      s7, 64(sp)
    ld      s8, 72(sp)
    ld      s9, 80(sp)
    ld      s10, 88(sp)
    ld      s11, 96(sp)
    ld      gp, 104(sp)
    addi    sp, sp, 128
    ret
