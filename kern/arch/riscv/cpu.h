/* cpu.h: the running thread and the hart it runs on, as far as the lowest
 * floors and the assembly need to know them.
 *
 * Register tp always holds the running thread (struct tcb is its head).  That
 * makes "who am I" one register, and it stays right across an interrupt or a
 * preemption.  "Which hart am I on" is tp->cpu and is only stable while
 * interrupts are off.
 *
 * Hart ids of the device tree may be sparse (the VisionFive 2 starts at 1);
 * everything in the kernel uses the dense logical id 0 .. ncpu-1, and only
 * SBI calls and the PLIC translate back. */
#ifndef KERN_ARCH_RISCV_CPU_H
#define KERN_ARCH_RISCV_CPU_H

#define NCPU_MAX 16

/* Offsets for trapentry.S; the assertions below check them. */
#define TCB_KSTACK       0
#define TCB_SCRATCH      8
#define TCB_CALLS        24
#define TCB_CPU          32
#define TCB_SIZE         64
#define CPU_RESCHED      36
#define THREAD_INTERRUPT TCB_SIZE

/* System calls have smaller numbers. */
#define CALLS_MAX 512

#ifndef __ASSEMBLER__

#include "arch/riscv/csr.h"
#include <util.h>

/* A system call: a0..a5, and its result, which goes into a0. */
typedef long (*call_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t);

/* Who guards what:  self: only the thread itself, interrupts off or nested;
 *                   I: set once;  a: atomic. */
struct tcb {
    uintptr_t kstack_top; /* [I] a trap from user mode starts here */
    uintptr_t scratch[2]; /* [self] for trapentry.S */
    /* [a] What serves an ecall, by the number in a7; CALLS_MAX of them.  NULL:
     * an ecall is an exception as others are. */
    const call_fn *calls;
    struct cpu *cpu;       /* where it runs; the scheduler sets it */
    uint64_t held;         /* [self] ranks of the locks it holds */
    uint32_t irq_depth;    /* [self] nested irq_off()s, spinlocks included */
    uint32_t irq_was_on;   /* [self] SSTATUS_SIE before the outermost one */
    uint32_t in_interrupt; /* [self] depth of interrupt handlers */
};

_Static_assert(offsetof(struct tcb, kstack_top) == TCB_KSTACK &&
                   offsetof(struct tcb, scratch) == TCB_SCRATCH &&
                   offsetof(struct tcb, calls) == TCB_CALLS &&
                   offsetof(struct tcb, cpu) == TCB_CPU &&
                   sizeof(struct tcb) == TCB_SIZE,
               "trapentry.S");

/* Who guards what:  own: only this hart, interrupts off;  a: atomic;  I. */
struct cpu {
    unsigned id;           /* [I] logical */
    uint64_t hartid;       /* [I] what the firmware calls it */
    struct run_queue *rq;  /* [I] the threads that shall run here */
    struct pcp *pages;     /* [I] its cache of pages, if kern/ext has one */
    uint32_t online;       /* [a] it reached the scheduler */
    uint32_t resched;      /* [a] look for a better thread before returning */
    uint32_t trap_depth;   /* [own] faults within faults, see trap.c */
    uint32_t ad_behaviour; /* [I] enum ad_behaviour, probed at start */
} CACHE_ALIGNED;

_Static_assert(offsetof(struct cpu, resched) == CPU_RESCHED, "trapentry.S");

enum ad_behaviour {
    AD_UNKNOWN,
    AD_HARDWARE, /* sets A and D in the entry by itself */
    AD_TRAPS,    /* page fault when A, or D for a store, is clear (Svade) */
};

extern struct cpu cpus[NCPU_MAX];
extern unsigned ncpu; /* [I] harts found; cpus[0] is the boot hart */

#define for_each_cpu(c) for (struct cpu *c = cpus; c < cpus + ncpu; c++)

#ifdef __cppcheck__ /* knows no variable that is a register */
extern struct tcb *tcb_in_tp;
#else
register struct tcb *tcb_in_tp __asm__("tp");
#endif

/* Of one thread it is always the same, across a switch and back, too. */
static inline struct tcb *
current_tcb(void)
{
    return tcb_in_tp;
}

/* => interrupts off, else the answer may be old before it is used */
static inline struct cpu *
this_cpu(void)
{
    return current_tcb()->cpu;
}

/* Turn interrupts off; calls nest, and the last irq_restore() brings back what
 * was before the first. */
static inline void
irq_off(void)
{
    struct tcb *t = current_tcb();

    if (t->irq_depth == 0) {
        unsigned long old = csr_read_clear(sstatus, SSTATUS_SIE);

        t->irq_was_on = old & SSTATUS_SIE;
    }
    t->irq_depth++;
}

static inline void
irq_restore(void)
{
    struct tcb *t = current_tcb();

    if (--t->irq_depth == 0)
        csr_set(sstatus, t->irq_was_on);
}

/* As irq_off() and irq_restore(), for a few lines that take no lock and can
 * not sleep: the caller keeps the old state, and nobody counts. */
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

/* What a hart that waits for another must do meanwhile (serve TLB requests in
 * the S-IPI fallback).  May be NULL. */
extern void (*cpu_wait_hook)(void);

static inline void
cpu_wait(void)
{
    if (cpu_wait_hook != NULL)
        cpu_wait_hook();
    cpu_relax();
}

#endif
#endif
