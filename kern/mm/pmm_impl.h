/* pmm_impl.h: the buddy lists, below alloc_pages() and free_pages(): for pmm.c
 * and what kern/ext puts in front of it.  Nobody else includes it. */
#ifndef KERN_MM_PMM_IMPL_H
#define KERN_MM_PMM_IMPL_H

#include "mm/pmm.h"
#include "sync/spinlock.h"

/* 2 MiB: below this size all descriptors of a block are written. */
#define SECTION_ORDER 9
#define SECTION_PAGES (1ul << SECTION_ORDER)

/* Frames [start, end). */
struct span {
    pfn_t start, end;
};

/* Who guards what:  b: its lock;  a: atomic;  I: set once, before the harts start. */
struct buddy {
    struct spinlock lock;
    struct list free[MAX_ORDER + 1]; /* [b] */
    size_t nfree;                    /* [a] pages in the lists */
    size_t nmanaged;                 /* [a] */
    struct span ram[PMM_MAX_RANGES]; /* [I] neighbours joined */
    unsigned nram;                   /* [I] */
};

extern struct buddy buddy;

/* A block off the lists, or NULL.  Its head's flags and ref are 0.  *RAW: the
 * other descriptors are unwritten.  => buddy.lock held */
struct page *buddy_take(unsigned order, bool *raw);

/* A block onto the lists, joined with its neighbours.  RAW is PG_RAW or 0; if
 * 0, the descriptors behind the head are written.  Flags and refs are 0.
 * => buddy.lock held */
void buddy_put(struct page *p, unsigned order, uint32_t raw);

/* What buddy_take() gave becomes an allocated block, which is counted and traced;
 * NULL stays NULL, and is counted. */
struct page *block_claim(struct page *p, unsigned order, bool raw);

/* The way back, to what buddy_put() takes; panics if the block may not be
 * freed. */
void block_unclaim(struct page *p, unsigned order);

#endif
