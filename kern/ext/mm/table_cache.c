/* table_cache.c: adds to mm/pgtable.c a few spare tables per hart; a first
 * reader may skip it.
 *
 * A table goes when its last entry was cleared, so it is all zeros already, and
 * to clear a page is half of what the first fault of a region costs.  So each
 * hart keeps some for the next region:
 *
 *     table_page_put()  ->  slot[0] slot[1] ... slot[7]  ->  table_page_get()
 *                           full: free_pages()     empty: alloc_zeroed_page()
 *
 * A slot is filled and emptied by one atomic step, so any hart may take what is
 * there when memory is short, without a lock. */
#include "mm/failpoint.h"
#include "mm/pgtable.h"

#define SLOTS 8

static struct {
    struct page *slot[SLOTS]; /* [a] */
} CACHE_ALIGNED caches[NCPU_MAX];

/* While failures are injected every table is asked for. */
struct page *
table_page_get(void)
{
    struct page **slot = caches[this_cpu()->id].slot, *p;

    for (unsigned i = 0; i < SLOTS && !fail_armed; i++) {
        if (atomic_load(&slot[i]) == NULL)
            continue;
        p = atomic_swap(&slot[i], (struct page *)NULL);
        if (p != NULL)
            return p;
    }
    return alloc_zeroed_page();
}

void
table_page_put(struct page *p)
{
    struct page **slot = caches[this_cpu()->id].slot, *none;

    for (unsigned i = 0; i < SLOTS && !pmm_poison; i++) {
        none = NULL;
        if (atomic_load(&slot[i]) == NULL && atomic_cas(&slot[i], &none, p))
            return;
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
