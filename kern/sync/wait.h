/* wait.h: sleep here, wake those.
 *
 * A wait queue is where threads sleep until something becomes true.  The
 * condition lives under the queue's own lock, or under one taken before it:
 *
 *     spin_lock(&wq.lock);                  spin_lock(&wq.lock);
 *     while (!ready)                        ready = true;
 *         wait_sleep(&wq);                  wait_wake_all(&wq);
 *     spin_unlock(&wq.lock);                spin_unlock(&wq.lock);
 *
 * wait_sleep() queues the thread, and the lock is held until it sleeps, so a wake
 * between the test and the sleep cannot be lost. */
#ifndef KERN_SYNC_WAIT_H
#define KERN_SYNC_WAIT_H

#include "schedule/sched.h"
#include "sync/spinlock.h"
#include <list.h>

struct wait_queue {
    struct spinlock lock;
    struct list sleepers; /* [lock] struct waiter, first come first */
};

/* One sleeping thread, on its own stack. */
struct waiter {
    struct list link;
    struct thread *thread;
    bool woken; /* [wq.lock] off the queue, may go on */
};

static inline void
wait_init(struct wait_queue *wq)
{
    spin_init(&wq->lock, RANK_WAIT);
    list_init(&wq->sleepers);
}

/* Sleep until woken by wait_wake().  => wq->lock held, dropped while asleep,
 * held again on return; no other spinlock held.  Others may have run between
 * the wake and the return: look at the condition again. */
void wait_sleep(struct wait_queue *wq);

/* As wait_sleep(), but thread_interrupt() ends it, too, even one that came
 * before.  Returns 0 when woken, else -EINTR. */
int wait_sleep_intr(struct wait_queue *wq);

/* Somebody wants the calling thread to give up, which did DONE of something that
 * takes long: if that is not nothing it is enough. */
static inline bool
thread_wanted(size_t done)
{
    return done > 0 && unlikely(atomic_load(&current_thread()->interrupted));
}

/* T gives up waiting, now and whenever it wants to again.  => any context */
void thread_interrupt(struct thread *t);

/* The two halves of wait_sleep(), for those who must do something in between
 * (let go of a mutex): from wait_enter() on, a wake reaches W, asleep or not.
 * => wq->lock held at each call; it may be dropped between them */
void wait_enter(struct wait_queue *wq, struct waiter *w);
void wait_finish(struct wait_queue *wq, struct waiter *w);

/* Wake the first N, or all.  Returns how many.  => wq->lock held */
unsigned wait_wake(struct wait_queue *wq, unsigned n);
unsigned wait_wake_all(struct wait_queue *wq);

/* Wake this one, who is on the queue.  => the queue's lock held */
void waiter_wake(struct waiter *w);

/* Who would be woken next; NULL: nobody sleeps.  => wq->lock held */
struct thread *wait_first(struct wait_queue *wq);

#endif
