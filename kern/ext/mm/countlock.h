/* countlock.h: a count that is its own lock, for hart_pages.c and magazines.c; a
 * first reader may skip it.
 *
 * A hart's cache of free pages (pmm) or free objects (kmalloc) is a small
 * stack.  Its hart uses it with interrupts off, so it needs no lock - but for
 * one case: memory is short, and another hart wants what lies in it.  So one
 * word is both the number of entries and the lock:
 *
 *      n = swap(&count, BUSY)        n >= 0: ours, and there are n entries
 *      ... use the stack ...         n == BUSY: another hart is at it
 *      store_release(&count, n')     unlocked, with n' entries
 *
 * The owner pays one swap more than for an unlocked count, and the test for
 * "empty" is the test for "busy" too.
 *
 * => interrupts off while it is held: an interrupt handler on the same hart
 *    would wait for ever
 * => the last lock of all: nothing is locked and nobody called under it */
#ifndef KERN_EXT_MM_COUNTLOCK_H
#define KERN_EXT_MM_COUNTLOCK_H

#include "arch/riscv/cpu.h"
#include <atomic.h>

#define COUNT_BUSY (-1l)

/* One try: the count, or COUNT_BUSY if somebody else has it. */
static inline long
count_try(long *count)
{
    return atomic_swap_acquire(count, COUNT_BUSY);
}

static inline long
count_lock(long *count)
{
    long n;

    while ((n = count_try(count)) == COUNT_BUSY)
        cpu_wait();
    return n;
}

static inline void
count_unlock(long *count, long n)
{
    atomic_store_release(count, n);
}

/* The count at some moment during the call. */
static inline long
count_read(long *count)
{
    long n;

    while ((n = atomic_load(count)) == COUNT_BUSY)
        cpu_wait();
    return n;
}

#endif
