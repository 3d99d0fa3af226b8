/* clone.S: raw_clone(flags, stack, fn, arg, parent_tid, child_tid).  The child
 * begins on another stack, so it returns to nobody: it calls fn(arg) and ends
 * with exit(what that returned), this task alone.  tp is left as it is. */
    .text
    .globl  raw_clone
raw_clone:
    andi    a1, a1, -16
    addi    a1, a1, -16
    sd      a2, 0(a1)
    sd      a3, 8(a1)
    mv      a2, a4
    li      a3, 0
    mv      a4, a5
    li      a7, 220
    ecall
    beqz    a0, 1f
    ret
1:  ld      t0, 0(sp)
    ld      a0, 8(sp)
    li      s0, 0
    jalr    t0
    li      a7, 93
    ecall
    .section .note.GNU-stack, "", @progbits
