/* sched.c: the switch from one thread to another.
 *
 * The rule that keeps this short: a thread belongs to one run queue (rq_cpu),
 * and that queue's lock is held from before a thread stops using its stack
 * until after the next one uses its own.  The lock is taken by the old thread
 * and given back by the new one, in sched_finish_switch():
 *
 *     old thread                          new thread
 *     ----------                          ----------
 *     spin_lock(&rq->lock)
 *     choose; context_switch()  ------->  ... returns from its own old call
 *                                         spin_unlock(&rq->lock)
 *
 * So whoever holds the lock and sees rq->running != t knows that t's registers
 * are saved and its stack is quiet; a waker needs no further handshake.
 *
 * A thread moves to another hart only while READY or BLOCKED, by whoever holds
 * the lock of its present queue.  Two run-queue locks are never held at once. */
#include "schedule/sched.h"

#include "arch/riscv/sbi.h"
#include "arch/riscv/sleep.h"
#include "debug/kstat.h"
#include "debug/trace.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

static struct run_queue run_queues[NCPU_MAX];
static const struct sched_class *policy;
static uint64_t idle_mask;   /* [a] bit i: hart i waits for work */
static uint64_t online_mask; /* [a] bit i: hart i runs threads */

struct mm_struct *(*sched_switch_hook)(struct thread *next);
void (*sched_fp_hook)(struct thread *prev, struct thread *next);
void (*sched_left_hook)(struct mm_struct *left);

int
sched_select(const char *name)
{
    TABLE_FOR_EACH (sched_class, struct sched_class, c) {
        if (strcmp((*c)->name, name) == 0) {
            policy = *c;
            return 0;
        }
    }
    return -EINVAL;
}

const char *
sched_name(void)
{
    return policy->name;
}

void
sched_init_cpu(struct thread *idle)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *rq = &run_queues[cpu->id];

    spin_init(&rq->lock, RANK_RUNQ);
    list_init(&rq->list);
    rq->running = rq->idle = idle;
    idle->state = THREAD_RUNNING;
    idle->rq_cpu = cpu->id;
    cpu->rq = rq;
    atomic_or(&online_mask, 1ul << cpu->id);
    atomic_store_release(&cpu->online, 1);
}

/* T moved away before RQ was locked. */
static NOINLINE struct run_queue *
lock_again(struct run_queue *rq, struct thread *t)
{
    unsigned id;

    do {
        spin_unlock(&rq->lock);
        id = atomic_load(&t->rq_cpu);
        rq = &run_queues[id];
        spin_lock(&rq->lock);
    } while (atomic_load(&t->rq_cpu) != id);
    return rq;
}

/* Lock the queue T belongs to; it may move while we wait for the lock. */
static inline struct run_queue *
lock_queue_of(struct thread *t)
{
    unsigned id = atomic_load(&t->rq_cpu);
    struct run_queue *rq = &run_queues[id];

    spin_lock_of(&rq->lock, RANK_RUNQ);
    return likely(atomic_load(&t->rq_cpu) == id) ? rq : lock_again(rq, t);
}

static inline void
unlock_queue(struct run_queue *rq)
{
    spin_unlock_of(&rq->lock, RANK_RUNQ);
}

/* Have hart ID look at its queue soon. */
static void
kick(unsigned id)
{
    struct cpu *cpu = &cpus[id];

    atomic_store_release(&cpu->resched, 1);
    if (cpu != this_cpu())
        sbi_send_ipi((struct sbi_harts){.mask = 1, .base = cpu->hartid});
}

/* Put T, which is READY and on no queue, into RQ of hart ID.  => RQ locked */
static inline void
put_on(struct run_queue *rq, struct thread *t, unsigned id)
{
    policy->enqueue(rq, t);
    atomic_store(&rq->nr, rq->nr + 1);
    if (rq->running == rq->idle) {
        atomic_and(&idle_mask, ~(1ul << id)); /* the next one goes elsewhere */
        kick(id);
    }
}

static NOINLINE void
queue_on(struct thread *t, unsigned id)
{
    struct run_queue *rq = &run_queues[id];

    spin_lock(&rq->lock);
    put_on(rq, t, id);
    spin_unlock(&rq->lock);
}

/* Where a woken thread should run: where it was, if that hart is idle, else on
 * any idle hart, else where it was. */
static NOINLINE unsigned
choose_other(const struct thread *t)
{
    uint64_t may = t->affinity & atomic_load(&online_mask);
    uint64_t idle = may & atomic_load(&idle_mask);

    if (idle != 0 && (idle >> t->rq_cpu & 1) == 0)
        return (unsigned)__builtin_ctzl(idle);
    if ((may >> t->rq_cpu & 1) == 0)
        return (unsigned)__builtin_ctzl(may);
    return t->rq_cpu;
}

static inline unsigned
choose_cpu(const struct thread *t)
{
    bool here = t->affinity >> t->rq_cpu & 1;

    return here && atomic_load(&idle_mask) == 0 ? t->rq_cpu : choose_other(t);
}

/* Unlock RQ, and see to what the switch left behind. */
static NOINLINE void
clean_up(struct run_queue *rq)
{
    struct thread *gone = rq->gone, *moved = rq->moved;
    struct mm_struct *left = rq->left;

    rq->gone = rq->moved = NULL;
    rq->left = NULL;
    spin_unlock(&rq->lock);
    if (left != NULL)
        sched_left_hook(left);
    if (gone != NULL)
        thread_gone(gone);
    if (moved != NULL)
        sched_wake(moved);
}

/* The second half of a switch, on the new thread's stack. */
void
sched_finish_switch(void)
{
    struct run_queue *rq = this_cpu()->rq;

    if (unlikely(rq->gone != NULL || rq->moved != NULL || rq->left != NULL))
        clean_up(rq);
    else
        unlock_queue(rq);
}

/* Run NEXT on this hart instead of PREV.  => rq->lock held; released */
static inline __attribute__((always_inline)) void
switch_to(struct run_queue *rq, struct thread *prev, struct thread *next)
{
    struct cpu *cpu = this_cpu();

    rq->running = next;
    next->state = THREAD_RUNNING;
    if (unlikely(next == rq->idle))
        atomic_or(&idle_mask, 1ul << cpu->id);
    else if (prev == rq->idle) /* else somebody did */
        timer_want_tick();
    if (next == prev) {
        spin_unlock(&rq->lock);
        return;
    }
    kstat_inc(STAT_SWITCH);
    trace(TRACE_SWITCH, (uint64_t)prev->tid, (uint64_t)next->tid);
    next->tcb.cpu = cpu;
    if (sched_switch_hook != NULL)
        rq->left = sched_switch_hook(next);
    if (sched_fp_hook != NULL)
        sched_fp_hook(prev, next);
    context_switch(&prev->ctx, &next->ctx, &next->tcb);
    sched_finish_switch();
}

/* Give the hart to whoever is next.  => rq->lock held; released.  The calling
 * thread's state says whether it may come back by itself. */
static inline __attribute__((always_inline)) void
schedule(struct run_queue *rq)
{
    struct cpu *cpu = this_cpu();
    struct thread *prev = rq->running;
    struct thread *next = policy->take(rq, cpu->id);

    atomic_store(&cpu->resched, 0);
    if (next != NULL)
        atomic_store(&rq->nr, rq->nr - 1);
    else
        next = rq->idle;
    switch_to(rq, prev, next);
}

/* Put the running thread back into the queue and schedule. */
static void
requeue_and_schedule(void)
{
    struct run_queue *rq = lock_queue_of(current_thread());
    struct thread *t = rq->running;

    if (t != rq->idle) {
        t->state = THREAD_READY;
        policy->enqueue(rq, t);
        atomic_store(&rq->nr, rq->nr + 1);
    }
    schedule(rq);
}

void
sched_yield(void)
{
    assert(current_tcb()->held >> (RANK_LAST_SLEEPING + 1) == 0);
    requeue_and_schedule();
}

/* The queue's lock is taken before LOCK is given back, and held over the switch:
 * who comes with LOCK to wake us waits for it.  Interrupts are off for one of the
 * two throughout. */
void
sched_sleep(struct spinlock *lock, bool intr)
{
    struct run_queue *rq = this_cpu()->rq;
    struct thread *me = current_thread();

    assert(me->tcb.irq_depth == 1 && me->tcb.in_interrupt == 0);
    spin_lock_off(&rq->lock, RANK_RUNQ);
    spin_unlock_off(lock, lock->rank);
    if (intr && unlikely(atomic_load(&me->interrupted) != 0)) {
        spin_unlock(&rq->lock);
    } else {
        me->state = THREAD_BLOCKED;
        schedule(rq);
    }
    spin_lock(lock);
}

bool
sched_wake(struct thread *t)
{
    /* LAB 8.3: T waits no longer. True if it did wait.
     *
     * lock_queue_of() locks the queue that T is of, and with it T's state. Who
     * does not wait (THREAD_BLOCKED) is left alone: two may wake the same
     * thread, and only one of them does. It becomes THREAD_READY and goes to
     * the queue of a hart that choose_cpu() picks: put_on() if that is the one
     * whose lock you hold; else t->rq_cpu says which one it is from now on,
     * the lock is given back, and queue_on() takes the other. Never hold two
     * queues at once. trace() it. */
    struct run_queue *rq = lock_queue_of(t);
    unsigned id;

    if (t->state != THREAD_BLOCKED) {
        unlock_queue(rq);
        return false;
    }
    t->state = THREAD_READY;
    id = choose_cpu(t);
    trace(TRACE_WAKE, (uint64_t)t->tid, id);
    if (likely(id == t->rq_cpu)) {
        put_on(rq, t, id);
        unlock_queue(rq);
        return true;
    }
    atomic_store(&t->rq_cpu, id);
    unlock_queue(rq);
    queue_on(t, id);
    return true;
    /* STUB: panic("nobody wakes anybody yet"); */
    /* END 8.3 */
}

void
thread_start(struct thread *t)
{
    unsigned id;

    assert(t->state == THREAD_NEW);
    t->state = THREAD_READY;
    irq_off();
    t->rq_cpu = this_cpu()->id;
    id = choose_cpu(t);
    t->rq_cpu = id;
    irq_restore();
    queue_on(t, id);
}

void
thread_exit(void)
{
    struct run_queue *rq;

    trace(TRACE_THREAD, (uint64_t)current_thread()->tid, THREAD_DEAD);
    rq = lock_queue_of(current_thread());
    rq->running->state = THREAD_DEAD;
    rq->gone = rq->running;
    schedule(rq);
    panic("a dead thread ran");
}

int
sched_set_affinity(uint64_t mask)
{
    struct thread *t = current_thread();
    struct run_queue *rq;

    if ((mask & atomic_load(&online_mask)) == 0)
        return -EINVAL;
    rq = lock_queue_of(current_thread());
    t->affinity = mask;
    if (mask >> this_cpu()->id & 1) {
        spin_unlock(&rq->lock);
        return 0;
    }
    /* Fall asleep, and be woken by the next thread of this hart: our stack is
     * quiet by then, and sched_wake() chooses an allowed hart. */
    t->state = THREAD_BLOCKED;
    rq->moved = t;
    schedule(rq);
    return 0;
}

/* Take a thread from the longest queue.  => the idle thread, no locks */
static bool
steal(void)
{
    unsigned me = this_cpu()->id, from = me, most = 0;
    struct run_queue *rq;
    struct thread *t;

    for (unsigned i = 0; i < ncpu; i++) {
        unsigned nr = atomic_load(&run_queues[i].nr);

        if (i != me && nr > most) {
            most = nr;
            from = i;
        }
    }
    if (from == me)
        return false;
    rq = &run_queues[from];
    spin_lock(&rq->lock);
    t = policy->take(rq, me);
    if (t != NULL) {
        atomic_store(&rq->nr, rq->nr - 1);
        atomic_store(&t->rq_cpu, me);
    }
    spin_unlock(&rq->lock);
    if (t == NULL)
        return false;
    kstat_inc(STAT_STEAL);
    queue_on(t, me);
    return true;
}

void
sched_idle_loop(void)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *rq = lock_queue_of(current_thread());

    if (rq->nr == 0) /* else a thread came before we were ready */
        atomic_or(&idle_mask, 1ul << cpu->id);
    unlock_queue(rq);
    csr_set(sstatus, SSTATUS_SIE);
    for (;;) {
        /* With interrupts off, one that comes after the test still ends the
         * wfi, and is taken right after. */
        irq_off();
        if (atomic_load_acquire(&cpu->resched) == 0 && !steal())
            cpu_sleep();
        irq_restore();
        if (atomic_load(&cpu->resched) != 0)
            requeue_and_schedule();
    }
}

void
sched_tick(void)
{
    struct run_queue *rq = lock_queue_of(current_thread());
    struct thread *t = rq->running;
    bool user = (csr_read(sstatus) & SSTATUS_SPP) == 0;
    uint64_t idle = atomic_load(&idle_mask);

    kstat_inc(STAT_TICK);
    t->ran.all++;
    t->ran.user += user;
    if (t != rq->idle) {
        kstat_inc(user ? STAT_TICK_USER : STAT_TICK_KERNEL);
        timer_want_tick();
        if (policy->tick(rq, t))
            this_cpu()->resched = 1;
    }
    /* Threads wait here while another hart idles: let it come and steal. */
    if (rq->nr > 0 && idle != 0)
        kick((unsigned)__builtin_ctzl(idle));
    spin_unlock(&rq->lock);
}

void
sched_preempt_point(void)
{
    struct tcb *t = current_tcb();

    if (unlikely(t->cpu->resched != 0) && t->irq_depth == 0 &&
        t->in_interrupt == 0 && current_thread() != t->cpu->rq->idle)
        requeue_and_schedule();
}
