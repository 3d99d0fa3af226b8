/* atomic.h: the memory operations that several harts may do at once.
 *
 * Thin names over the compiler's C11 builtins, with the order in the name:
 * acquire (nothing after it moves before), release (nothing before it moves
 * after), relaxed (only this word is atomic), and full (both, and no store
 * passes a later load).  On the host the race explorer defines
 * ATOMIC_POINT() before it includes kernel files; every access to shared words
 * is then a place where another hart may be run.
 *
 * Ordering: The RISC-V Instruction Set Manual, volume I, chapter RVWMO. */
#ifndef LIBS_ATOMIC_H
#define LIBS_ATOMIC_H

#ifndef ATOMIC_POINT
#define ATOMIC_POINT(p) ((void)0)
#endif

#define atomic_load(p) (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_RELAXED))
#define atomic_load_acquire(p) \
    (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#define atomic_store(p, v) \
    (ATOMIC_POINT(p), __atomic_store_n(p, v, __ATOMIC_RELAXED))
#define atomic_store_release(p, v) \
    (ATOMIC_POINT(p), __atomic_store_n(p, v, __ATOMIC_RELEASE))

/* All of these return the old value. */
#define atomic_swap_acquire(p, v) \
    (ATOMIC_POINT(p), __atomic_exchange_n(p, v, __ATOMIC_ACQUIRE))
#define atomic_swap(p, v) \
    (ATOMIC_POINT(p), __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL))
#define atomic_add(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_add(p, v, __ATOMIC_RELAXED))
#define atomic_add_acq_rel(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL))
#define atomic_or(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL))
#define atomic_and(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_and(p, v, __ATOMIC_ACQ_REL))
#define atomic_or_acquire(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_or(p, v, __ATOMIC_ACQUIRE))
#define atomic_and_acquire(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_and(p, v, __ATOMIC_ACQUIRE))
#define atomic_and_release(p, v) \
    (ATOMIC_POINT(p), __atomic_fetch_and(p, v, __ATOMIC_RELEASE))

/* Store DESIRED if *P equals *EXPECTED; else fetch *P into *EXPECTED. */
#define atomic_cas(p, expected, desired)                      \
    (ATOMIC_POINT(p),                                         \
     __atomic_compare_exchange_n(p, expected, desired, false, \
                                 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))

#define atomic_fence() \
    (ATOMIC_POINT(0), __atomic_thread_fence(__ATOMIC_SEQ_CST))

#endif
