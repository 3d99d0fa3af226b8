/* slab.c: where objects rest, and the caches that own them.
 *
 *   cache   partial --> slab <-> slab       some objects at rest in it
 *           full    --> slab                none
 *           empty   --> slab                all of them
 *
 *   slab (one page)   | obj 0 | obj 1 | obj 2 | ...            | unused |
 *   its descriptor    at rest  0 1 1 ...      in use  1 0 0 ...
 *
 * An object is in one of three states:
 *
 *               take                    kmalloc
 *     at rest  ------>  in a magazine  --------->  in use
 *    (bit set) <------  (neither bit)  <---------  (bit set)
 *               put                     kfree
 *
 * Nothing is ever written into an object: free objects are bits, not a list
 * that runs through them.  So what a constructor or the last user left there
 * survives, which type-stable caches promise.
 *
 * An object changes between a magazine and a slab only under the cache's lock;
 * who holds it and the locks of all its magazines sees every free object.  Up
 * to EMPTY_KEPT empty slabs stay, for the next burst; more go back to pmm,
 * except from a type-stable cache.
 *
 * Locks: caches.lock, then one cache's lock (both RANK_SLAB, always in this
 * order), then RANK_BUDDY.  A constructor runs with no lock held. */
#include "mm/slab.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include <string.h>

#define MIN_ALIGN  16u
#define EMPTY_KEPT 2

struct cache_list caches = {.lock = SPINLOCK_INIT(RANK_SLAB),
                            .all = LIST_INIT(caches.all)};

/* --- slabs --- */

static void
slab_move(struct page *slab, struct list *to)
{
    list_del(&slab->lru);
    list_add(to, &slab->lru);
}

/* One more empty slab, or NULL; not on a list yet. */
static struct page *
slab_create(struct kmem_cache *c)
{
    struct page *slab = alloc_pages(0);
    uint64_t *rest;
    char *va;

    if (slab == NULL)
        return NULL;
    va = page_to_va(slab);
    rest = slab_rest_words(c, slab);
    for (unsigned w = 0; w < bitmap_words(c); w++) {
        *slab_used_word(c, slab, w * 64) = 0;
        rest[w] = 0;
    }
    for (unsigned i = c->first; i < c->end; i++) {
        rest[i / 64] |= 1ul << i % 64;
        if (c->ctor != NULL)
            c->ctor(va + i * c->size);
    }
    slab->rmap = slab_capacity(c);
    slab->owner = (uintptr_t)c;
    atomic_or(&slab->flags, PG_SLAB);
    return slab;
}

/* => c->lock held, the slab is empty and on the empty list */
static void
slab_destroy(struct kmem_cache *c, struct page *slab)
{
    list_del(&slab->lru);
    c->nempty--;
    c->nslabs--;
    atomic_and(&slab->flags, ~PG_SLAB);
    free_pages(slab, 0);
}

/* Take an object out of some slab.  => c->lock held */
static bool
slab_take(struct kmem_cache *c, struct resting *r)
{
    struct page *slab;
    uint64_t *rest;
    unsigned w = 0, i;

    if (!list_empty(&c->partial)) {
        slab = list_first(&c->partial, struct page, lru);
    } else if (!list_empty(&c->empty)) {
        slab = list_first(&c->empty, struct page, lru);
        slab_move(slab, &c->partial);
        c->nempty--;
    } else {
        return false;
    }
    rest = slab_rest_words(c, slab);
    while (rest[w] == 0)
        w++;
    i = w * 64 + (unsigned)__builtin_ctzll(rest[w]);
    rest[w] &= rest[w] - 1;
    if (--slab->rmap == 0)
        slab_move(slab, &c->full);
    c->taken++;
    r->obj = (char *)page_to_va(slab) + i * c->size;
    r->bit = bit_name(slab_used_word(c, slab, i), i);
    return true;
}

/* Let an object rest in its slab again.  => c->lock held */
static void
slab_put(struct kmem_cache *c, void *obj)
{
    struct page *slab = va_to_page(obj);
    unsigned i = ((uintptr_t)obj & PAGE_MASK) / c->size;

    slab_rest_words(c, slab)[i / 64] |= 1ul << i % 64;
    c->taken--;
    if (slab->rmap++ == 0)
        slab_move(slab, &c->partial);
    if (slab->rmap < slab_capacity(c))
        return;
    slab_move(slab, &c->empty);
    c->nempty++;
    if (c->nempty > EMPTY_KEPT && !(c->flags & KMEM_TYPE_STABLE))
        slab_destroy(c, slab);
}

/* --- magazines --- */

/* All magazines of C into its slabs, locked together as in drain_all() of
 * pcp.c.  => c->lock held */
static void
cache_drain(struct kmem_cache *c)
{
    long n[NCPU_MAX];

    for (unsigned i = 0; i < NCPU_MAX; i++)
        n[i] = count_lock(&c->mags[i].n);
    for (unsigned i = 0; i < NCPU_MAX; i++) {
        while (n[i] > 0)
            slab_put(c, c->mags[i].slot[--n[i]].obj);
        count_unlock(&c->mags[i].n, 0);
    }
}

/* An object from the slabs, and a batch into the magazine on the way. */
static bool
take_batch(struct kmem_cache *c, struct resting *r, bool drain)
{
    struct magazine *m;
    bool found;
    long n;

    spin_lock(&c->lock);
    if (drain)
        cache_drain(c);
    found = slab_take(c, r);
    m = &c->mags[this_cpu()->id];
    n = count_lock(&m->n);
    while (found && n < MAG_BATCH - 1 && slab_take(c, &m->slot[n]))
        n++;
    count_unlock(&m->n, n);
    spin_unlock(&c->lock);
    return found;
}

static bool
cache_grow(struct kmem_cache *c)
{
    struct page *slab = slab_create(c);

    if (slab == NULL)
        return false;
    spin_lock(&c->lock);
    list_add(&c->empty, &slab->lru);
    c->nempty++;
    c->nslabs++;
    spin_unlock(&c->lock);
    return true;
}

void *
cache_refill(struct kmem_cache *c)
{
    struct resting r;
    bool found = take_batch(c, &r, false);

    /* Another hart may empty the slab we add before we do. */
    while (!found && cache_grow(c))
        found = take_batch(c, &r, false);
    /* Memory is short: look into the other harts' magazines, then make the
     * other caches give back what they keep. */
    if (!found)
        found = take_batch(c, &r, true);
    while (!found && kmem_shrink() > 0 && cache_grow(c))
        found = take_batch(c, &r, false);
    irq_off();
    kstat_inc(found ? STAT_KMALLOC : STAT_ALLOC_FAIL);
    irq_restore();
    if (!found)
        return NULL;
    atomic_or(bit_word(r.bit), bit_mask(r.bit));
    return r.obj;
}

void
cache_flush(struct kmem_cache *c, struct resting r)
{
    struct magazine *m;
    long n;

    spin_lock(&c->lock);
    m = &c->mags[this_cpu()->id];
    n = count_lock(&m->n);
    if (n == MAG_MAX) {
        for (unsigned i = 0; i < MAG_BATCH; i++)
            slab_put(c, m->slot[i].obj);
        n -= MAG_BATCH;
        for (long i = 0; i < n; i++)
            m->slot[i] = m->slot[i + MAG_BATCH];
    }
    m->slot[n++] = r;
    count_unlock(&m->n, n);
    atomic_add(&m->stats->v[STAT_KFREE], 1);
    spin_unlock(&c->lock);
}

/* --- caches --- */

void
cache_init(struct kmem_cache *c, const char *name, size_t size, size_t align,
           void *mags)
{
    size_t words;

    align = MAX(align, MIN_ALIGN);
    size = ROUND_UP(size, align);
    assert(size > 0 && size <= PAGE_SIZE && is_power_of_2(align));
    *c = (struct kmem_cache){.name = name, .size = size};
    c->inverse = (uint32_t)(((1ul << 32) + size - 1) / size);
    c->end = (uint32_t)(PAGE_SIZE / size);
    words = bitmap_words(c);
    if (c->end > 64)
        c->first =
            (uint32_t)(ROUND_UP(2 * words * sizeof(uint64_t), size) / size);
    c->mags = mags;
    for (unsigned i = 0; i < NCPU_MAX; i++)
        c->mags[i].stats = &kstat_rows[i];
    spin_init(&c->lock, RANK_SLAB);
    list_init(&c->partial);
    list_init(&c->full);
    list_init(&c->empty);
    spin_lock(&caches.lock);
    list_add_tail(&caches.all, &c->all);
    spin_unlock(&caches.lock);
}

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags,
                  void (*ctor)(void *obj))
{
    struct kmem_cache *c = kmalloc(sizeof(*c));
    struct page *mags;

    if (c == NULL)
        return NULL;
    mags = alloc_zeroed_page();
    if (mags == NULL) {
        kfree(c);
        return NULL;
    }
    cache_init(c, name, size, align, page_to_va(mags));
    c->flags = flags;
    c->ctor = ctor;
    return c;
}

/* Free all empty slabs.  Returns how many.  => c->lock held */
static size_t
cache_shrink(struct kmem_cache *c)
{
    size_t n = 0;

    if (c->flags & KMEM_TYPE_STABLE)
        return 0;
    for (; !list_empty(&c->empty); n++)
        slab_destroy(c, list_first(&c->empty, struct page, lru));
    return n;
}

size_t
kmem_shrink(void)
{
    size_t n = 0, before;

    spin_lock(&caches.lock);
    list_for_each (i, &caches.all) {
        struct kmem_cache *c = list_entry(i, struct kmem_cache, all);

        spin_lock_nested(&c->lock);
        before = c->nslabs;
        cache_drain(c);
        cache_shrink(c);
        n += before - c->nslabs;
        spin_unlock_nested(&c->lock);
    }
    spin_unlock(&caches.lock);
    return n;
}

void
kmem_cache_destroy(struct kmem_cache *c)
{
    assert((c->flags & KMEM_TYPE_STABLE) == 0);
    spin_lock(&caches.lock);
    list_del(&c->all);
    spin_unlock(&caches.lock);
    spin_lock(&c->lock);
    cache_drain(c);
    cache_shrink(c);
    if (c->nslabs != 0)
        panic("kmem_cache_destroy: %zu objects of %s are in use", c->taken,
              c->name);
    spin_unlock(&c->lock);
    free_pages(va_to_page(c->mags), 0);
    kfree(c);
}
