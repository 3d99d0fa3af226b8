/* model.h: the scheduler as its header promises it, with one thread per hart.
 *
 * Tests of locks and wait queues need block and wake, not run queues; with this
 * model their schedules are short.  It is the contract of schedule/sched.h in
 * executable form:
 * a wake of a thread that is blocked, or has announced it, makes it runnable;
 * any other is lost.  A blocked thread takes interrupts, and its block may end
 * for no reason (a choice, at the price of a preemption, if model_spurious).
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

void
sched_prepare_block(void)
{
    assert(current_thread()->state == THREAD_RUNNING);
    atomic_store(&current_thread()->state, THREAD_BLOCKED);
}

static bool
model_awake(void *arg)
{
    return ((struct thread *)arg)->state == THREAD_RUNNING;
}

void
sched_block(void)
{
    struct thread *t = current_thread();

    assert(t->tcb.irq_depth == 0 && t->tcb.in_interrupt == 0);
    assert(t->tcb.held >> (RANK_LAST_SLEEPING + 1) == 0);
    EXPLORE_POINT("sched_block");
    if (model_spurious && explore_surprise())
        t->state = THREAD_RUNNING;
    explore_wait("sched_block", model_awake, t);
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
