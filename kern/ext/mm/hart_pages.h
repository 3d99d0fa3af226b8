/* hart_pages.h: what hart_pages.c, poison.c and the audit share; a first reader
 * may skip it. */
#ifndef KERN_EXT_MM_HART_PAGES_H
#define KERN_EXT_MM_HART_PAGES_H

#include "debug/kstat.h"
#include "ext/mm/countlock.h"
#include "mm/pmm_impl.h"

/* A hart's stack of single pages; 256 bytes. */
#define PCP_MAX   29
#define PCP_BATCH 16

struct pcp {
    long n;                     /* entries, and the lock: countlock.h */
    unsigned long limit;        /* [a] free_pages() caches up to this */
    struct kstat_row *stats;    /* [I] its hart's counters */
    struct page *slot[PCP_MAX]; /* under n */
} CACHE_ALIGNED;

/* One for each hart; to be found from cpu->pages. */
extern struct pcp pcps[NCPU_MAX];

/* What a frame that was filled has in rmap, and in every word. */
#define POISON_WORD 0xf4eef4eef4eef4eeul /* "free free" */

/* Fill the frames of a free block with the debug pattern. */
void poison_fill(struct page *p, unsigned order);
/* Panic if a frame, which was filled, holds anything else now. */
void poison_check_frame(struct page *p);

static inline void
poison_check(struct page *p, unsigned order)
{
    for (struct page *q = p; q < p + (1ul << order); q++)
        if (unlikely(q->rmap == POISON_WORD))
            poison_check_frame(q);
}

#endif
