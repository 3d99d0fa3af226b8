/* accessed.h: has a page been used?  For who asks many of them: a hand.
 *
 * The usual page has one entry, and is asked without the table's lock, and without
 * waiting for the lock of its records, so that no rank is needed.
 *
 *     the table stays     who frees it has taken out the records of all its entries,
 *                         and ours is there while we have the lock of the records;
 *                         so does the space
 *     the entry changes   A is taken in one step, as the hart gives it in one, and
 *                         whoever else changes a live entry does.  It may have become
 *                         0, which stays 0, or show another page by now, whose use
 *                         then goes unseen
 *     a hart comes to the space and leaves it again, while others of the table are
 *                         asked: a use by it may go unseen.  tlb_gen is raised once
 *                         for each table, before the first; harts are read after
 *                         every entry (unmap.c says why)
 */
#ifndef KERN_MM_ACCESSED_H
#define KERN_MM_ACCESSED_H

#include "mm/rmap.h"
#include "mm/vmm.h"

/* The same with the table's lock, for all entries; those whose table is locked are
 * left out. */
bool page_take_accessed_from_all(struct page *page, struct unmap_hull *hull);

/* Take A from all entries of PAGE: had one of them it?  They are added to HULL, and
 * until hull_flush() a use may go unseen.
 * => interrupts off; PAGE referenced or on a list; no lock from RANK_PTE on */
static inline bool
page_take_accessed(struct page *page, struct unmap_hull *hull)
{
    const uint32_t lock = PG_RMAP_LOCK;
    struct page *table;
    uintptr_t va;
    pte_t *pte;

    if (unlikely(ad_encode != NULL ||
                 (atomic_or_acquire(&page->flags, lock) & lock)))
        return page_take_accessed_from_all(page, hull);
    pte = (pte_t *)page->rmap;
    if (unlikely(pte == NULL ||
                 ((uintptr_t)pte & (RMAP_BLOCK | RMAP_PAIR)) != 0)) {
        atomic_and_release(&page->flags, ~lock);
        return page_take_accessed_from_all(page, hull);
    }
    if (!(atomic_and_acquire(pte, ~PTE_A) & PTE_A)) {
        atomic_and_release(&page->flags, ~lock);
        return false;
    }
    if (unlikely(((uintptr_t)pte ^ hull->at) >> PAGE_SHIFT != 0)) {
        hull->at = (uintptr_t)pte;
        hull->table = pte_table(pte);
        atomic_add(&pte_mm(pte)->tlb_gen, 1ul);
        atomic_fence();
        if (pte_level(pte) > 0) { /* a huge leaf: forget everything */
            hull->lo = 0;
            hull->hi = UINTPTR_MAX;
        }
    }
    table = hull->table;
    hull->harts |= atomic_load(&table_mm(table)->harts);
    va = table->index + ((uintptr_t)pte % PAGE_SIZE << 9);
    hull->lo = MIN(hull->lo, va);
    hull->hi = MAX(hull->hi, va + PAGE_SIZE);
    atomic_and_release(&page->flags, ~lock);
    return true;
}

#endif
