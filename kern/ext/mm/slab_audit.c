/* slab_audit.c: adds counting and auditing of objects to mm/kmalloc.c; a first
 * reader may skip it.
 *
 * The audit goes through every slab of every cache.  For an object i of a slab
 *
 *     at rest   in use
 *        1         0      free, in the slab
 *        0         1      somebody has it
 *        0         0      in a magazine
 *        1         1      never
 *
 * so what has neither bit must be as much as the magazines hold, and what they
 * hold must have neither. */
#include "debug/printk.h"
#include "ext/mm/audit.h"
#include "ext/mm/magazines.h"

struct slab_audit {
    unsigned complaints;
    size_t slabs, at_rest, in_use; /* of the cache at hand */
};

static void
complain_slab(struct slab_audit *a, const struct kmem_cache *c,
              const void *where, const char *what)
{
    a->complaints++;
    cprintf("kmalloc_check: cache %s, %p: %s\n", c->name, where, what);
}

static size_t
count_bits(uint64_t word)
{
    size_t n = 0;

    for (; word != 0; word &= word - 1)
        n++;
    return n;
}

static void
check_slab(struct slab_audit *a, const struct kmem_cache *c, struct page *slab,
           size_t least, size_t most)
{
    const void *va = page_to_va(slab);
    uint64_t rest = slab->index, used = atomic_load(&slab->policy);
    size_t at_rest = count_bits(rest);

    if ((slab->flags & PG_SLAB) == 0 || slab->owner != (uintptr_t)c ||
        slab->ref != 1 || slab->users != 0) {
        complain_slab(a, c, va, "not a slab of this cache");
        return;
    }
    if (c->front == NULL)
        used = c->all & ~rest;
    if (rest & used)
        complain_slab(a, c, va, "an object is free and in use");
    if ((rest | used) & ~c->all)
        complain_slab(a, c, va, "a bit without an object");
    if (at_rest < least || at_rest > most)
        complain_slab(a, c, va, "on the wrong list");
    a->at_rest += at_rest;
    a->in_use += count_bits(used);
    a->slabs++;
}

static void
check_list_of(struct slab_audit *a, const struct kmem_cache *c,
              struct list *head, size_t least, size_t most)
{
    for (struct list *i = head->next; i != head; i = i->next) {
        if (i->next->prev != i || i->prev->next != i) {
            complain_slab(a, c, i, "a list of slabs is torn");
            return;
        }
        check_slab(a, c, list_entry(i, struct page, lru), least, most);
    }
}

static void
check_cached(struct slab_audit *a, const struct kmem_cache *c, struct resting r)
{
    struct page *slab = va_to_page(r.obj);
    unsigned i = ((uintptr_t)r.obj & PAGE_MASK) / c->size;

    if (slab->owner != (uintptr_t)c)
        complain_slab(a, c, r.obj, "in the wrong magazine");
    else if (r.bit != bit_name(slab, i))
        complain_slab(a, c, r.obj, "its bit is named wrongly");
    else if ((slab->index | atomic_load(&slab->policy)) & bit_mask(r.bit))
        complain_slab(a, c, r.obj, "in a magazine, and elsewhere");
}

/* Returns the number of objects in the magazines. */
static size_t
check_magazines(struct slab_audit *a, const struct kmem_cache *c)
{
    struct magazine *m = c->front;
    size_t total = 0;

    for (unsigned h = 0; m != NULL && h < NCPU_MAX; h++, m++) {
        long n = count_read(&m->n);

        total += (size_t)n;
        for (long k = 0; k < n; k++) {
            check_cached(a, c, m->slot[k]);
            for (long j = 0; j < k; j++)
                if (m->slot[j].obj == m->slot[k].obj)
                    complain_slab(a, c, m->slot[k].obj, "twice in a magazine");
        }
    }
    return total;
}

static void
check_cache(struct slab_audit *a, struct kmem_cache *c)
{
    size_t all = count_bits(c->all), cached;

    a->slabs = a->at_rest = a->in_use = 0;
    check_list_of(a, c, &c->avail, 1,
                  c->flags & KMEM_TYPE_STABLE ? all : all - 1);
    check_list_of(a, c, &c->full, 0, 0);
    cached = check_magazines(a, c);
    if (a->slabs != c->nslabs || a->in_use + cached != c->taken ||
        a->at_rest + c->taken != all * a->slabs) {
        a->complaints++;
        cprintf("kmalloc_check: cache %s: %zu slabs, %zu at rest, %zu cached, "
                "%zu in use; counted %zu, %zu taken\n",
                c->name, a->slabs, a->at_rest, cached, a->in_use, c->nslabs,
                c->taken);
    }
}

unsigned
kmalloc_check(void)
{
    struct slab_audit a = {0};

    spin_lock(&caches_lock);
    list_for_each (i, &caches) {
        struct kmem_cache *c = list_entry(i, struct kmem_cache, link);

        spin_lock_nested(&c->lock);
        check_cache(&a, c);
        spin_unlock_nested(&c->lock);
    }
    spin_unlock(&caches_lock);
    return a.complaints;
}

/* Objects in magazines.  => c->lock held */
static size_t
count_cached(const struct kmem_cache *c)
{
    struct magazine *m = c->front;
    size_t n = 0;

    for (unsigned h = 0; m != NULL && h < NCPU_MAX; h++)
        n += (size_t)count_read(&m[h].n);
    return n;
}

size_t
kmalloc_in_use(void)
{
    size_t n = atomic_load(&large.taken);

    spin_lock(&caches_lock);
    list_for_each (i, &caches) {
        struct kmem_cache *c = list_entry(i, struct kmem_cache, link);

        spin_lock_nested(&c->lock);
        n += c->taken - count_cached(c);
        spin_unlock_nested(&c->lock);
    }
    spin_unlock(&caches_lock);
    return n;
}

size_t
kmalloc_pages(void)
{
    size_t n = atomic_load(&large.nslabs);

    spin_lock(&caches_lock);
    list_for_each (i, &caches) {
        struct kmem_cache *c = list_entry(i, struct kmem_cache, link);

        spin_lock_nested(&c->lock);
        n += c->nslabs;
        spin_unlock_nested(&c->lock);
    }
    spin_unlock(&caches_lock);
    return n;
}

void
kmalloc_print(void)
{
    cprintf("%-16s %6s %8s %8s %8s\n", "cache", "size", "in use", "cached",
            "slabs");
    spin_lock(&caches_lock);
    list_for_each (i, &caches) {
        struct kmem_cache *c = list_entry(i, struct kmem_cache, link);

        spin_lock_nested(&c->lock);
        cprintf("%-16s %6zu %8zu %8zu %8zu\n", c->name, c->size,
                c->taken - count_cached(c), count_cached(c), c->nslabs);
        spin_unlock_nested(&c->lock);
    }
    spin_unlock(&caches_lock);
    cprintf("%-16s %6s %8zu %8s %8zu\n", large.name, "", large.taken, "",
            large.nslabs);
}
