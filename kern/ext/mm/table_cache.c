/* table_cache.c: adds to mm/pgtable.c a few spare tables per hart; a first
 * reader may skip it.
 *
 * A table goes when its last entry was cleared, so it is all zeros already, and
 * to clear a page is half of what the first fault of a region costs.  So each
 * hart keeps some for the next region:
 *
 *     table_page_put()  ->  slot[0] slot[1] ... slot[31]  ->  table_page_get()
 *                           full: free_pages()     empty: alloc_zeroed_page()
 *
 * A slot is filled and emptied by one atomic step, so any hart may take what is
 * there when memory is short, without a lock. */
#include "mm/failpoint.h"
#include "mm/pgtable.h"

#define SLOTS 32 /* a power of 2: several spaces' worth */

static struct table_cache {
    struct page *slot[SLOTS]; /* [a] */
    unsigned at;              /* [a] those below are full, more or less */
} CACHE_ALIGNED caches[NCPU_MAX];

/* While failures are injected every table is asked for. */
struct page *
table_page_get(void)
{
    struct table_cache *c = &caches[this_cpu()->id];
    unsigned at = atomic_load(&c->at);

    for (unsigned n = 0; n < SLOTS && !fail_armed; n++) {
        struct page **slot = &c->slot[--at % SLOTS], *p;

        if (atomic_load(slot) == NULL)
            continue;
        p = atomic_swap(slot, (struct page *)NULL);
        if (p != NULL) {
            atomic_store(&c->at, at);
            return p;
        }
    }
    return alloc_zeroed_page();
}

void
table_page_put(struct page *p)
{
    struct table_cache *c = &caches[this_cpu()->id];
    unsigned at = atomic_load(&c->at);

    for (unsigned n = 0; n < SLOTS && !pmm_poison; n++, at++) {
        struct page **slot = &c->slot[at % SLOTS], *none = NULL;

        if (atomic_load(slot) == NULL && atomic_cas(slot, &none, p)) {
            atomic_store(&c->at, at + 1);
            return;
        }
    }
    free_pages(p, 0);
}

size_t
table_pages_drain(void)
{
    size_t n = 0;

    for (unsigned i = 0; i < NCPU_MAX * SLOTS; i++) {
        struct page **slot = &caches[i / SLOTS].slot[i % SLOTS], *p;

        p = atomic_swap(slot, (struct page *)NULL);
        if (p == NULL)
            continue;
        free_pages(p, 0);
        n++;
    }
    return n;
}
