/* trap.c: one switch.
 *
 *     interrupt   timer     -> schedule/timeout.c
 *                 software  -> another hart wants something
 *                 external  -> driver/plic.c
 *     exception   in user mode -> trap/user.c, without coming here
 *                 of a copy routine -> trap/copy.c (labs 0 to 3: in ref/)
 *                 in code that may fault (arch/riscv/probe.h) -> go on there
 *                 anywhere else in the kernel -> panic, once
 *
 * At the end of every trap that interrupted code with interrupts on, another
 * thread may be due. */
#include "trap/trap.h"

#include "arch/riscv/boot.h"
#include "arch/riscv/probe.h"
#include "debug/kstat.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "debug/trace.h"
#include "driver/plic.h"
#include "mm/tlb.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "trap/user.h"
#include <riscvnames.h>

/* Faults of the kernel inside faults of the kernel, before we give up. */
#define MAX_DEPTH 2

void
trap_init_cpu(void)
{
    csr_write(sscratch, 0);
    csr_write(stvec, trap_entry);
    csr_write(scounteren, SCOUNTEREN_ALL);
    csr_set(sie, SIE_SSIE | SIE_SEIE);
}

void
print_trapframe(const struct trapframe *tf)
{
    for (unsigned i = 0; i < 32; i++)
        cprintf(" %3s %016lx%s", i == 0 ? "pc" : riscv_reg_names[i],
                i == 0 ? tf->sepc : tf->x[i], i % 4 == 3 ? "\n" : "");
    cprintf(" scause %lx  stval %016lx  sstatus %lx\n", tf->scause, tf->stval,
            tf->sstatus);
}

static void
interrupt(uint64_t cause)
{
    /* LAB 1.2: somebody wants something: which of three?
     *
     * The timer has its timeout_interrupt(). A software interrupt comes from
     * another hart: it must be cleared in sip, or it comes for ever; it may
     * say that a hart panicked (panic_check()) or wants translations forgotten
     * (tlb_interrupt, if there is one). Devices come through plic_interrupt().
     * Count STAT_IRQ, and STAT_IPI for those of harts; none is traced, or the
     * ring would hold nothing else (TRACE_IRQ is for who debugs).
     *
     * The locks that the interrupted thread holds are not this handler's:
     * t->held is 0 while it runs, and back afterwards; t->in_interrupt says
     * that it runs. */
    struct tcb *t = current_tcb();
    uint64_t held = t->held;

    /* The locks of the interrupted thread are not this handler's: whatever it
     * takes below is only ever taken with interrupts off. */
    t->held = 0;
    t->in_interrupt++;
    kstat_inc(STAT_IRQ);
    switch (cause) {
    case IRQ_S_TIMER:
        timeout_interrupt();
        break;
    case IRQ_S_SOFT:
        csr_clear(sip, 1ul << IRQ_S_SOFT);
        kstat_inc(STAT_IPI);
        panic_check();
        if (tlb_interrupt != NULL)
            tlb_interrupt();
        break;
    case IRQ_S_EXT:
        plic_interrupt();
        break;
    }
    t->in_interrupt--;
    t->held = held;
    /* STUB: csr_clear(sie, 1ul << cause); */
    /* END 1.2 */
}

static NORETURN void
kernel_fault(struct trapframe *tf)
{
    /* LAB 1.4: the kernel did something wrong: say what, once, and end.
     *
     * Interrupts stay off. this_cpu()->trap_depth counts faults within faults:
     * after MAX_DEPTH of them even reporting goes wrong, so only power_off(1).
     * The console's lock may be held by the very code that failed:
     * console_bust_lock(). Print the registers (print_trapframe()), tell the
     * backtrace in panic_place where to begin (sepc, frame pointer, return
     * address), and panic() with the name of the cause (riscv_cause_name()),
     * stval and sepc. */
    irq_off();
    if (this_cpu()->trap_depth++ >= MAX_DEPTH)
        power_off(1); /* even reporting faults: say no more */
    console_bust_lock();
    cprintf("\n");
    print_trapframe(tf);
    panic_place = (struct panic_place){
        .pc = tf->sepc, .fp = tf->x[X_FP], .ra = tf->x[X_RA]};
    panic("%s in the kernel at %#lx, pc %#lx", riscv_cause_name(tf->scause),
          tf->stval, tf->sepc);
    /* STUB: panic("a trap in the kernel"); */
    /* END 1.4 */
}

static void
exception(struct trapframe *tf)
{
    /* LAB 1.3: an exception in the kernel.
     *
     * Three kinds are no error. A copy routine hit a page of a program that
     * has to be brought in first: user_copy_fault() serves it and says true,
     * go on where it was. Or it could not be served, or the code expected that
     * an access may fail (probe.h): extable_find() knows where it goes on, at
     * another place than sepc. But an address that the copy routine should
     * never have been given is a bug (user_copy_bug()). Everything else is one
     * as well: kernel_fault() never returns. trace() all of them. */
    uintptr_t go_on;

    trace(TRACE_FAULT, tf->scause, tf->stval);
    if (user_copy_fault(tf))
        return;
    go_on = user_copy_bug(tf) ? 0 : extable_find(tf->sepc);
    if (go_on == 0)
        kernel_fault(tf);
    tf->sepc = go_on;
    /* STUB: kernel_fault(tf); */
    /* END 1.3 */
}

void
trap_handler(struct trapframe *tf)
{
    /* LAB 1.1: every trap of the kernel, and every interrupt of a program,
     * comes here.
     *
     * CAUSE_INTERRUPT in scause tells interrupt() from exception();
     * interrupt() gets the cause without it. If the interrupted code had
     * interrupts on (SSTATUS_SPIE), another thread may be due now:
     * sched_preempt_point(). A program that was interrupted (trap_from_user())
     * goes on by user_leave(), which looks whether something waits for it. */
    if (tf->scause & CAUSE_INTERRUPT)
        interrupt(tf->scause & ~CAUSE_INTERRUPT);
    else
        exception(tf);
    if (tf->sstatus & SSTATUS_SPIE)
        sched_preempt_point();
    if ((tf->scause & CAUSE_INTERRUPT) && trap_from_user(tf))
        user_leave(tf);
    /* STUB: panic("nobody handles traps yet"); */
    /* END 1.1 */
}

void
trap_bad_stack(struct trapframe *tf)
{
    uintptr_t stack = current_thread()->kstack, sp = tf->x[X_SP];

    cprintf("\nkernel stack %s: sp %#lx, stack [%#lx, %#lx)\n",
            stack - sp < KSTACK_SIZE ? "overflow" : "pointer lost", sp, stack,
            stack + KSTACK_SIZE);
    kernel_fault(tf);
}
