/* wait_until.c: adds to sync/wait.c; a first reader may skip it.  The deadline
 * is one more waker, and takes the lock that wakers take; so whoever comes
 * first, it or another, the thread is woken once. */
#include "ext/sync/wait_until.h"

#include "schedule/timeout.h"
#include <errno.h>

struct alarm {
    struct timeout timeout;
    struct waiter *waiter;
    struct wait_queue *wq;
    bool rang; /* [wq->lock] it was the one that woke the waiter */
};

static void
alarm_fire(struct timeout *timeout)
{
    struct alarm *a = container_of(timeout, struct alarm, timeout);

    spin_lock(&a->wq->lock);
    if (!a->waiter->woken) {
        a->rang = true;
        waiter_wake(a->waiter);
    }
    spin_unlock(&a->wq->lock);
}

int
wait_finish_until(struct wait_queue *wq, struct waiter *w, uint64_t deadline)
{
    struct alarm a = {.waiter = w, .wq = wq};

    timeout_arm(&a.timeout, deadline, alarm_fire);
    wait_finish(wq, w);
    spin_unlock(&wq->lock);
    timeout_cancel(&a.timeout); /* it lives on our stack */
    spin_lock(&wq->lock);
    return a.rang ? -ETIMEDOUT : 0;
}

int
wait_sleep_until(struct wait_queue *wq, uint64_t deadline)
{
    struct waiter w;

    wait_enter(wq, &w);
    return wait_finish_until(wq, &w, deadline);
}
