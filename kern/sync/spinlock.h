/* spinlock.h: the lock for short work.
 *
 * There is one kind.  Taking it turns interrupts off on this hart, so it can be
 * shared with interrupt handlers and its holder is never preempted; giving it
 * back restores what was before the outermost one.  Holding it, one may not
 * sleep.  Its rank is checked (sync/lockorder.h).
 *
 * spin_lock_off() takes the same lock with half the instructions, on paths that
 * every fault takes: where interrupts are off already, inside a gate or below
 * another lock, and where the rank is written down. */
#ifndef KERN_SYNC_SPINLOCK_H
#define KERN_SYNC_SPINLOCK_H

#include "arch/riscv/cpu.h"
#include "sync/lockorder.h"
#include <atomic.h>

struct spinlock {
    uint32_t locked; /* [a] */
    uint16_t owner;  /* [a] logical hart id + 1 of the holder, 0: none */
    uint16_t rank;   /* [I] enum lock_rank */
};

#define SPINLOCK_INIT(r) \
    {                    \
        .rank = (r)      \
    }

static inline void
spin_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = (struct spinlock)SPINLOCK_INIT(rank);
}

/* Wait until it is ours.  Counts the turns in STAT_LOCK_SPINS. */
void spin_lock_slow(struct spinlock *lock);

/* As spin_lock(), for the second of two locks of one rank.  The caller takes
 * them in the order of their addresses, or has another reason why nobody can
 * take them the other way round. */
static inline void
spin_lock_nested(struct spinlock *lock)
{
    irq_off();
    if (unlikely(atomic_swap_acquire(&lock->locked, 1) != 0))
        spin_lock_slow(lock);
    atomic_store(&lock->owner, (uint16_t)(this_cpu()->id + 1));
}

/* As spin_lock() of a lock of RANK: if that is a constant, it is quicker. */
static inline void
spin_lock_of(struct spinlock *lock, enum lock_rank rank)
{
    uint64_t held = current_tcb()->held;

    if (unlikely(held >> rank != 0))
        lock_order_broken(rank, held);
    spin_lock_nested(lock);
    current_tcb()->held = held | 1ul << rank;
}

static inline void
spin_lock(struct spinlock *lock)
{
    spin_lock_of(lock, lock->rank);
}

/* One try; for the one upward need (rmap to page table), so the order is not
 * checked: who only tries cannot wait in a circle. */
static inline bool
spin_trylock_nested(struct spinlock *lock)
{
    irq_off();
    if (atomic_swap_acquire(&lock->locked, 1) == 0) {
        atomic_store(&lock->owner, (uint16_t)(this_cpu()->id + 1));
        return true;
    }
    irq_restore();
    return false;
}

/* Give back a lock taken by one of the _nested calls. */
static inline void
spin_unlock_nested(struct spinlock *lock)
{
    atomic_store(&lock->owner, (uint16_t)0);
    atomic_store_release(&lock->locked, 0);
    irq_restore();
}

static inline void
spin_unlock_of(struct spinlock *lock, enum lock_rank rank)
{
    lock_order_remove(rank);
    spin_unlock_nested(lock);
}

static inline void
spin_unlock(struct spinlock *lock)
{
    spin_unlock_of(lock, lock->rank);
}

/* As spin_lock() of a lock of RANK, a constant.  => interrupts off by irq_off(),
 * and so they stay until the lock is given back */
static inline void
spin_lock_off(struct spinlock *lock, enum lock_rank rank)
{
    struct tcb *t = current_tcb();
    uint64_t held = t->held;

    if (unlikely(held >> rank != 0))
        lock_order_broken(rank, held);
    assert(t->irq_depth != 0);
    if (unlikely(atomic_swap_acquire(&lock->locked, 1) != 0))
        spin_lock_slow(lock);
    atomic_store(&lock->owner, (uint16_t)(this_cpu()->id + 1));
    t->held = held | 1ul << rank;
}

static inline void
spin_unlock_off(struct spinlock *lock, enum lock_rank rank)
{
    lock_order_remove(rank);
    atomic_store(&lock->owner, (uint16_t)0);
    atomic_store_release(&lock->locked, 0);
}

/* This hart holds it.  => interrupts off, as they are if the answer is yes */
static inline bool
spin_held(const struct spinlock *lock)
{
    return atomic_load(&lock->locked) != 0 && lock->owner == this_cpu()->id + 1;
}

#endif
