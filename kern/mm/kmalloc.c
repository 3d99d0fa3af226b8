/* kmalloc.c: objects smaller than a page, and back.
 *
 *   kmalloc(80)                                              kfree(obj)
 *      | the first class of 80 bytes or more                    | va_to_page
 *      v                                                        v
 *   cache "96"  <-----------------------------------------  page->owner
 *      |
 *      +-- avail --> slab <-> slab      some objects at rest in it, or all
 *      +-- full  --> slab               none
 *
 *   slab (one page)   | obj 0 | obj 1 | obj 2 | ...          | unused |
 *   page->index          0       1       1       a bit for each: at rest
 *
 * An object has at least 64 bytes.  So one word has a bit for every object of
 * a page, and no two objects share a cache line.
 *
 * Nothing is ever written into an object: free objects are bits, not a list
 * that runs through them.  So what a constructor or the last user left there
 * survives, which type-stable caches promise; and kfree() sees from the address
 * alone whether an object begins there and whether it is in use.
 *
 * A slab goes back to pmm with its last object, but in a type-stable cache.
 * A class is a cache as anybody may create one.  What is larger than the
 * largest class is a block of pages, whose owner has no slabs.
 *
 * Locks: caches_lock, then one cache's lock (both RANK_SLAB, always in this
 * order), then RANK_BUDDY.  A constructor runs with no lock held. */
#include "mm/slab.h"

#include "debug/kstat.h"
#include "debug/panic.h"
#include "mm/failpoint.h"
#include <string.h>

#define MIN_SIZE 64u /* PAGE_SIZE / 64 bits */

static const uint16_t class_size[] = {64, 96, 128, 192, 256, 512, 1024, 2048};
#define NCLASSES ARRAY_LEN(class_size)

static struct kmem_cache classes[NCLASSES]; /* [I] */
struct list caches = LIST_INIT(caches);
struct spinlock caches_lock = SPINLOCK_INIT(RANK_SLAB);
struct kmem_cache large = {.name = "(pages)"}; /* owns pages, not slabs */

/* --- slabs --- */

static void
slab_move(struct page *slab, struct list *to)
{
    list_del(&slab->lru);
    list_add(to, &slab->lru);
}

void
slab_took(struct kmem_cache *c, struct page *slab, uint64_t bits, unsigned n)
{
    slab->index &= ~bits;
    if (slab->index == 0)
        slab_move(slab, &c->full);
    c->taken += n;
}

void *
slab_take(struct kmem_cache *c)
{
    struct page *slab = list_first(&c->avail, struct page, lru);
    unsigned i;

    if (list_empty(&c->avail))
        return NULL;
    i = (unsigned)__builtin_ctzll(slab->index);
    slab_took(c, slab, 1ul << i, 1);
    return (char *)page_to_va(slab) + i * c->size;
}

void
slab_gave(struct kmem_cache *c, struct page *slab, uint64_t bits, unsigned n)
{
    c->taken -= n;
    if (slab->index == 0)
        slab_move(slab, &c->avail);
    slab->index |= bits;
    if (slab->index == c->all && !(c->flags & KMEM_TYPE_STABLE)) {
        c->nslabs--;
        list_del(&slab->lru);
        atomic_and(&slab->flags, ~PG_SLAB);
        free_pages(slab, 0);
    }
}

bool
slab_put(struct kmem_cache *c, void *obj)
{
    struct page *slab = va_to_page(obj);
    size_t at = (uintptr_t)obj & PAGE_MASK;
    uint64_t bit = 1ul << at / c->size;

    if (at % c->size != 0 || (c->all & ~slab->index & bit) == 0)
        return false;
    slab_gave(c, slab, bit, 1);
    return true;
}

bool
kmem_cache_has(const struct kmem_cache *c, uintptr_t obj)
{
    const struct page *slab;

    if (obj < dmap_base || obj >= KERNEL_BASE)
        return false;
    slab = pa_to_page(obj - dmap_base);
    return (atomic_load(&slab->flags) & PG_SLAB) && slab->owner == (uintptr_t)c;
}

void *
cache_grow(struct kmem_cache *c)
{
    struct page *slab = alloc_pages(0);
    void *obj;

    if (slab == NULL)
        return NULL;
    slab->owner = (uintptr_t)c;
    slab->index = c->all;
    slab->policy = 0;
    atomic_or(&slab->flags, PG_SLAB);
    for (unsigned i = 0; c->ctor != NULL && i < PAGE_SIZE / c->size; i++)
        c->ctor((char *)page_to_va(slab) + i * c->size);
    spin_lock(&c->lock);
    list_add(&c->avail, &slab->lru);
    c->nslabs++;
    obj = slab_take(c);
    spin_unlock(&c->lock);
    return obj;
}

/* --- large blocks --- */

void *
large_alloc(size_t size)
{
    unsigned order = 0;
    struct page *p;

    if (size - 1 >= KMALLOC_MAX || fail_now(FAIL_KMALLOC))
        return NULL;
    while (PAGE_SIZE << order < size)
        order++;
    p = alloc_pages(order);
    if (p == NULL)
        return NULL;
    p->owner = (uintptr_t)&large;
    atomic_or(&p->flags, PG_SLAB);
    atomic_add(&large.taken, 1);
    atomic_add(&large.nslabs, 1ul << order);
    kstat_inc(STAT_KMALLOC);
    return page_to_va(p);
}

static void
large_free(void *p, struct page *page)
{
    unsigned order = page_order(page);

    if ((uintptr_t)p % PAGE_SIZE != 0)
        panic("kfree(%p): %lu bytes into a large block", p,
              (uintptr_t)p % PAGE_SIZE);
    atomic_add(&large.taken, -1ul);
    atomic_add(&large.nslabs, -(1ul << order));
    atomic_and(&page->flags, ~PG_SLAB);
    free_pages(page, order);
}

/* --- one object --- */

static void *
cache_alloc(struct kmem_cache *c)
{
    void *obj;

    spin_lock(&c->lock);
    obj = slab_take(c);
    spin_unlock(&c->lock);
    if (obj == NULL)
        obj = cache_grow(c);
    kstat_inc(obj != NULL ? STAT_KMALLOC : STAT_ALLOC_FAIL);
    return obj;
}

void
kfree_panic(const struct kmem_cache *c, const void *obj)
{
    size_t at = (uintptr_t)obj & PAGE_MASK;

    panic("kfree(%p): %s (cache %s, offset %zu of its slab)", obj,
          at % c->size != 0 ? "not the start of an object" : "free already",
          c->name, at);
}

void
slab_free(void *p)
{
    struct page *page = va_to_page(p);
    struct kmem_cache *c;
    uint32_t flags;
    bool good;

    if ((uintptr_t)p >= KERNEL_BASE)
        panic("kfree(%p): part of the kernel image", p);
    flags = atomic_load(&page->flags);
    if ((flags & PG_SLAB) == 0)
        panic("kfree(%p): not from kmalloc, or freed already (flags %#x)", p,
              flags);
    c = (struct kmem_cache *)page->owner;
    if (c == &large) {
        large_free(p, page);
    } else {
        spin_lock(&c->lock);
        good = slab_put(c, p);
        spin_unlock(&c->lock);
        if (!good)
            kfree_panic(c, p);
    }
    kstat_inc(STAT_KFREE);
}

/* kern/ext/mm/magazines.c, if linked, takes the place of these five, and of
 * kmem_cache_free() and kmem_cache_free_all(). */
WEAK void *
kmalloc(size_t size)
{
    if (size - 1 >= CLASS_MAX)
        return large_alloc(size);
    return fail_now(FAIL_KMALLOC) ? NULL : cache_alloc(class_find(size));
}

WEAK void *
kmem_cache_alloc(struct kmem_cache *c)
{
    return fail_now(FAIL_CACHE) ? NULL : cache_alloc(c);
}

WEAK void
kfree(void *p)
{
    if (p != NULL)
        slab_free(p);
}

WEAK size_t
kmem_shrink(void)
{
    return 0;
}

WEAK void
cache_front_init(struct kmem_cache *c)
{
}

WEAK void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
    if (unlikely(va_to_page(obj)->owner != (uintptr_t)c))
        panic("kmem_cache_free(%p): not from cache %s", obj, c->name);
    kfree(obj);
}

WEAK void
kmem_cache_free_all(struct kmem_cache *c, void **obj, unsigned n)
{
    while (n > 0)
        kmem_cache_free(c, obj[--n]);
}

void *
kzalloc(size_t size)
{
    void *p = kmalloc(size);

    if (p != NULL)
        memset(p, 0, size);
    return p;
}

/* --- caches --- */

static void
cache_init(struct kmem_cache *c, const char *name, size_t size, size_t align)
{
    size = ROUND_UP(MAX(size, MIN_SIZE), MAX(align, 16u));
    assert(size <= PAGE_SIZE && (align & (align - 1)) == 0);
    *c = (struct kmem_cache){.lock = SPINLOCK_INIT(RANK_SLAB),
                             .name = name,
                             .size = size,
                             .all = ~0ul >> (64 - PAGE_SIZE / size)};
    list_init(&c->avail);
    list_init(&c->full);
    cache_front_init(c);
    spin_lock(&caches_lock);
    list_add_tail(&caches, &c->link);
    spin_unlock(&caches_lock);
}

struct kmem_cache *
class_find(size_t size)
{
    struct kmem_cache *c = classes;

    while (c->size < size)
        c++;
    return c;
}

void
kmalloc_init(void)
{
    for (unsigned i = 0; i < NCLASSES; i++)
        cache_init(&classes[i], "kmalloc", class_size[i],
                   class_size[i] & -class_size[i]);
}

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags,
                  void (*ctor)(void *obj))
{
    struct kmem_cache *c = kmalloc(sizeof(*c));

    if (c == NULL)
        return NULL;
    cache_init(c, name, size, align);
    c->flags = flags;
    c->ctor = ctor;
    return c;
}

void
kmem_cache_destroy(struct kmem_cache *c)
{
    assert((c->flags & KMEM_TYPE_STABLE) == 0);
    kmem_shrink();
    if (c->nslabs != 0)
        panic("kmem_cache_destroy: %zu objects of %s are in use", c->taken,
              c->name);
    spin_lock(&caches_lock);
    list_del(&c->link);
    spin_unlock(&caches_lock);
    if (c->front != NULL)
        free_pages(va_to_page(c->front), 0);
    kfree(c);
}
