/* wait.c: a sleeping thread is a struct waiter on its own stack.
 *
 * The waker takes the waiter off the queue and says so in w->woken, both under
 * the queue's lock, before it wakes the thread; so a thread that finds itself
 * awake for another reason (thread_interrupt() came, and it does not care) goes
 * back to sleep, and keeps its place. */
#include "sync/wait.h"

#include <errno.h>

static inline void
queue_up(struct wait_queue *wq, struct waiter *w)
{
    assert(spin_held(&wq->lock));
    *w = (struct waiter){.thread = current_thread()};
    list_add_tail(&wq->sleepers, &w->link);
}

void
wait_enter(struct wait_queue *wq, struct waiter *w)
{
    queue_up(wq, w);
}

void
wait_finish(struct wait_queue *wq, struct waiter *w)
{
    assert(spin_held(&wq->lock));
    while (!w->woken)
        sched_sleep(&wq->lock, false);
}

void
waiter_wake(struct waiter *w)
{
    struct thread *t = w->thread; /* W may be gone once woken is seen */

    list_del(&w->link);
    w->woken = true;
    sched_wake(t);
}

void
wait_sleep(struct wait_queue *wq)
{
    struct waiter w;

    wait_enter(wq, &w);
    wait_finish(wq, &w);
}

int
wait_sleep_intr(struct wait_queue *wq)
{
    struct thread *me = current_thread();
    struct waiter w;

    queue_up(wq, &w);
    while (!w.woken && atomic_load(&me->interrupted) == 0)
        sched_sleep(&wq->lock, true);
    if (w.woken)
        return 0;
    list_del(&w.link);
    return -EINTR;
}

void
thread_interrupt(struct thread *t)
{
    atomic_store(&t->interrupted, 1); /* it looks under its queue's lock */
    sched_wake(t);
}

unsigned
wait_wake(struct wait_queue *wq, unsigned n)
{
    unsigned woken = 0;

    assert(spin_held(&wq->lock));
    while (woken < n && !list_empty(&wq->sleepers)) {
        waiter_wake(list_first(&wq->sleepers, struct waiter, link));
        woken++;
    }
    return woken;
}

unsigned
wait_wake_all(struct wait_queue *wq)
{
    return wait_wake(wq, UINT32_MAX);
}

struct thread *
wait_first(struct wait_queue *wq)
{
    if (list_empty(&wq->sleepers))
        return NULL;
    return list_first(&wq->sleepers, struct waiter, link)->thread;
}
