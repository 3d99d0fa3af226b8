/* gather.h: free last.
 *
 * A frame whose entry was cleared may still be read by another hart through a
 * stale translation.  So what goes away is gathered: the range whose entries
 * changed, and what must be let go of after every hart forgot it.
 *
 *     gather_start(&g, mm);
 *     clear entries: gather_range(), gather_page(), gather_table(), ...
 *     gather_finish(&g);       flush everywhere, then let go
 *
 * When the gather is full it flushes by itself; so every entry must be cleared
 * before its page is handed over. */
#ifndef KERN_MM_GATHER_H
#define KERN_MM_GATHER_H

#include "mm/pmm.h"

struct mm_struct;
struct anon;
struct lnode;

#define GATHER_MAX 128

struct gather {
    struct mm_struct *mm;
    uintptr_t lo, hi; /* entries of [lo, hi) changed; lo >= hi: none */
    bool tables;      /* a table was taken out: forget everything */
    unsigned n;
    void *item[GATHER_MAX]; /* tagged: anon, page, table, lnode */
};

static inline void
gather_start(struct gather *g, struct mm_struct *mm)
{
    g->mm = mm;
    g->lo = UINTPTR_MAX;
    g->hi = 0;
    g->tables = false;
    g->n = 0;
}

/* Flush this hart and all that run the space, then let go of everything.
 * => no spinlock held; the gate may be */
void gather_finish_now(struct gather *g);

static inline void
gather_finish(struct gather *g)
{
    if (g->n != 0 || g->lo < g->hi || g->tables)
        gather_finish_now(g);
}

/* The entry or entries of [START, END) were cleared or lost rights. */
void gather_range(struct gather *g, uintptr_t start, uintptr_t end);
/* Drop one reference of PAGE (page_put) after the flush. */
void gather_page(struct gather *g, struct page *page);
/* Free the table page after the flush. */
void gather_table(struct gather *g, struct page *table);
/* Drop one reference of ANON (anon_put) after the flush. */
static inline void
gather_anon(struct gather *g, struct anon *anon)
{
    if (unlikely(g->n == GATHER_MAX))
        gather_finish_now(g);
    g->item[g->n++] = anon; /* its tag is 0 */
}

/* Drop one reference of NODE (lnode_put), and so of all below it, after the
 * flush: earlier, a relative could find itself alone and write in place to a
 * page that a hart of ours still reads. */
void gather_node(struct gather *g, struct lnode *node);
/* Every hart forgets the range; nothing is let go of yet.  => spinlocks below
 * RANK_TLB may be held */
void gather_flush(struct gather *g);
/* The same for one entry, which is not in a gather.  => interrupts off */
void gather_flush_page(struct mm_struct *mm, uintptr_t va);

#endif
