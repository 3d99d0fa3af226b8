/* thread.h: what can run.
 *
 * A thread is a kernel stack, the registers it keeps while it waits, and a
 * state.  It has no files; a process embeds one (process/).  Of memory it knows
 * only the name of the space it runs in; mm/space.c does the rest.
 *
 *           thread_start            sched_pick
 *    NEW ------------->  READY  <------------->  RUNNING
 *                          ^      preempted         |
 *                          |                        | sched_sleep
 *                          +------  BLOCKED  <------+
 *                       sched_wake                  | thread_exit
 *                                                   v
 *                                                 DEAD
 *
 * tcb must stay the first member: register tp points at it. */
#ifndef KERN_SCHEDULE_THREAD_H
#define KERN_SCHEDULE_THREAD_H

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/trapframe.h"
#include "sync/spinlock.h"
#include <avl.h>
#include <list.h>

enum thread_state {
    THREAD_NEW,
    THREAD_READY,   /* on a run queue */
    THREAD_RUNNING, /* on a hart */
    THREAD_BLOCKED, /* waiting for sched_wake() */
    THREAD_DEAD,    /* will never run again; its stack may be freed */
};

/* Ticks received: all, and those of them in user mode. */
struct cputime {
    uint64_t all, user;
};

static inline void
cputime_add(struct cputime *sum, const struct cputime *more)
{
    sum->all += atomic_load(&more->all);
    sum->user += atomic_load(&more->user);
}

/* Why a thread left user mode, as the signal it deserves (libs/signal.h). */
struct user_trap {
    int signo;      /* 0: it asked for something (ecall) */
    int code;       /* si_code */
    uintptr_t addr; /* si_addr, to the byte */
};

struct mm_struct;

/* Who guards what:
 *   I     set before the thread starts
 *   r     the run-queue lock of thread->rq_cpu
 *   self  only the thread itself
 *   a     atomic */
struct thread {
    struct tcb tcb;       /* must be first */
    uint32_t interrupted; /* [a] gives up waiting: sync/wait.h */
    uint32_t owes_memory; /* [self] it took of what is short: mm/reclaim.h */
    struct context ctx;   /* registers while not running */
    int tid;              /* [I] unique, from 1 */
    char name[20];        /* [I] */

    uint32_t state;    /* [r] enum thread_state */
    unsigned rq_cpu;   /* [r] the hart whose queue it belongs to */
    uint64_t affinity; /* [r] bit i: may run on logical hart i */

    struct list run_link;     /* [r] round robin */
    struct avl_node run_node; /* [r] stride */
    uint64_t pass;            /* [r] stride: virtual time used so far */
    uint32_t priority;        /* [r] stride: share, 1 .. 1000 */
    uint32_t slice_left;      /* [r] ticks until preempted */
    struct cputime ran;       /* [r] for ps and tests */

    uintptr_t kstack;         /* [I] lowest byte of its stack */
    void (*entry)(void *arg); /* [I] */
    void *arg;
    void (*on_dead)(struct thread *t); /* [I] called by another thread once
                                        * the stack is free; may be NULL */

    struct mm_struct *mm; /* [self] its space, or NULL; see mm_use() */
    uint32_t nofault;     /* [self] > 0: user_copy() may not wait for pages */
    uintptr_t lent, lent_end; /* [self] mm/uaccess.h: kernel memory */
    /* [self] Called with interrupts on for what the program did wrong or asked
     * for (WHY NULL: it is told because it is interrupted); when it returns,
     * the program goes on at TF->sepc. */
    void (*user_trap)(struct trapframe *tf, const struct user_trap *why);

    struct list all_link; /* the list of all threads, under its own lock */
};

static inline struct thread *
current_thread(void)
{
    return (struct thread *)current_tcb();
}

#endif
