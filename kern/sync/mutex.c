/* mutex.c: an unlocker hands the mutex to the first sleeper, so nobody
 * overtakes and nobody starves. */
#include "sync/mutex.h"

/* Say that somebody waits, or take it: it may be free by now. */
static bool
take_or_mark(struct mutex *m)
{
    uintptr_t owner = atomic_load(&m->owner), to;

    do
        to = owner == 0 ? (uintptr_t)current_thread() : owner | MUTEX_WAITED;
    while (!atomic_cas(&m->owner, &owner, to));
    return owner == 0;
}

void
mutex_lock_nested(struct mutex *m)
{
    if (likely(mutex_take(m)))
        return;
    spin_lock(&m->wq.lock);
    if (!take_or_mark(m)) {
        do
            wait_sleep(&m->wq);
        while (!mutex_held(m));
    }
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
    bool mine = mutex_take(m);

    if (mine)
        lock_order_add(m->rank);
    return mine;
}

void
mutex_unlock_nested(struct mutex *m)
{
    struct thread *heir;

    if (likely(mutex_give(m)))
        return;
    assert(mutex_held(m));
    spin_lock(&m->wq.lock);
    heir = wait_first(&m->wq);
    wait_wake(&m->wq, 1);
    atomic_store_release(&m->owner,
                         (uintptr_t)heir |
                             (list_empty(&m->wq.sleepers) ? 0 : MUTEX_WAITED));
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
    return (atomic_load(&m->owner) & ~MUTEX_WAITED) ==
           (uintptr_t)current_thread();
}
