/* scn_catch.S: call a function, and come back even if it never returns.
 *
 *     scn_catch(fn, arg)    saves what C keeps, calls fn(arg), returns 0;
 *     scn_throw()           anywhere below it: the innermost such call returns 1
 *                           instead */
    .text
    .globl  scn_catch
scn_catch:
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
    lla     t0, catch_sp
    ld      t1, 0(t0)
    sd      t1, 112(sp)
    sd      sp, 0(t0)
    mv      t1, a0
    mv      a0, a1
    jalr    t1
    li      a0, 0
    j       1f

    .globl  scn_throw
scn_throw:
    lla     t0, catch_sp
    ld      sp, 0(t0)
    li      a0, 1
1:  lla     t0, catch_sp
    ld      t1, 112(sp)
    sd      t1, 0(t0)
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

    .bss
    .balign 8
catch_sp:
    .skip   8
