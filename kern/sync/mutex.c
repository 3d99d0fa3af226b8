/* mutex.c: an unlocker hands the mutex to the first sleeper, so nobody
 * overtakes and nobody starves. */
#include "sync/mutex.h"

void
mutex_init(struct mutex *m, enum lock_rank rank)
{
    assert(rank <= RANK_LAST_SLEEPING);
    wait_init(&m->wq);
    m->owner = NULL;
    m->rank = rank;
}

void
mutex_lock_nested(struct mutex *m)
{
    struct thread *me = current_thread();

    spin_lock(&m->wq.lock);
    if (m->owner == NULL)
        atomic_store(&m->owner, me);
    while (m->owner != me)
        wait_sleep(&m->wq);
    spin_unlock(&m->wq.lock);
}

void
mutex_lock(struct mutex *m)
{
    lock_order_check(m->rank); /* also says: not mine already, no spinlock */
    mutex_lock_nested(m);
    lock_order_add(m->rank);
}

bool
mutex_trylock(struct mutex *m)
{
    bool mine;

    spin_lock(&m->wq.lock);
    mine = m->owner == NULL;
    if (mine) {
        atomic_store(&m->owner, current_thread());
        lock_order_add(m->rank);
    }
    spin_unlock(&m->wq.lock);
    return mine;
}

void
mutex_unlock_nested(struct mutex *m)
{
    assert(mutex_held(m));
    spin_lock(&m->wq.lock);
    atomic_store(&m->owner, wait_first(&m->wq));
    if (unlikely(!list_empty(&m->wq.sleepers)))
        wait_wake(&m->wq, 1);
    spin_unlock(&m->wq.lock);
}

void
mutex_unlock(struct mutex *m)
{
    lock_order_remove(m->rank);
    mutex_unlock_nested(m);
}

bool
mutex_held(struct mutex *m)
{
    return atomic_load(&m->owner) == current_thread();
}
