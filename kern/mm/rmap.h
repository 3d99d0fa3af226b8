/* rmap.h: which page-table entries map this page.
 *
 * page->rmap is 0, or the one entry's address, or where two are in RAM (tagged by
 * bit 1), or a chain of blocks of seven (tagged by bit 0); page->mapcount is how
 * many there are.  Both are guarded by a bit lock in page->flags, rank RMAP, which
 * is taken after a table lock.  Who starts from the page and wants the table lock
 * may only try it.
 *
 * Adding must not need memory under a lock, so the caller brings a spare block
 * (rmap_block_alloc(), without sleeping) and gets it back if it was not used. */
#ifndef KERN_MM_RMAP_H
#define KERN_MM_RMAP_H

#include "mm/pgtable.h"

#define RMAP_PER_BLOCK 7

struct rmap_block {
    struct rmap_block *next;
    pte_t *pte[RMAP_PER_BLOCK];
};

#define RMAP_BLOCK 1ul
#define RMAP_PAIR  2ul

static inline uintptr_t
rmap_ram(void)
{
    return dmap_base + (memmap_first_pfn << PAGE_SHIFT);
}

/* Two entries as one word: half of it each, less three bits that are 0 in both.
 * 0: there is too much RAM for that. */
#define RMAP_PAIR_RAM (16ul << 30)
extern bool rmap_pairs; /* [I] from its first to its last byte it is less */
static inline uintptr_t
rmap_pair(uintptr_t a, uintptr_t b)
{
    return unlikely(!rmap_pairs)
               ? 0
               : (a - rmap_ram()) << 30 | (b - rmap_ram()) >> 1 | RMAP_PAIR;
}

/* The entries, if there are at most two and no block has them.  Returns how many. */
static inline unsigned
rmap_few(uintptr_t rmap, pte_t *pte[2])
{
    pte[0] = (pte_t *)rmap;
    if (!(rmap & RMAP_PAIR))
        return rmap == 0 ? 0 : 1;
    pte[0] = (pte_t *)rmap_ram() + (rmap >> 33);
    pte[1] = (pte_t *)rmap_ram() + (rmap >> 2 & 0x7fffffff);
    return 2;
}

struct rmap_block *rmap_block_alloc(void);
void rmap_block_free(struct rmap_block *b); /* NULL is fine */

/* Record that PTE maps PAGE.  *SPARE is used, and set to NULL, if a block is
 * needed.  Returns -ENOMEM if one is needed and *SPARE is NULL.
 * => table lock of PTE held */
MUST_CHECK int rmap_add(struct page *page, pte_t *pte,
                        struct rmap_block **spare);
/* The same for an object's page that is up to date and not locked; if it is not so
 * at this moment, or memory is short, nothing happens.  LOCKED: the area is.
 * => table lock of PTE held, and the object's lock, which keeps the page */
bool rmap_try_add(struct page *page, pte_t *pte, struct rmap_block **spare,
                  bool locked);
/* The same for a page that nobody maps yet, or one, in an area that is not locked:
 * most neighbours of a fault are such, so it is short. */
static inline bool
rmap_try_few(struct page *page, pte_t *pte)
{
    uint32_t busy = PG_LOCKED | PG_RMAP_LOCK, old = atomic_load(&page->flags);
    uintptr_t word = (uintptr_t)pte;
    int32_t n;

    if ((old & (busy | PG_UPTODATE)) != PG_UPTODATE ||
        !atomic_cas(&page->flags, &old, old | PG_RMAP_LOCK))
        return false;
    n = page->mapcount;
    if (n != 0)
        word = n > 1 || (page->rmap & RMAP_BLOCK) ? 0
                                                  : rmap_pair(page->rmap, word);
    if (likely(word != 0)) {
        page->rmap = word;
        atomic_store(&page->mapcount, n + 1);
    }
    atomic_and(&page->flags, ~PG_RMAP_LOCK);
    return word != 0;
}

/* May the next entry need a block, as things are now? */
static inline bool
rmap_wants_block(const struct page *page)
{
    int32_t n = atomic_load(&page->mapcount);

    return n == (rmap_pairs ? 2 : 1) || (n > 1 && n % RMAP_PER_BLOCK == 0);
}

/* The same for the first entry of a page that nobody else can look at: the lock
 * of its owner is held, and it was never mapped. */
static inline void
rmap_first(struct page *page, pte_t *pte)
{
    page->rmap = (uintptr_t)pte;
    atomic_store(&page->mapcount, 1);
}

/* => interrupts off, as a table's lock is held */
static inline void
lock_rmap(struct page *page)
{
    lock_order_check(RANK_RMAP);
    while (unlikely(atomic_or(&page->flags, PG_RMAP_LOCK) & PG_RMAP_LOCK))
        cpu_wait();
    lock_order_add(RANK_RMAP);
}

static inline void
unlock_rmap(struct page *page)
{
    lock_order_remove(RANK_RMAP);
    atomic_and(&page->flags, ~PG_RMAP_LOCK);
}

/* For who forgets many records, one after the other: the rank is checked and
 * noted once, around them. */
static inline void
rmap_begin(void)
{
    lock_order_check(RANK_RMAP);
    lock_order_add(RANK_RMAP);
}

static inline void
rmap_end(void)
{
    lock_order_remove(RANK_RMAP);
}

/* One of several records.  => page locked, unlocks it */
void rmap_remove_one(struct page *page, pte_t *pte);

/* Forget it.  => between rmap_begin() and rmap_end(); table lock of PTE held; it
 * was recorded */
static inline void
rmap_remove_next(struct page *page, pte_t *pte)
{
    while (unlikely(atomic_or(&page->flags, PG_RMAP_LOCK) & PG_RMAP_LOCK))
        cpu_wait();
    if (unlikely(page->rmap != (uintptr_t)pte)) {
        rmap_remove_one(page, pte);
        lock_order_add(RANK_RMAP);
        return;
    }
    page->rmap = 0;
    atomic_store(&page->mapcount, 0);
    page->mlocks = 0;
    atomic_and(&page->flags, ~PG_RMAP_LOCK);
}

/* The same, for one record. */
static inline void
rmap_remove(struct page *page, pte_t *pte)
{
    rmap_begin();
    rmap_remove_next(page, pte);
    rmap_end();
}

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
/* Clear all, unless the page is locked into memory or pinned.  True: nobody maps
 * it any more, and it is neither. */
bool try_to_evict(struct page *page);
/* Clear all. */
void page_unmap(struct page *page);
/* Take W and D from all: the next store faults. */
void page_mkclean(struct page *page);
void pages_mkclean(struct page **pages, unsigned n); /* with one flush */
/* Entries that changed, and no hart was told yet.  It begins as UNMAP_HULL. */
struct unmap_hull {
    uint64_t harts;
    uintptr_t lo, hi;   /* lo >= hi: nothing to forget */
    uintptr_t at;       /* in the table that was changed last, */
    struct page *table; /* which is this; it may be gone */
};
#define UNMAP_HULL        \
    {                     \
        .lo = UINTPTR_MAX \
    }
/* Every hart forgets it, and it is empty.  => no lock from RANK_TLB on */
void hull_flush(struct unmap_hull *hull);
/* Take A from all entries of N pages, at most 64, with one flush: bit I says that
 * an entry of PAGES[I] had it.  => references held, locked or not */
uint64_t pages_take_accessed(struct page **pages, unsigned n);

#endif
