/* pageref.h: references to a frame: its owner's, and one for each user in
 * flight.  Not one per mapping; those are counted in mapcount. */
#ifndef KERN_MM_PAGEREF_H
#define KERN_MM_PAGEREF_H

#include "mm/pmm.h"
#include <atomic.h>

static inline void
page_get(struct page *page)
{
    atomic_add(&page->ref, 1);
}

/* The last reference frees the frame.  => it is not mapped then */
void page_put(struct page *page);
/* The same for N at once; changes the array. */
void page_put_all(struct page **pages, unsigned n);

#endif
