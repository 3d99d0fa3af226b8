/* spinlock.h for the explorer: the real one; the calls of it tell the list of
 * events where they are, and a mutant may leave one out. */
#ifndef EXPLORE_SPINLOCK_H
#define EXPLORE_SPINLOCK_H

#include "../../explore.h"

#include "kern/sync/spinlock.h"

#define spin_lock(l)          EXPLORE_CALL(spin_lock, l, l)
#define spin_lock_nested(l)   EXPLORE_CALL(spin_lock_nested, l, l)
#define spin_unlock(l)        EXPLORE_CALL(spin_unlock, l, l)
#define spin_unlock_nested(l) EXPLORE_CALL(spin_unlock_nested, l, l)
#define spin_lock_off(l, r)   spin_lock(l)
#define spin_unlock_off(l, r) spin_unlock(l)

#endif
