/* mutex.h: the lock one may sleep with.  First come, first served; its rank is
 * checked like a spinlock's.  => never in an interrupt, never with a spinlock
 * held. */
#ifndef KERN_SYNC_MUTEX_H
#define KERN_SYNC_MUTEX_H

#include "sync/wait.h"

struct mutex {
    struct wait_queue wq;
    struct thread *owner; /* [wq.lock] NULL: free */
    uint32_t rank;        /* [I] at most RANK_LAST_SLEEPING */
};

void mutex_init(struct mutex *m, enum lock_rank rank);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* As spin_lock_nested(): a further lock of a rank that is held already. */
void mutex_lock_nested(struct mutex *m);
void mutex_unlock_nested(struct mutex *m);
bool mutex_held(struct mutex *m); /* by the calling thread */

#endif
