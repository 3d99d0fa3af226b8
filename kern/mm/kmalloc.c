/* kmalloc.c: an object, quickly, and back.
 *
 *   kmalloc(40)                                                kfree(obj)
 *      | class_of[3], for 33..48 bytes                            | pa_to_page
 *      v                                                          v
 *   cache "64"                                             page->owner = cache
 *      |   pop   +--- magazine of this hart ---+   push           |
 *      +<--------| obj obj obj ...             |<-----------------+
 *                +-----------------------------+
 *         empty: 7 from slabs       full: the 7 oldest to their slabs (slab.c)
 *
 * Every object has a bit that says "in use".  kfree() finds it from the
 * address: the page gives the cache, the offset times the inverse of the size
 * gives the number of the object, and the bit is cleared atomically.  If it
 * was not set - a second free on any hart, the middle of an object, a slab's
 * unused end - or the object does not begin there, that is the caller's bug
 * and we say which.  A magazine keeps the place of the bit beside the object,
 * so that kmalloc() need not look for it again.
 *
 * More than 2048 bytes are whole pages, whose bit 0 is never set: kfree()
 * comes to the slow end by the way of the bugs, and pays nothing for them
 * on the fast one. */
#include "debug/panic.h"
#include "mm/failpoint.h"
#include "mm/slab.h"
#include <string.h>

#define NOINLINE   __attribute__((noinline))
#define CLASS_UNIT 16u
#define CLASS_MAX  2048u

static const uint16_t class_size[] = {16,  32,  64,  96,   128,
                                      192, 256, 512, 1024, 2048};
#define NCLASSES ARRAY_LEN(class_size)

static struct kmem_cache classes[NCLASSES];                     /* [I] */
static struct kmem_cache *class_of[CLASS_MAX / CLASS_UNIT + 1]; /* [I] */
static struct kmem_cache large = {.inverse = 1, .end = 1}; /* owner of pages */

size_t large_objects, large_pages;

void
kmalloc_init(void)
{
    static const char *const names[] = {"16",  "32",  "64",  "96",   "128",
                                        "192", "256", "512", "1024", "2048"};
    unsigned class = 0;

    for (unsigned i = 0; i < NCLASSES; i++) {
        struct page *mags = alloc_zeroed_page();

        if (mags == NULL)
            panic("kmalloc_init: no memory");
        cache_init(&classes[i], names[i], class_size[i],
                   class_size[i] & -class_size[i], page_to_va(mags));
    }
    for (unsigned units = 0; units < ARRAY_LEN(class_of); units++) {
        if (units * CLASS_UNIT > class_size[class])
            class ++;
        class_of[units] = &classes[class];
    }
}

static NOINLINE void *
alloc_fail(void)
{
    irq_off();
    kstat_inc(STAT_ALLOC_FAIL);
    irq_restore();
    return NULL;
}

static NOINLINE void *
alloc_large(size_t size)
{
    size_t pages = PAGE_UP(size) >> PAGE_SHIFT;
    struct page *p;
    unsigned order;

    if (size - 1 >= KMALLOC_MAX)
        return NULL;
    if (fail_now(FAIL_KMALLOC))
        return alloc_fail();
    order = pages == 1 ? 0 : log2_floor(pages - 1) + 1;
    p = alloc_pages(order);
    if (p == NULL)
        return NULL;
    p->owner = (uintptr_t)&large;
    p->index = 0;
    atomic_or(&p->flags, PG_SLAB);
    atomic_add(&large_objects, 1);
    atomic_add(&large_pages, 1ul << order);
    irq_off();
    kstat_inc(STAT_KMALLOC);
    irq_restore();
    return page_to_va(p);
}

/* The fast way in. */
static inline void *
cache_pop(struct kmem_cache *c)
{
    unsigned long irq = irq_save();
    struct magazine *m = &c->mags[this_cpu()->id];
    long n = count_try(&m->n);
    struct resting r;

    if (unlikely(n <= 0)) {
        if (n == 0)
            count_unlock(&m->n, 0);
        irq_load(irq);
        return cache_refill(c);
    }
    r = m->slot[n - 1];
    count_unlock(&m->n, n - 1);
    atomic_or(bit_word(r.bit), bit_mask(r.bit));
    atomic_add(&m->stats->v[STAT_KMALLOC], 1);
    irq_load(irq);
    return r.obj;
}

/* The fast way out. */
static inline void
cache_push(struct kmem_cache *c, struct resting r)
{
    unsigned long irq = irq_save();
    struct magazine *m = &c->mags[this_cpu()->id];
    long n = count_try(&m->n);

    if (unlikely((unsigned long)n >= MAG_MAX)) {
        if (n != COUNT_BUSY)
            count_unlock(&m->n, n);
        irq_load(irq);
        cache_flush(c, r);
        return;
    }
    m->slot[n] = r;
    count_unlock(&m->n, n + 1);
    atomic_add(&m->stats->v[STAT_KFREE], 1);
    irq_load(irq);
}

static inline void *
class_pop(size_t size)
{
    return cache_pop(class_of[(size + CLASS_UNIT - 1) / CLASS_UNIT]);
}

/* While fail points are set. */
static NOINLINE void *
kmalloc_armed(size_t size)
{
    return fail_hook(FAIL_KMALLOC) ? alloc_fail() : class_pop(size);
}

void *
kmalloc(size_t size)
{
    if (unlikely(size - 1 >= CLASS_MAX))
        return alloc_large(size);
    if (unlikely(fail_armed))
        return kmalloc_armed(size);
    return class_pop(size);
}

void *
kzalloc(size_t size)
{
    void *p = kmalloc(size);

    if (p != NULL)
        memset(p, 0, size);
    return p;
}

void *
kmem_cache_alloc(struct kmem_cache *c)
{
    if (fail_now(FAIL_CACHE))
        return alloc_fail();
    return cache_pop(c);
}

/* What kfree() could not do in its stride: large blocks, and bugs. */
static NOINLINE void
free_odd(void *p, struct page *page, struct kmem_cache *c)
{
    size_t at = (uintptr_t)p & PAGE_MASK;
    unsigned order = page_order(page);

    if ((page->flags & PG_SLAB) == 0)
        panic("kfree(%p): not from kmalloc, or freed already (flags %#x)", p,
              page->flags);
    if (c != &large)
        panic("kfree(%p): %s (cache %s, offset %zu of its slab)", p,
              at % c->size != 0 ? "not the start of an object" : "free already",
              c->name, at);
    if (at != 0)
        panic("kfree(%p): %zu bytes into a large block", p, at);
    atomic_add(&large_objects, -1ul);
    atomic_add(&large_pages, -(1ul << order));
    irq_off();
    kstat_inc(STAT_KFREE);
    irq_restore();
    atomic_and(&page->flags, ~PG_SLAB);
    free_pages(page, order);
}

/* Find the bit of the object at P and clear it.  A bit that was not set, or
 * an address between two objects: false. */
static inline bool
retire(void *p, struct page *page, struct kmem_cache *c, uintptr_t *bit)
{
    uint64_t at = (uintptr_t)p & PAGE_MASK;
    uint64_t i = at * c->inverse >> 32;
    uint64_t *word = slab_used_word(c, page, i);
    uint64_t mask = 1ul << i % 64;

    *bit = bit_name(word, i);
    if (unlikely(i * c->size != at))
        return false;
    return likely((atomic_and(word, ~mask) & mask) != 0);
}

void
kfree(void *p)
{
    struct page *page;
    struct kmem_cache *c;
    struct resting r = {.obj = p};

    if (p == NULL)
        return;
    if (unlikely((uintptr_t)p >= KERNEL_BASE))
        panic("kfree(%p): part of the kernel image", p);
    page = pa_to_page((uintptr_t)p - dmap_base);
    c = (struct kmem_cache *)page->owner;
    if (unlikely((page->flags & PG_SLAB) == 0) ||
        unlikely(!retire(p, page, c, &r.bit))) {
        free_odd(p, page, c);
        return;
    }
    cache_push(c, r);
}

void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
    if (unlikely(va_to_page(obj)->owner != (uintptr_t)c))
        panic("kmem_cache_free(%p): not from cache %s", obj, c->name);
    kfree(obj);
}
