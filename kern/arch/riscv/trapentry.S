/* trapentry.S: from the trap to trap_handler(struct trapframe *), and back.
 *
 * sscratch says where we came from: 0 while in the kernel, the thread while in
 * user mode.  The frame goes on the thread's kernel stack: at its top for a
 * trap from user mode, below sp for one from the kernel.  In the second case sp
 * is first compared with the thread's stack: a frame stored into the hole below
 * it would fault again, for ever. */
#include "arch/riscv/cpu.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/trapframe.h"

.macro save_most                /* all but sp, tp, t0 */
    sd      x1, 8(sp)
    sd      x3, 24(sp)
    sd      x6, 48(sp)
    sd      x7, 56(sp)
    sd      x8, 64(sp)
    sd      x9, 72(sp)
    sd      x10, 80(sp)
    sd      x11, 88(sp)
    sd      x12, 96(sp)
    sd      x13, 104(sp)
    sd      x14, 112(sp)
    sd      x15, 120(sp)
    sd      x16, 128(sp)
    sd      x17, 136(sp)
    sd      x18, 144(sp)
    sd      x19, 152(sp)
    sd      x20, 160(sp)
    sd      x21, 168(sp)
    sd      x22, 176(sp)
    sd      x23, 184(sp)
    sd      x24, 192(sp)
    sd      x25, 200(sp)
    sd      x26, 208(sp)
    sd      x27, 216(sp)
    sd      x28, 224(sp)
    sd      x29, 232(sp)
    sd      x30, 240(sp)
    sd      x31, 248(sp)
.endm

    .text
    .globl  trap_entry
    .balign 4
trap_entry:
    csrrw   tp, sscratch, tp
    bnez    tp, from_user

    /* From the kernel. */
    csrrw   tp, sscratch, zero
    sd      sp, TCB_SCRATCH(tp)
    sd      t0, TCB_SCRATCH + 8(tp)
    addi    sp, sp, -TF_SIZE
    ld      t0, TCB_KSTACK(tp)
    sub     t0, t0, sp
    srli    t0, t0, KSTACK_SHIFT
    bnez    t0, bad_stack
    ld      t0, TCB_SCRATCH + 8(tp)
    sd      t0, 40(sp)
    sd      tp, 32(sp)
    save_most
    j       saved

from_user:
    sd      sp, TCB_SCRATCH(tp)
    ld      sp, TCB_KSTACK(tp)
    addi    sp, sp, -TF_SIZE
    sd      t0, 40(sp)
    csrrw   t0, sscratch, zero
    sd      t0, 32(sp)
    save_most

saved:
    ld      t0, TCB_SCRATCH(tp)
    csrr    t1, sepc
    csrr    t2, sstatus
    csrr    t3, scause
    csrr    t4, stval
    sd      t0, 16(sp)
    sd      t1, TF_SEPC(sp)
    sd      t2, TF_SSTATUS(sp)
    sd      t3, TF_SCAUSE(sp)
    sd      t4, TF_STVAL(sp)
    mv      a0, sp
    call    trap_handler

/* A new user thread begins here, with sp at its first frame. */
    .globl  trap_return
trap_return:
    ld      t1, TF_SSTATUS(sp)
    ld      t0, TF_SEPC(sp)
    andi    t2, t1, SSTATUS_SPP
    bnez    t2, 1f
    csrw    sscratch, tp
1:  csrw    sstatus, t1
    csrw    sepc, t0
    ld      x1, 8(sp)
    ld      x3, 24(sp)
    ld      x4, 32(sp)
    ld      x5, 40(sp)
    ld      x6, 48(sp)
    ld      x7, 56(sp)
    ld      x8, 64(sp)
    ld      x9, 72(sp)
    ld      x10, 80(sp)
    ld      x11, 88(sp)
    ld      x12, 96(sp)
    ld      x13, 104(sp)
    ld      x14, 112(sp)
    ld      x15, 120(sp)
    ld      x16, 128(sp)
    ld      x17, 136(sp)
    ld      x18, 144(sp)
    ld      x19, 152(sp)
    ld      x20, 160(sp)
    ld      x21, 168(sp)
    ld      x22, 176(sp)
    ld      x23, 184(sp)
    ld      x24, 192(sp)
    ld      x25, 200(sp)
    ld      x26, 208(sp)
    ld      x27, 216(sp)
    ld      x28, 224(sp)
    ld      x29, 232(sp)
    ld      x30, 240(sp)
    ld      x31, 248(sp)
    ld      x2, 16(sp)
    sret

/* sp is not on the thread's stack: report from a stack of its own. */
bad_stack:
    lla     sp, emergency_stack_end
    addi    sp, sp, -TF_SIZE
    ld      t0, TCB_SCRATCH + 8(tp)
    sd      t0, 40(sp)
    sd      tp, 32(sp)
    save_most
    ld      t0, TCB_SCRATCH(tp)
    csrr    t1, sepc
    csrr    t2, sstatus
    csrr    t3, scause
    csrr    t4, stval
    sd      t0, 16(sp)
    sd      t1, TF_SEPC(sp)
    sd      t2, TF_SSTATUS(sp)
    sd      t3, TF_SCAUSE(sp)
    sd      t4, TF_STVAL(sp)
    /* Traps of the report itself belong on this stack too. */
    lla     t0, emergency_stack_end
    sd      t0, TCB_KSTACK(tp)
    mv      a0, sp
    call    trap_bad_stack

    .section .bss.pages, "aw", @nobits
    .balign 4096
    .skip   KSTACK_SIZE
emergency_stack_end:
