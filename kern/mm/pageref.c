/* pageref.c: a frame goes back to the allocator with its last reference. */
#include "mm/pageref.h"

/* Was it the last reference?  Then it is as free_pages() wants it, and without
 * what makes that slow. */
static inline bool
page_last_put(struct page *page)
{
    if (atomic_add_acq_rel(&page->ref, -1) > 1)
        return false;
    page->flags &= ~(PG_UPTODATE | PG_DIRTY | PG_REFERENCED);
    page->ref = 1;
    page->owner = 0;
    return true;
}

void
page_put(struct page *page)
{
    if (page_last_put(page))
        free_pages(page, 0);
}

void
page_put_all(struct page **pages, unsigned n)
{
    unsigned last = 0;

    for (unsigned i = 0; i < n; i++) {
        if (page_last_put(pages[i]))
            pages[last++] = pages[i];
    }
    free_page_list(pages, last);
}
