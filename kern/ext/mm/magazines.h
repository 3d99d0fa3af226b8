/* magazines.h: what magazines.c and the audit share; a first reader may skip
 * it. */
#ifndef KERN_EXT_MM_MAGAZINES_H
#define KERN_EXT_MM_MAGAZINES_H

#include "debug/kstat.h"
#include "ext/mm/countlock.h"
#include "mm/slab.h"

/* An object at rest, and the bit that says whether it is in use: the address
 * of the bit's word, shifted left by 6, and the bit's number below.  The top
 * bits that fall out are copies of the sign. */
struct resting {
    void *obj;
    uintptr_t bit;
};

#define MAG_MAX   14
#define MAG_FILL  12 /* what it gets when it is empty, and one is used at once */
#define MAG_BATCH 7  /* what goes when it is full */

/* A hart's free objects of one cache; kmem_cache.front has one for each. */
struct magazine {
    long n;                       /* entries, and the lock: countlock.h */
    struct kstat_row *stats;      /* [I] its hart's counters */
    uint64_t inverse;             /* [I] 2^32 / size, rounded up */
    struct resting slot[MAG_MAX]; /* under n */
} CACHE_ALIGNED;

_Static_assert(sizeof(struct magazine) * NCPU_MAX == PAGE_SIZE,
               "one page holds the magazines of a cache");

/* By size in units: the magazines of the class, if known yet and if it has
 * some.  [a] */
#define CLASS_UNIT 16u
extern struct magazine *class_front[CLASS_MAX / CLASS_UNIT + 1];

/* In the descriptor of a slab, bit i of "policy": object i is in use. */
static inline uintptr_t
bit_name(struct page *slab, size_t i)
{
    return (uintptr_t)&slab->policy << 6 | i;
}

static inline uint64_t *
bit_word(uintptr_t bit)
{
    return (uint64_t *)((intptr_t)bit >> 6);
}

static inline uint64_t
bit_mask(uintptr_t bit)
{
    return 1ul << bit % 64;
}

#endif
