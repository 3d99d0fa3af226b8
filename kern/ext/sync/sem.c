/* sem.c: adds to sync/wait.c; a first reader may skip it.  A count under the
 * lock of the queue of those who wait for it. */
#include "ext/sync/sem.h"

#include "ext/sync/wait_until.h"

void
sem_init(struct semaphore *s, unsigned value)
{
    wait_init(&s->wq);
    s->value = value;
}

void
sem_down(struct semaphore *s)
{
    spin_lock(&s->wq.lock);
    while (s->value == 0)
        wait_sleep(&s->wq);
    s->value--;
    spin_unlock(&s->wq.lock);
}

bool
sem_try_down(struct semaphore *s)
{
    bool got;

    spin_lock(&s->wq.lock);
    got = s->value > 0;
    if (got)
        s->value--;
    spin_unlock(&s->wq.lock);
    return got;
}

int
sem_down_until(struct semaphore *s, uint64_t deadline)
{
    int err = 0;

    spin_lock(&s->wq.lock);
    while (s->value == 0 && err == 0)
        err = wait_sleep_until(&s->wq, deadline);
    if (s->value > 0) { /* an up may have come with the time-out */
        s->value--;
        err = 0;
    }
    spin_unlock(&s->wq.lock);
    return err;
}

void
sem_up(struct semaphore *s)
{
    spin_lock(&s->wq.lock);
    s->value++;
    wait_wake(&s->wq, 1);
    spin_unlock(&s->wq.lock);
}
