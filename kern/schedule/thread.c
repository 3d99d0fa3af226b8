/* thread.c: the life of a thread, from its memory to its last switch. */
#include "schedule/thread.h"

#include "schedule/sched.h"
#include <string.h>

static struct spinlock list_lock = SPINLOCK_INIT(RANK_PROCESS);
static struct list all_threads = LIST_INIT(all_threads); /* [list_lock] */
static int last_tid;                                     /* [a] */

/* A new thread's first instructions: it was switched to under the run-queue
 * lock, like any other. */
static void
thread_begin(void)
{
    struct thread *t = current_thread();

    sched_finish_switch();
    t->entry(t->arg);
    thread_exit();
}

void
thread_init(struct thread *t, const char *name, uintptr_t stack,
            void (*entry)(void *), void *arg)
{
    t->tcb.kstack_top = stack + KSTACK_SIZE;
    /* As if it had been switched away from: lock held, interrupts off. */
    t->tcb.irq_depth = 1;
    t->tcb.irq_was_on = SSTATUS_SIE;
    t->tcb.held = 1ul << RANK_RUNQ;
    t->ctx.ra = (uintptr_t)thread_begin;
    t->ctx.sp = t->tcb.kstack_top;
    t->tid = atomic_add(&last_tid, 1) + 1;
    strlcpy(t->name, name, sizeof(t->name));
    t->affinity = ~0ul;
    t->priority = 100;
    t->kstack = stack;
    t->entry = entry;
    t->arg = arg;

    spin_lock(&list_lock);
    list_add_tail(&all_threads, &t->all_link);
    spin_unlock(&list_lock);
}

void
thread_gone(struct thread *t)
{
    spin_lock(&list_lock);
    list_del(&t->all_link);
    spin_unlock(&list_lock);
    if (t->on_dead != NULL)
        t->on_dead(t);
}

void
thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg)
{
    spin_lock(&list_lock);
    list_for_each_entry (t, &all_threads, struct thread, all_link)
        fn(t, arg);
    spin_unlock(&list_lock);
}
