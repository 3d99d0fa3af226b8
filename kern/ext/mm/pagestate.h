/* pagestate.h: what the entries of a page know of it, for replacement; adds to
 * mm/rmap.h, a first reader may skip it. */
#ifndef KERN_EXT_MM_PAGESTATE_H
#define KERN_EXT_MM_PAGESTATE_H

#include "mm/rmap.h"

/* Was PAGE used since the last call: A of any of its entries, which is cleared
 * in all of them.  A hart that still knows an entry does not set A again, nor
 * does one that traps fault: EXACT makes them forget, one flush per entry that
 * was used.  Without it a sweep is cheap and may miss uses; the sweeper flushes
 * once at its end, if at all.
 * => PAGE has a reference of the caller's; no table lock, no rmap lock */
bool page_referenced(struct page *page, bool exact);

/* Does PAGE differ from what is behind it, as far as anybody knows?  A store
 * through a stale translation may come later: who writes the page out unmaps
 * or write-protects it first.  => as above */
bool page_is_dirty(struct page *page);

#endif
