/* trap.c: one switch.
 *
 *     interrupt   timer     -> schedule/timeout.c
 *                 software  -> another hart wants something
 *                 external  -> driver/plic.c
 *     exception   in user mode -> trap/user.c, without coming here
 *                 of a copy routine -> trap/user.c
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
}

static NORETURN void
kernel_fault(struct trapframe *tf)
{
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
}

static void
exception(struct trapframe *tf)
{
    uintptr_t go_on;

    trace(TRACE_FAULT, tf->scause, tf->stval);
    if (user_copy_fault(tf))
        return;
    go_on = user_copy_bug(tf) ? 0 : extable_find(tf->sepc);
    if (go_on == 0)
        kernel_fault(tf);
    tf->sepc = go_on;
}

void
trap_handler(struct trapframe *tf)
{
    if (tf->scause & CAUSE_INTERRUPT)
        interrupt(tf->scause & ~CAUSE_INTERRUPT);
    else
        exception(tf);
    if (tf->sstatus & SSTATUS_SPIE)
        sched_preempt_point();
    if ((tf->scause & CAUSE_INTERRUPT) && trap_from_user(tf))
        user_leave(tf);
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
