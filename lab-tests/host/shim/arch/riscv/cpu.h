/* cpu.h (host): a pthread plays a hart.  Same guard, types and names as the
 * real one; "interrupts" only count, because nothing interrupts a thread that
 * is a whole hart. */
#ifndef KERN_ARCH_RISCV_CPU_H
#define KERN_ARCH_RISCV_CPU_H

#define NCPU_MAX 16

#include "arch/riscv/csr.h"
#include <sched.h>
#include <util.h>

struct tcb {
    uintptr_t kstack_top;
    uintptr_t scratch[2];
    struct cpu *cpu;
    uint64_t held;
    uint32_t irq_depth;
    uint32_t irq_was_on;
    uint32_t in_interrupt;
};

struct cpu {
    unsigned id;
    uint64_t hartid;
    struct tcb *idle;
    struct pcp *pages;
    uint32_t online;
    uint32_t resched;
    uint32_t trap_depth;
    uint32_t ad_behaviour;
} CACHE_ALIGNED;

enum ad_behaviour {
    AD_UNKNOWN,
    AD_HARDWARE,
    AD_TRAPS,
};

extern struct cpu cpus[NCPU_MAX];
extern unsigned ncpu;

#define for_each_cpu(c) for (struct cpu *c = cpus; c < cpus + ncpu; c++)

/* The running thread; a test may point it elsewhere. */
extern _Thread_local struct tcb *shim_tcb;

static inline struct tcb *
current_tcb(void)
{
    return shim_tcb;
}

static inline struct cpu *
this_cpu(void)
{
    return shim_tcb->cpu;
}

static inline void
irq_off(void)
{
    unsigned long old = csr_read_clear(sstatus, SSTATUS_SIE);

    if (shim_tcb->irq_depth++ == 0)
        shim_tcb->irq_was_on = (uint32_t)(old & SSTATUS_SIE);
}

static inline void
irq_restore(void)
{
    if (--shim_tcb->irq_depth == 0)
        csr_set(sstatus, shim_tcb->irq_was_on);
}

static inline unsigned long
irq_save(void)
{
    return csr_read_clear(sstatus, SSTATUS_SIE);
}

static inline void
irq_load(unsigned long old)
{
    csr_set(sstatus, old & SSTATUS_SIE);
}

static inline bool
irq_is_off(void)
{
    return (csr_read(sstatus) & SSTATUS_SIE) == 0;
}

extern void (*cpu_wait_hook)(void);

/* The hart waited for may be a thread that has no processor just now. */
static inline void
cpu_wait(void)
{
    if (cpu_wait_hook != NULL)
        cpu_wait_hook();
    sched_yield();
}

#endif
