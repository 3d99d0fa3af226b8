/* pmm_impl.h: what pmm.c (blocks), pcp.c (single pages, checks on the way in
 * and out) and pmm_debug.c (the checks) share.  Nobody else includes it. */
#ifndef KERN_MM_PMM_IMPL_H
#define KERN_MM_PMM_IMPL_H

#include "debug/kstat.h"
#include "mm/countlock.h"
#include "mm/pmm.h"
#include "sync/spinlock.h"

/* 2 MiB: below this size all descriptors of a block are written. */
#define SECTION_ORDER 9
#define SECTION_PAGES (1ul << SECTION_ORDER)

/* Frames [start, end). */
struct span {
    pfn_t start, end;
};

/* Who guards what:  b: its lock;  I: set once, before the harts start. */
struct buddy {
    struct spinlock lock;
    uint32_t nonempty;               /* [b] bit k: list k has a block */
    struct list free[MAX_ORDER + 1]; /* [b] */
    size_t nblocks[MAX_ORDER + 1];   /* [b] lengths of the lists */
    size_t nfree;                    /* [b] pages in the lists */
    size_t nmanaged;                 /* [b] */
    struct span ram[PMM_MAX_RANGES]; /* [I] neighbours joined */
    unsigned nram;                   /* [I] */
};

extern struct buddy buddy;

/* The run of RAM that PFN lies in, or NULL. */
const struct span *ram_find(pfn_t pfn);

/* A block off the lists, or NULL.  Its head's flags are 0 (or PG_POISON) and
 * its ref is 0.  *RAW: the other descriptors are unwritten.
 * => buddy.lock held */
struct page *buddy_take(unsigned order, bool *raw);

/* A block onto the lists, joined with its neighbours.  RAW is PG_RAW or 0; if
 * 0, the descriptors behind the head have no flags (but PG_POISON) and no ref.
 * => buddy.lock held */
void buddy_put(struct page *p, unsigned order, uint32_t raw);

/* Write the descriptors of [START, END): FLAGS, all else 0. */
void describe(pfn_t start, pfn_t end, uint32_t flags);

/* Per-hart caches.  A stack of single pages; 256 bytes. */
#define PCP_MAX   29
#define PCP_BATCH 16

struct pcp {
    long n;                     /* entries, and the lock: countlock.h */
    unsigned long limit;        /* [a] free_pages() caches up to this */
    struct kstat_row *stats;    /* [I] its hart's counters */
    struct page *slot[PCP_MAX]; /* under n */
} CACHE_ALIGNED;

extern struct pcp pcps[NCPU_MAX];

void pcp_init(void);

/* Fill a frame with the debug pattern; panic if it holds anything else. */
void poison_fill(struct page *p);
void poison_verify(struct page *p);

/* Panic if P is not a block of that order, allocated, with one reference. */
void free_check(struct page *p, unsigned order);

#endif
