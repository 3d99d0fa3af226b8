/* mutex.h: the lock one may sleep with.  First come, first served; its rank is
 * checked like a spinlock's.  => never in an interrupt, never with a spinlock
 * held.
 *
 * One word says who holds it and whether somebody sleeps:
 *
 *                 take                     somebody else comes
 *         0  <----------->  holder  ----------------------> holder | WAITED
 *                 give                                          |
 *                              the first sleeper is the holder <+
 *
 * Nearly always nobody else comes: then one compare-and-swap takes it and one
 * gives it back.  WAITED is set, and what it leads to is done, under the queue's
 * lock. */
#ifndef KERN_SYNC_MUTEX_H
#define KERN_SYNC_MUTEX_H

#include "sync/wait.h"

#define MUTEX_WAITED 1ul

struct mutex {
    struct wait_queue wq;
    uintptr_t owner; /* [a] thread that holds it, or 0; MUTEX_WAITED */
    uint32_t rank;   /* [I] at most RANK_LAST_SLEEPING */
};

static inline void
mutex_init(struct mutex *m, enum lock_rank rank)
{
    assert(rank <= RANK_LAST_SLEEPING);
    wait_init(&m->wq);
    m->owner = 0;
    m->rank = rank;
}

void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* As spin_lock_nested(): a further lock of a rank that is held already. */
void mutex_lock_nested(struct mutex *m);
void mutex_unlock_nested(struct mutex *m);
bool mutex_held(struct mutex *m); /* by the calling thread */

/* Take it if it is free, give it back if nobody waits: what all of the above try
 * first, for callers that must be short.  The rank is theirs to check. */
static inline bool
mutex_take(struct mutex *m)
{
    uintptr_t owner = 0;

    return atomic_cas(&m->owner, &owner, (uintptr_t)current_thread());
}

static inline bool
mutex_give(struct mutex *m)
{
    uintptr_t owner = (uintptr_t)current_thread();

    return atomic_cas(&m->owner, &owner, 0ul);
}

#endif
