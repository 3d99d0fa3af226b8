/* rmap.h: which page-table entries map this page.
 *
 * page->rmap is 0, or the one entry's address, or a chain of blocks of seven
 * (tagged by bit 0); page->mapcount is how many there are.  Both are guarded by
 * a bit lock in page->flags, rank RMAP, which is taken after a table lock.  Who
 * starts from the page and wants the table lock may only try it.
 *
 * Adding must not need memory under a lock, so the caller brings a spare block
 * (rmap_block_alloc(), without sleeping) and gets it back if it was not used. */
#ifndef KERN_MM_RMAP_H
#define KERN_MM_RMAP_H

#include "mm/pgtable.h"

struct rmap_block {
    struct rmap_block *next;
    pte_t *pte[7];
};

struct rmap_block *rmap_block_alloc(void);
void rmap_block_free(struct rmap_block *b); /* NULL is fine */

/* Record that PTE maps PAGE.  *SPARE is used, and set to NULL, if a block is
 * needed.  Returns -ENOMEM if one is needed and *SPARE is NULL.
 * => table lock of PTE held */
MUST_CHECK int rmap_add(struct page *page, pte_t *pte,
                        struct rmap_block **spare);
/* Forget it.  => table lock of PTE held; it was recorded */
void rmap_remove(struct page *page, pte_t *pte);
/* PTE moved: TO takes the place of FROM.  => both table locks held */
void rmap_replace(struct page *page, pte_t *from, pte_t *to);

/* One more (BY 1), or one less (-1), of the entries of PAGE is in a locked area:
 * while page->mlocks is not 0, the page stays in memory.  It may wrap: 65536
 * mappings are as good as none, until the next one goes; and it may be too high
 * after some entries were taken away from the page's side, until all are gone.
 * => table lock of the entry held, and the entry recorded */
void rmap_mlock(struct page *page, int by);

/* Call FN(page, pte, arg) for every entry, with the page's rmap lock and the
 * entry's table lock held.  FN may clear the entry and must then return true:
 * its record is removed.  An entry whose table is locked by somebody else is
 * skipped; returns how many were.  A huge leaf is split first.
 * => no table lock held */
unsigned rmap_walk(struct page *page,
                   bool (*fn)(struct page *page, pte_t *pte, void *arg),
                   void *arg);
/* The same, for FN that clears nothing: it is shown huge leaves, too. */
unsigned rmap_look(struct page *page,
                   bool (*fn)(struct page *page, pte_t *pte, void *arg),
                   void *arg);

/* --- unmap.c: from the page to all who map it.  When they return every hart
 * has forgotten what was taken away, and D of the entries is in the page.
 * => page locked if an object owns it, anon locked if an anon does; no later
 *    lock held; does not sleep --- */

/* Clear all entries but those whose table is locked; returns how many. */
unsigned try_to_unmap(struct page *page);
/* Clear all. */
void page_unmap(struct page *page);
/* Take W and D from all: the next store faults. */
void page_mkclean(struct page *page);
void pages_mkclean(struct page **pages, unsigned n); /* with one flush */

#endif
