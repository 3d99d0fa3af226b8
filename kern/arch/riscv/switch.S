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
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd      s\n, 16 + 8 * \n(a0)
    .endr
    /* A load reservation of the old thread must not help the new one: end it
     * with a store-conditional of what is there anyway. */
    sc.d    t0, ra, (a0)
    ld      ra, 0(a1)
    ld      sp, 8(a1)
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld      s\n, 16 + 8 * \n(a1)
    .endr
    mv      tp, a2
    ret
