/* spinlock.c: the part of spin_lock() that waits. */
#include "sync/spinlock.h"

#include "debug/kstat.h"

void
spin_lock_slow(struct spinlock *lock)
{
    uint64_t turns = 0;

    /* A hart that waits for itself would wait for ever. */
    assert(!spin_held(lock));
    do {
        /* Look before trying again: a load keeps the line shared. */
        while (atomic_load(&lock->locked) != 0) {
            turns++;
            cpu_wait();
        }
    } while (atomic_swap_acquire(&lock->locked, 1) != 0);
    kstat_add(STAT_LOCK_SPINS, turns);
}
