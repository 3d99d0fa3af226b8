/* pageref.c: a frame goes back to the allocator with its last reference. */
#include "mm/pageref.h"

#include <atomic.h>

void
page_get(struct page *page)
{
    atomic_add(&page->ref, 1);
}

void
page_put(struct page *page)
{
    if (atomic_add_acq_rel(&page->ref, -1) > 1)
        return;
    /* As free_pages() wants it, and without what makes it slow. */
    page->flags &= ~(PG_UPTODATE | PG_DIRTY);
    page->ref = 1;
    page->owner = 0;
    free_pages(page, 0);
}
