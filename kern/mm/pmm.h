/* pmm.h: physical memory, handed out in blocks of 2^order pages.
 *
 * A buddy allocator (Knowlton 1965; Knuth, TAOCP volume 1, 2.5) under one
 * lock. */
#ifndef KERN_MM_PMM_H
#define KERN_MM_PMM_H

#include "mm/page.h"
#include <util.h>

#define MAX_ORDER 18 /* 1 GiB */

/* RAM, half-open, in bytes; not more than PMM_MAX_RANGES of them. */
struct pmm_range {
    paddr_t start, end;
};
#define PMM_MAX_RANGES 32

/* Take over the machine's memory.  RAM are the ranges that exist (sorted,
 * not overlapping, their descriptors mapped); FREE are those of them not
 * already in use (sorted, inside RAM).  The rest is reserved, until pmm_release().
 * The descriptors may hold anything; the time taken does not depend on the
 * amount of memory but on the number of 2 MiB sections, a few instructions
 * each.  => once, one hart */
void pmm_init(const struct pmm_range *ram, unsigned nram,
              const struct pmm_range *free, unsigned nfree);

/* Give reserved memory to the allocator after all (an initrd that was copied,
 * boot tables).  => page-aligned, wholly reserved */
void pmm_release(paddr_t start, paddr_t end);

/* A block of 2^ORDER pages, aligned to its size, contents undefined (POISON in
 * debug mode), ref 1.  NULL if there is none (or a fail point says so).  All
 * 2^ORDER descriptors are written, however large the block: PG_HEAD and the
 * order in the first, PG_TAIL in the rest, users 0 in each.
 * => any context; never sleeps; takes RANK_BUDDY */
MUST_CHECK struct page *alloc_pages(unsigned order);
/* One page of zeros. */
MUST_CHECK struct page *alloc_zeroed_page(void);

/* Give back a block exactly as it was allocated.  The caller holds the last
 * reference: ref is 1, and nothing is mapped, locked or pinned (users is 0).
 * The owner's flag bits are cleared here.  A block that is free already, was
 * never handed out, is still in use or is given back with another order is a
 * bug of the caller and panics with what is known about it.
 * => any context; never sleeps; takes RANK_BUDDY */
void free_pages(struct page *p, unsigned order);
/* The same for N single pages; quicker where they follow each other. */
void free_page_list(struct page **p, unsigned n);

/* The next frame from *AT on that is in use as a single page, by whomever; *AT is
 * behind it then.  NULL, and *AT is 0: there is none up to the end of memory.  What
 * its descriptor says may change at any moment. */
struct page *frame_next(pfn_t *at);

/* Pages that could be allocated now. */
size_t nr_free_pages(void);

/* Give back what is kept in front of the buddy lists (so that equality of
 * largest blocks can be tested). */
void pmm_drain(void);

/* --- reclaim.c, if linked, gets memory back: reclaim.h --- */

/* Free pages below which a thread is woken for that, and below which more memory
 * should be taken only after waiting for it.  0: never. */
extern size_t reclaim_mark; /* [a] */
extern size_t reclaim_min;  /* [I] */

bool memory_short(void);
/* Few pages are left: the thread gets to work; and the caller, if it runs a user
 * program, waits for it before that goes on.  => any lock before RANK_WAIT may be
 * held */
void reclaim_wake(void);
size_t reclaim(size_t n);

/* The boot argument debug=poison: kern/ext/mm/poison.c fills freed pages and
 * checks on the next allocation that nobody wrote to them.  Set it before
 * pmm_init(), or call pmm_drain() after a change. */
extern bool pmm_poison;

#endif
