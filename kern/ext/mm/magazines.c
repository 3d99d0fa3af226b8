/* magazines.c: adds to mm/kmalloc.c a cache of free objects per hart; a first
 * reader may skip it.
 *
 *   kmalloc(40)                                                kfree(obj)
 *      | class_front[3], for 33..48 bytes                         | pa_to_page
 *      |                                                          v
 *      |                                             page->owner->front
 *      |   pop   +--- magazine of this hart ---+   push           |
 *      +<--------| obj obj obj ...             |<-----------------+
 *                +-----------------------------+
 *         empty: 13 from slabs      full: the 7 oldest to their slabs
 *
 * An object is in one of three states:
 *
 *               take                    kmalloc
 *     at rest  ------>  in a magazine  --------->  in use
 *    (index)   <------  (neither bit)  <---------  (policy)
 *               put                     kfree
 *
 * So every object has one more bit, in page->policy, that says "in use".
 * kfree() finds it from the address: the page gives the cache, the offset times
 * the inverse of the size gives the number of the object, and the bit is
 * cleared atomically.  If it was not set - a second free on any hart, a slab's
 * unused end - or the object does not begin there, that is the caller's bug. A
 * magazine keeps the place of the bit beside the object, so that kmalloc() need
 * not look for it again.
 *
 * An object changes between a magazine and a slab only under the cache's lock;
 * who holds it and the locks of all its magazines sees every free object.
 *
 * A cache that found no page for its magazines has none, and large blocks have
 * none: front is NULL, and all is as in mm/kmalloc.c. */
#include "ext/mm/magazines.h"

#include "debug/panic.h"
#include "mm/failpoint.h"

struct magazine *class_front[CLASS_MAX / CLASS_UNIT + 1];

void
cache_front_init(struct kmem_cache *c)
{
    struct page *p = alloc_zeroed_page();
    struct magazine *m;

    if (p == NULL)
        return;
    c->front = m = page_to_va(p);
    for (unsigned i = 0; i < NCPU_MAX; i++) {
        m[i].stats = &kstat_rows[i];
        m[i].inverse = ((1ul << 32) + c->size - 1) / c->size;
    }
}

static struct resting
resting(const struct kmem_cache *c, void *obj)
{
    size_t i = ((uintptr_t)obj & PAGE_MASK) / c->size;

    return (struct resting){obj, bit_name(va_to_page(obj), i)};
}

/* The first of the N objects at R, and those of the same slab that follow it, go
 * back to it.  Returns how many.  => c->lock held */
static long
put(struct kmem_cache *c, const struct resting *r, long n)
{
    uint64_t *word = bit_word(r->bit), bits = 0;
    struct page *slab = container_of(word, struct page, policy);
    long i = 0;

    for (; i < n && bit_word(r[i].bit) == word; i++)
        bits |= bit_mask(r[i].bit);
    assert((slab->index & bits) == 0);
    slab_gave(c, slab, bits, (unsigned)i);
    return i;
}

/* All magazines of C into its slabs, locked together as in drain_all() of
 * hart_pages.c.  => c->lock held */
static void
cache_drain(struct kmem_cache *c)
{
    struct magazine *m = c->front;
    long n[NCPU_MAX];

    if (m == NULL)
        return;
    for (unsigned i = 0; i < NCPU_MAX; i++)
        n[i] = count_lock(&m[i].n);
    for (unsigned i = 0; i < NCPU_MAX; i++) {
        for (long at = 0; at < n[i];)
            at += put(c, &m[i].slot[at], n[i] - at);
        count_unlock(&m[i].n, 0);
    }
}

size_t
kmem_shrink(void)
{
    size_t n = 0;

    spin_lock(&caches_lock);
    list_for_each (i, &caches) {
        struct kmem_cache *c = list_entry(i, struct kmem_cache, link);

        spin_lock_nested(&c->lock);
        n += c->nslabs;
        cache_drain(c);
        n -= c->nslabs;
        spin_unlock_nested(&c->lock);
    }
    spin_unlock(&caches_lock);
    return n;
}

/* Objects of the first slab that has some into M, which has N: up to MAG_FILL.
 * => c->lock held */
static long
take_of_slab(struct kmem_cache *c, struct magazine *m, long n)
{
    struct page *slab = list_first(&c->avail, struct page, lru);
    uint64_t left = slab->index, bit;
    unsigned i = (unsigned)__builtin_ctzll(left);
    struct resting r = {(char *)page_to_va(slab) + i * c->size,
                        bit_name(slab, i)};
    struct resting *at = &m->slot[n], *end = &m->slot[MAG_FILL];
    size_t size = c->size;

    for (bit = 1ul << i; at < end && left != 0; bit <<= 1) {
        if (left & bit) {
            *at++ = r;
            left ^= bit;
        }
        r.obj = (char *)r.obj + size;
        r.bit++;
    }
    slab_took(c, slab, slab->index ^ left, (unsigned)(at - &m->slot[n]));
    return at - m->slot;
}

/* An object from the slabs, and a batch into the magazine on the way. */
static void *
take_batch(struct kmem_cache *c, bool drain)
{
    struct magazine *m = c->front;
    void *obj;
    long n;

    spin_lock(&c->lock);
    if (drain)
        cache_drain(c);
    obj = slab_take(c);
    if (m != NULL) {
        m += this_cpu()->id;
        n = count_lock(&m->n);
        while (n < MAG_FILL && !list_empty(&c->avail))
            n = take_of_slab(c, m, n);
        count_unlock(&m->n, n);
    }
    spin_unlock(&c->lock);
    return obj;
}

static NOINLINE void *
cache_refill(struct kmem_cache *c)
{
    void *obj = take_batch(c, false);

    if (obj == NULL)
        obj = cache_grow(c);
    /* Memory is short: look into the other harts' magazines, then make the
     * other caches give back what they keep. */
    if (obj == NULL)
        obj = take_batch(c, true);
    while (obj == NULL && kmem_shrink() > 0)
        obj = cache_grow(c);
    kstat_inc(obj != NULL ? STAT_KMALLOC : STAT_ALLOC_FAIL);
    if (obj != NULL && c->front != NULL) {
        struct resting r = resting(c, obj);

        atomic_or(bit_word(r.bit), bit_mask(r.bit));
    }
    return obj;
}

/* The fast way in; NULL if the magazine is empty or being emptied. */
static inline void *
pop(struct magazine *m)
{
    unsigned long irq = irq_save();
    struct resting r;
    long n;

    m += this_cpu()->id;
    n = count_try(&m->n);
    if (unlikely(n <= 0)) {
        if (n == 0)
            count_unlock(&m->n, 0);
        irq_load(irq);
        return NULL;
    }
    r = m->slot[n - 1];
    count_unlock(&m->n, n - 1);
    atomic_or(bit_word(r.bit), bit_mask(r.bit));
    atomic_add(&m->stats->v[STAT_KMALLOC], 1);
    irq_load(irq);
    return r.obj;
}

/* From a class, but not in the stride of kmalloc(). */
static NOINLINE void *
kmalloc_slow(size_t size)
{
    struct kmem_cache *c = class_find(size);

    if (fail_now(FAIL_KMALLOC))
        return NULL;
    atomic_store(&class_front[(size + CLASS_UNIT - 1) / CLASS_UNIT], c->front);
    return cache_refill(c);
}

void *
kmalloc(size_t size)
{
    struct magazine *m;
    void *obj;

    if (unlikely(size - 1 >= CLASS_MAX))
        return large_alloc(size);
    m = atomic_load(&class_front[(size + CLASS_UNIT - 1) / CLASS_UNIT]);
    if (unlikely(fail_armed) || unlikely(m == NULL))
        return kmalloc_slow(size);
    obj = pop(m);
    return likely(obj != NULL) ? obj : kmalloc_slow(size);
}

/* As if there were no fast way, or there is none. */
static NOINLINE void *
cache_alloc_slow(struct kmem_cache *c)
{
    void *obj = NULL;

    if (fail_now(FAIL_CACHE))
        return NULL;
    if (c->front != NULL)
        obj = pop(c->front);
    return obj != NULL ? obj : cache_refill(c);
}

void *
kmem_cache_alloc(struct kmem_cache *c)
{
    struct magazine *m = c->front;
    void *obj;

    if (unlikely(fail_armed) || unlikely(m == NULL))
        return cache_alloc_slow(c);
    obj = pop(m);
    return likely(obj != NULL) ? obj : cache_refill(c);
}

/* One object into the magazine; if it is full, the oldest batch goes first. */
static NOINLINE void
cache_flush(struct kmem_cache *c, struct resting r)
{
    struct magazine *m;
    long n;

    spin_lock(&c->lock);
    m = (struct magazine *)c->front + this_cpu()->id;
    n = count_lock(&m->n);
    if (n == MAG_MAX) {
        for (long at = 0; at < MAG_BATCH;)
            at += put(c, &m->slot[at], MAG_BATCH - at);
        n -= MAG_BATCH;
        for (long i = 0; i < n; i++)
            m->slot[i] = m->slot[i + MAG_BATCH];
    }
    m->slot[n++] = r;
    count_unlock(&m->n, n);
    atomic_add(&m->stats->v[STAT_KFREE], 1);
    spin_unlock(&c->lock);
}

/* Find the bit of the object at P and clear it.  A bit that was not set, or
 * an address between two objects: false. */
static inline bool
retire(struct page *slab, const struct kmem_cache *c, uint64_t inverse,
       struct resting *r)
{
    uint64_t at = (uintptr_t)r->obj & PAGE_MASK;
    uint64_t i = at * inverse >> 32;
    uint64_t mask = 1ul << i;

    r->bit = bit_name(slab, i);
    if (unlikely(i * c->size != at))
        return false;
    return likely((atomic_and(&slab->policy, ~mask) & mask) != 0);
}

/* P, of C, whose slab is PAGE and whose magazines are at M. */
static inline void
push(struct magazine *m, struct kmem_cache *c, struct page *page, void *p)
{
    struct resting r = {.obj = p};
    unsigned long irq = irq_save();
    long n;

    m += this_cpu()->id;
    if (unlikely(!retire(page, c, m->inverse, &r)))
        kfree_panic(c, p);
    n = count_try(&m->n);
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

void
kfree(void *p)
{
    struct kmem_cache *c;
    struct magazine *m;
    struct page *page;

    if (p == NULL)
        return;
    page = pa_to_page((uintptr_t)p - dmap_base);
    if (unlikely((uintptr_t)p >= KERNEL_BASE) ||
        unlikely((atomic_load(&page->flags) & PG_SLAB) == 0) ||
        unlikely((m = (c = (struct kmem_cache *)page->owner)->front) == NULL))
        slab_free(p);
    else
        push(m, c, page, p);
}

void
kmem_cache_free(struct kmem_cache *c, void *obj)
{
    struct page *page = pa_to_page((uintptr_t)obj - dmap_base);

    if (unlikely(page->owner != (uintptr_t)c))
        panic("kmem_cache_free(%p): not from cache %s", obj, c->name);
    if (likely(c->front != NULL))
        push(c->front, c, page, obj);
    else
        slab_free(obj);
}

/* The first of the N objects of C at OBJ, and those of the same slab that follow
 * it, go back to it.  Returns how many.  => c->lock held */
static unsigned
give_run(struct kmem_cache *c, uint64_t inverse, void **obj, unsigned n)
{
    struct page *slab = pa_to_page((uintptr_t)obj[0] - dmap_base);
    uintptr_t base = PAGE_DOWN((uintptr_t)obj[0]);
    uint64_t bits = 0;
    unsigned i;

    if (unlikely(slab->owner != (uintptr_t)c))
        panic("kmem_cache_free_all(%p): not from cache %s", obj[0], c->name);
    for (i = 0; i < n && (uintptr_t)obj[i] - base < PAGE_SIZE; i++) {
        uint64_t at = (uintptr_t)obj[i] - base, k = at * inverse >> 32;

        if (unlikely(k * c->size != at || (bits >> k & 1)))
            kfree_panic(c, obj[i]);
        bits |= 1ul << k;
    }
    if (unlikely((atomic_and(&slab->policy, ~bits) & bits) != bits))
        kfree_panic(c, obj[0]);
    slab_gave(c, slab, bits, i);
    return i;
}

/* As many as the magazine has room for go there, the others to their slabs. */
void
kmem_cache_free_all(struct kmem_cache *c, void **obj, unsigned n)
{
    struct magazine *m = c->front;
    unsigned at = 0;
    long room = 0;

    if (m != NULL) {
        irq_off();
        room = MAG_MAX - count_read(&m[this_cpu()->id].n);
        irq_restore();
    }
    while (n > 0 && (m == NULL || room-- > 0))
        kmem_cache_free(c, obj[--n]);
    if (n == 0)
        return;
    kstat_add(STAT_KFREE, n);
    spin_lock(&c->lock);
    while (at < n)
        at += give_run(c, m->inverse, &obj[at], n - at);
    spin_unlock(&c->lock);
}
