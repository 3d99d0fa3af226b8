/* slab.h: caches and slabs, below kmalloc(): for kmalloc.c and what kern/ext
 * puts in front of it.  Nobody else includes it; users know kmalloc.h. */
#ifndef KERN_MM_SLAB_H
#define KERN_MM_SLAB_H

#include "mm/kmalloc.h"
#include "sync/spinlock.h"

/* Who guards what:  c: its lock;  k: caches_lock;  I: set once. */
struct kmem_cache {
    const char *name;     /* [I] */
    size_t size;          /* [I] from one object to the next */
    uint64_t all;         /* [I] a bit for each object of a slab */
    uint32_t flags;       /* [I] KMEM_* */
    void (*ctor)(void *); /* [I] */
    void *front;          /* [I] a page kern/ext may add, or NULL */
    struct list link;     /* [k] in caches */
    struct spinlock lock;
    struct list avail, full; /* [c] slabs, by page.lru */
    size_t nslabs;           /* [c] */
    size_t taken;            /* [c] objects not at rest in slabs */
} CACHE_ALIGNED;

/* A slab is a page.  Its descriptor, while PG_SLAB is set:
 *   owner    the cache
 *   index    bit i: object i is at rest in it [c]
 *   policy   0 at first, then for kern/ext */

extern struct list caches;          /* [caches_lock] by kmem_cache.link */
extern struct spinlock caches_lock; /* before the lock of any cache */
extern struct kmem_cache large;     /* nslabs and taken count blocks [a] */

/* An object out of some slab, or NULL.  => c->lock held */
void *slab_take(struct kmem_cache *c);
/* The N objects of SLAB, one of c->avail, that BITS says are not at rest in it
 * any more.  => c->lock held */
void slab_took(struct kmem_cache *c, struct page *slab, uint64_t bits,
               unsigned n);
/* ... and are again: none of them was.  The slab may go. => c->lock held */
void slab_gave(struct kmem_cache *c, struct page *slab, uint64_t bits,
               unsigned n);
/* And back.  False if it cannot be one that was taken.  => c->lock held */
MUST_CHECK bool slab_put(struct kmem_cache *c, void *obj);
/* An object out of a new slab, or NULL. */
void *cache_grow(struct kmem_cache *c);

/* The cache for SIZE, up to CLASS_MAX. */
#define CLASS_MAX 2048u
struct kmem_cache *class_find(size_t size);
/* kmalloc() of more than that. */
MUST_CHECK void *large_alloc(size_t size);
/* Free something that is kept nowhere but in a slab, or is large. */
void slab_free(void *p);
/* OBJ, in a slab of C, cannot be freed: say why. */
NORETURN void kfree_panic(const struct kmem_cache *c, const void *obj);

/* Hook for kern/ext: C is new. */
void cache_front_init(struct kmem_cache *c);

#endif
