/* kmalloc.h: small objects, from slabs of pages (Bonwick 1994). */
#ifndef KERN_MM_KMALLOC_H
#define KERN_MM_KMALLOC_H

#include "mm/pmm.h"

/* SIZE bytes, aligned to 16 (to the size itself for powers of two up to a
 * page), contents undefined.  Up to KMALLOC_MAX bytes.  NULL if there is no
 * memory, SIZE is 0 or too large.  => any context; never sleeps */
#define KMALLOC_MAX (1u << 20)
MUST_CHECK void *kmalloc(size_t size);
MUST_CHECK void *kzalloc(size_t size);
/* NULL is fine.  A double free, on whatever hart, or a pointer that kmalloc
 * never gave, panics; unless the object was handed out again in between. */
void kfree(void *p);

/* A cache of objects of one size.  A type-stable cache never gives its
 * memory back for other use, and an object keeps what the constructor and its
 * users wrote into it across free and alloc: the anon cache needs that. */
struct kmem_cache;

#define KMEM_TYPE_STABLE 1u

/* SIZE is at most a page.  ALIGN is a power of two; less than 16 counts as 16.
 * CTOR runs for each object of a new slab, with no lock of ours held.
 * => may not be called with a lock held; NULL if there is no memory */
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
                                     size_t align, unsigned flags,
                                     void (*ctor)(void *obj));
/* Is OBJ, any number, an address in a slab of C? */
bool kmem_cache_has(const struct kmem_cache *c, uintptr_t obj);
/* => no object in use; type-stable caches cannot be destroyed */
void kmem_cache_destroy(struct kmem_cache *c);
MUST_CHECK void *kmem_cache_alloc(struct kmem_cache *c);
void kmem_cache_free(struct kmem_cache *c, void *obj);
/* The same for N at once; quicker where they follow each other. */
void kmem_cache_free_all(struct kmem_cache *c, void **obj, unsigned n);

/* Objects that are kept in front of the slabs go back to them; returns how many
 * pages that gave back to pmm. */
size_t kmem_shrink(void);

void kmalloc_init(void);

#endif
