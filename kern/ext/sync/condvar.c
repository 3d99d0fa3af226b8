/* condvar.c: adds to sync/mutex.c; a first reader may skip it.  A wait queue whose condition is under a mutex.
 *
 * The waiter is on the queue before it gives the mutex back.  A signaller, who
 * holds the mutex, therefore finds it, asleep already or not. */
#include "ext/sync/condvar.h"

#include "ext/sync/wait_until.h"

void
cond_init(struct condvar *c)
{
    wait_init(&c->wq);
}

static void
enter(struct condvar *c, struct mutex *m, struct waiter *w)
{
    spin_lock(&c->wq.lock);
    wait_enter(&c->wq, w);
    spin_unlock(&c->wq.lock);
    mutex_unlock(m);
}

void
cond_wait(struct condvar *c, struct mutex *m)
{
    struct waiter w;

    enter(c, m, &w);
    spin_lock(&c->wq.lock);
    wait_finish(&c->wq, &w);
    spin_unlock(&c->wq.lock);
    mutex_lock(m);
}

int
cond_wait_until(struct condvar *c, struct mutex *m, uint64_t deadline)
{
    struct waiter w;
    int err;

    enter(c, m, &w);
    spin_lock(&c->wq.lock);
    err = wait_finish_until(&c->wq, &w, deadline);
    spin_unlock(&c->wq.lock);
    mutex_lock(m);
    return err;
}

void
cond_signal(struct condvar *c)
{
    spin_lock(&c->wq.lock);
    wait_wake(&c->wq, 1);
    spin_unlock(&c->wq.lock);
}

void
cond_broadcast(struct condvar *c)
{
    spin_lock(&c->wq.lock);
    wait_wake_all(&c->wq);
    spin_unlock(&c->wq.lock);
}
