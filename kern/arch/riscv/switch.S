/* switch.S: from one thread to another.
 *
 * Called as a function, so the compiler has saved what a call may change; only
 * the registers that a call must keep are left: ra, sp, s0..s11.  struct
 * context in trapframe.h has this order. */

    .text
    .globl  context_switch
context_switch:                     /* a0 = from, a1 = to, a2 = tcb of to */
    sd      ra, 0(a0)
    sd      sp, 8(a0)
    sd      s0, 16(a0)
    sd      s1, 24(a0)
    sd      s2, 32(a0)
    sd      s3, 40(a0)
    sd      s4, 48(a0)
    sd      s5, 56(a0)
    sd      s6, 64(a0)
    sd      s7, 72(a0)
    sd      s8, 80(a0)
    sd      s9, 88(a0)
    sd      s10, 96(a0)
    sd      s11, 104(a0)
    /* A load reservation of the old thread must not help the new one: end it
     * with a store-conditional of what is there anyway. */
    sc.d    t0, ra, (a0)
    ld      ra, 0(a1)
    ld      sp, 8(a1)
    ld      s0, 16(a1)
    ld      s1, 24(a1)
    ld      s2, 32(a1)
    ld      s3, 40(a1)
    ld      s4, 48(a1)
    ld      s5, 56(a1)
    ld      s6, 64(a1)
    ld      s7, 72(a1)
    ld      s8, 80(a1)
    ld      s9, 88(a1)
    ld      s10, 96(a1)
    ld      s11, 104(a1)
    mv      tp, a2
    ret
