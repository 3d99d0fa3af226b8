/* model.h: the scheduler as its header promises it, with one thread per hart.
 *
 * Tests of locks and wait queues need block and wake, not run queues; with this
 * model their schedules are short.  It is the contract of schedule/sched.h in
 * executable form:
 * a wake of a thread that is asleep makes it runnable; any other is lost.  It
 * sleeps when the lock is given back, takes interrupts, and may wake up for no
 * reason (a choice, at the price of a preemption, if model_spurious).
 *
 * => included once, by the test, after explore.h */
#ifndef EXPLORE_MODEL_H
#define EXPLORE_MODEL_H

#include "arch/riscv/timer.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "sync/spinlock.h"

static struct thread model_thread[EXPLORE_HARTS];
static bool model_spurious;

/* The thread of this hart, from now on with interrupts on. */
static void
model_start(unsigned hart)
{
    struct thread *t = &model_thread[hart];

    t->tid = (int)hart + 1;
    t->state = THREAD_RUNNING;
    t->tcb.cpu = &cpus[hart];
    explore_tcb[hart] = &t->tcb;
    timer_init_cpu();
    csr_set(sstatus, SSTATUS_SIE);
}

static bool
model_awake(void *arg)
{
    return ((struct thread *)arg)->state == THREAD_RUNNING;
}

void
sched_sleep(struct spinlock *lock, bool intr)
{
    struct thread *t = current_thread();

    assert(t->tcb.irq_depth == 1 && t->tcb.in_interrupt == 0);
    assert(t->state == THREAD_RUNNING);
    t->state = THREAD_BLOCKED;
    if (intr && t->interrupted != 0)
        t->state = THREAD_RUNNING;
    spin_unlock(lock);
    assert(t->tcb.held >> (RANK_LAST_SLEEPING + 1) == 0);
    EXPLORE_POINT("sched_sleep");
    if (model_spurious && explore_surprise())
        t->state = THREAD_RUNNING;
    explore_wait("sched_sleep", model_awake, t);
    spin_lock(lock);
}

bool
sched_wake(struct thread *t)
{
    bool blocked;

    EXPLORE_POINT("sched_wake");
    blocked = t->state == THREAD_BLOCKED;
    if (blocked)
        t->state = THREAD_RUNNING;
    return blocked;
}

void
sched_tick(void)
{
}

#endif
