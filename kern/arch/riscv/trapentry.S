/* trapentry.S: from the trap to trap_handler(struct trapframe *), and back.
 *
 * What comes often, a call or fault of a program, goes straight to where it is
 * served: tcb.calls[number], user_exception().  Both are C, which keeps s0..s11
 * itself; so the frame gets those only when somebody is going to look at them:
 *
 *     ecall -----> calls[a7](a0..a5) -----+           needs or changes all
 *                   or call_with_frame: save_kept, call, load_kept  registers
 *     fault -----> user_exception() ------+
 *                       | failed          v
 *                       v           thread or hart wanted?  no: back
 *                   save_kept             | yes
 *                   user_trouble()        v
 *                       |             save_kept
 *                       +-----------> user_leave(), all registers from the frame
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
#include <errno.h>

/* Register N of the frame at sp is 8 * N bytes into it. */
.macro save regs:vararg
    .irp    n, \regs
    sd      x\n, 8 * \n(sp)
    .endr
.endm

.macro load regs:vararg
    .irp    n, \regs
    ld      x\n, 8 * \n(sp)
    .endr
.endm

.macro save_kept                /* s0..s11, which C keeps */
    save    8,9,18,19,20,21,22,23,24,25,26,27
.endm

.macro load_kept
    load    8,9,18,19,20,21,22,23,24,25,26,27
.endm

.macro save_most                /* all but sp, tp, t0 */
    save    1,3,6,7,10,11,12,13,14,15,16,17,28,29,30,31
    save_kept
.endm

.macro save_rest                /* sp, which is in the scratch word, and the */
    ld      t0, TCB_SCRATCH(tp) /* registers that say what happened; SUM goes */
    li      t2, SSTATUS_SUM     /* off, until the copy routine we interrupted */
    csrrc   t2, sstatus, t2     /* goes on */
    csrr    t1, sepc
    csrr    t3, scause
    csrr    t4, stval
    sd      t0, 16(sp)
    sd      t1, TF_SEPC(sp)
    sd      t2, TF_SSTATUS(sp)
    sd      t3, TF_SCAUSE(sp)
    sd      t4, TF_STVAL(sp)
.endm

.macro if_wanted there          /* does anybody want this thread or hart? */
    ld      t0, TCB_CPU(tp)
    ld      t1, THREAD_INTERRUPT(tp) /* and owes_memory behind it */
    lw      t0, CPU_RESCHED(t0)
    or      t0, t0, t1
    bnez    t0, \there
.endm

.macro back_to_user             /* all but a0 and s0..s11 */
    ld      t0, TF_SSTATUS(sp)
    ld      t1, TF_SEPC(sp)
    csrw    sscratch, tp
    csrw    sstatus, t0
    csrw    sepc, t1
    load    1,3,4,5,6,7,11,12,13,14,15,16,17,28,29,30,31
    ld      sp, 16(sp)
    sret
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
    save    1,3,5,6,7,11,12,13,14,15,16,17,28,29,30,31
    ld      t0, TCB_SCRATCH(tp)
    csrrw   t1, sscratch, zero
    csrr    t2, sstatus
    csrr    t3, scause
    csrr    t4, sepc
    sd      t0, 16(sp)
    sd      t1, 32(sp)
    sd      t2, TF_SSTATUS(sp)
    sd      t3, TF_SCAUSE(sp)
    li      t5, CAUSE_USER_ECALL
    bne     t3, t5, not_a_call
    ld      t1, TCB_CALLS(tp)
    li      t2, CALLS_MAX
    beqz    t1, exception       /* as any other */
    addi    t4, t4, 4           /* ecall has no short form */
    sd      t4, TF_SEPC(sp)
    sd      a0, 0(sp)           /* in case it is made again */
    bgeu    a7, t2, no_such_call
    slli    t0, a7, 3
    add     t1, t1, t0
    ld      t0, 0(t1)
    csrsi   sstatus, SSTATUS_SIE
    jalr    t0                  /* a0..a7 are still the program's */
    csrci   sstatus, SSTATUS_SIE
call_done:
    if_wanted 1f
    back_to_user
1:  sd      a0, 80(sp)
    j       leave

no_such_call:
    li      a0, -ENOSYS
    j       call_done

not_a_call:
    bltz    t3, 3f
exception:
    csrr    t0, stval
    sd      a0, 80(sp)
    sd      t4, TF_SEPC(sp)
    sd      t0, TF_STVAL(sp)
    mv      a0, sp
    call    user_exception      /* interrupts are on if it served a fault */
    csrci   sstatus, SSTATUS_SIE
    andi    a0, a0, USER_FAILED
    bnez    a0, 2f
    if_wanted leave
    ld      a0, 80(sp)
    back_to_user
leave:
    save_kept
1:  mv      a0, sp
    call    user_leave
    j       trap_return
2:  save_kept
    mv      a1, a0
    mv      a0, sp
    call    user_trouble
    if_wanted 1b
    j       trap_return
3:  csrr    t0, stval           /* an interrupt */
    sd      a0, 80(sp)
    sd      t4, TF_SEPC(sp)
    sd      t0, TF_STVAL(sp)
    save_kept
    j       handle

/* An entry of tcb.calls comes here when function t0 wants the registers that C
 * keeps in the frame, too, or changes them there.  sp is the frame. */
    .globl  call_with_frame
call_with_frame:
    save_kept
    mv      s0, ra
    jalr    t0
    mv      ra, s0
    load_kept
    ret

saved:
    save_rest
handle:
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
    load_kept
    load    1,3,4,5,6,7,10,11,12,13,14,15,16,17,28,29,30,31
    ld      sp, 16(sp)
    sret

/* trap_enter_user(frame): copy the frame, last word first because it may lie
 * just below, to the place a trap from user mode would use, unless it is
 * there. */
    .globl  trap_enter_user
trap_enter_user:
    csrci   sstatus, SSTATUS_SIE
    ld      t0, TCB_KSTACK(tp)
    addi    a1, a0, TF_SIZE
    mv      sp, a0
    beq     a1, t0, trap_return
1:  addi    a1, a1, -8
    addi    t0, t0, -8
    ld      t1, 0(a1)
    sd      t1, 0(t0)
    bne     a1, a0, 1b
    mv      sp, t0
    j       trap_return

/* sp is not on the thread's stack: report from a stack of its own. */
bad_stack:
    lla     sp, emergency_stack_end
    addi    sp, sp, -TF_SIZE
    ld      t0, TCB_SCRATCH + 8(tp)
    sd      t0, 40(sp)
    sd      tp, 32(sp)
    save_most
    save_rest
    /* Traps of the report itself belong on this stack too. */
    lla     t0, emergency_stack_end
    sd      t0, TCB_KSTACK(tp)
    mv      a0, sp
    call    trap_bad_stack

    .section .bss.pages, "aw", @nobits
    .balign 4096
    .skip   KSTACK_SIZE
emergency_stack_end:
