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
    page->ref = 1; /* as free_pages() wants it */
    page->owner = 0;
    free_pages(page, 0);
}
