/* slab.h: what kmalloc.c (the fast way) and slab.c (everything else) share.
 * Nobody else includes it; users know kmalloc.h. */
#ifndef KERN_MM_SLAB_H
#define KERN_MM_SLAB_H

#include "debug/kstat.h"
#include "mm/countlock.h"
#include "mm/kmalloc.h"
#include "sync/spinlock.h"

/* An object at rest, and the bit that says whether it is in use: the address
 * of the bit's word, shifted left by 6, and the bit's number below.  The top
 * bits that fall out are copies of the sign. */
struct resting {
    void *obj;
    uintptr_t bit;
};

#define MAG_MAX   14
#define MAG_BATCH 7

/* A hart's free objects of one cache. */
struct magazine {
    long n;                       /* entries, and the lock: countlock.h */
    struct kstat_row *stats;      /* [I] its hart's counters */
    struct resting slot[MAG_MAX]; /* under n */
} CACHE_ALIGNED;

_Static_assert(sizeof(struct magazine) * NCPU_MAX == PAGE_SIZE,
               "one page holds the magazines of a cache");

/* Who guards what:  c: its lock;  k: caches.lock;  I: set once. */
struct kmem_cache {
    struct magazine *mags; /* [I] one per hart, a page */
    size_t size;           /* [I] from one object to the next */
    uint32_t inverse;      /* [I] 2^32 / size, rounded up */
    uint32_t first, end;   /* [I] numbers of the objects in a slab */
    uint32_t flags;        /* [I] KMEM_* */
    void (*ctor)(void *);  /* [I] */
    const char *name;      /* [I] */
    struct list all;       /* [k] */
    struct spinlock lock;
    struct list partial, full, empty; /* [c] slabs, by page.lru */
    size_t nslabs, nempty;            /* [c] */
    size_t taken;                     /* [c] objects not at rest in slabs */
} CACHE_ALIGNED;

/* A slab is a page.  Its descriptor, while PG_SLAB is set:
 *   owner    the cache            rmap     objects at rest in it  [c]
 *   index    bit i: in use [a]    policy   bit i: at rest         [c]
 * With more than 64 objects to a page, the two bitmaps lie at its start. */

/* All caches there are. */
struct cache_list {
    struct spinlock lock;
    struct list all; /* [lock] kmem_cache.all */
};

extern struct cache_list caches;

/* Words of one bitmap. */
static inline unsigned
bitmap_words(const struct kmem_cache *c)
{
    return (c->end + 63) / 64;
}

static inline size_t
slab_capacity(const struct kmem_cache *c)
{
    return c->end - c->first;
}

/* The word of the "in use" bitmap that has the bit of object I. */
static inline uint64_t *
slab_used_word(const struct kmem_cache *c, struct page *slab, size_t i)
{
    if (likely(c->end <= 64))
        return &slab->index;
    return (uint64_t *)page_to_va(slab) + i / 64;
}

/* The words of the "at rest" bitmap. */
static inline uint64_t *
slab_rest_words(const struct kmem_cache *c, struct page *slab)
{
    if (likely(c->end <= 64))
        return &slab->policy;
    return slab_used_word(c, slab, 0) + bitmap_words(c);
}

static inline uintptr_t
bit_name(uint64_t *word, size_t i)
{
    return (uintptr_t)word << 6 | i % 64;
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

/* The slow twins of the two fast functions.  OBJ is not in use any more. */
MUST_CHECK void *cache_refill(struct kmem_cache *c);
void cache_flush(struct kmem_cache *c, struct resting obj);

/* Set C up with the magazines MAGS (a zeroed page).  => the fields are right:
 * size, align power of 2 */
void cache_init(struct kmem_cache *c, const char *name, size_t size,
                size_t align, void *mags);

/* kmalloc.c: blocks of whole pages. */
extern size_t large_objects, large_pages; /* [a] */

#endif
