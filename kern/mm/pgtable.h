/* pgtable.h: the page tables of an address space.
 *
 * A table is one page; its struct page says whose it is:
 *
 *     owner     the mm_struct, tagged PAGE_OWNER_MM
 *     index     the first address it translates, and its level in the low bits
 *     mapcount  how many of its entries are not 0 [table lock]
 *     policy    its lock, a struct spinlock of rank PTE
 *
 * so an entry's address alone leads to the space and the virtual address.
 * Entries are written under the lock of their table (but finish_fault() may add
 * rights to one while its page is kept in its place); clearing or replacing one
 * that maps a page needs that page's rmap lock first.  The hart may set A and D
 * at any time: read-modify-write of a live entry is atomic. */
#ifndef KERN_MM_PGTABLE_H
#define KERN_MM_PGTABLE_H

#include "mm/pmm.h"
#include "sync/spinlock.h"
#include <atomic.h>

struct mm_struct;
struct gather;

/* The tags in struct page's owner. */
#define PAGE_OWNER_ANON   0ul
#define PAGE_OWNER_OBJECT 1ul
#define PAGE_OWNER_MM     2ul
#define PAGE_OWNER_TAG    3ul

void pgdir_init(void); /* the kernel's half is complete now */
/* A root for a new space, with the kernel's half in it; NULL: no memory. */
pte_t *pgdir_create(struct mm_struct *mm);
/* => every user table is gone already */
void pgdir_destroy(struct mm_struct *mm);

/* The entry for VA at level TO.  CREATE: missing tables are made, without
 * sleeping; NULL means no memory then, else that some table is missing (or a
 * leaf above TO maps VA).  => gate held, either way */
pte_t *get_pte_at(struct mm_struct *mm, uintptr_t va, unsigned to, bool create);

static inline pte_t *
get_pte(struct mm_struct *mm, uintptr_t va, bool create)
{
    return get_pte_at(mm, va, 0, create);
}

/* An empty table of LEVEL that translates from BASE on; NULL: no memory. */
pte_t *table_create(struct mm_struct *mm, uintptr_t base, unsigned level);
/* A table nobody can reach any more, all entries 0.  => no spinlock */
void table_destroy(struct mm_struct *mm, struct page *table);
/* Frames for tables: one of zeros, or NULL; one that is all zeros again; give
 * back those kept for later, and say how many: memory is short.  => any */
MUST_CHECK struct page *table_page_get(void);
void table_page_put(struct page *p);
size_t table_pages_drain(void);

/* The entry that maps or would map VA at the lowest level that exists, and
 * that level.  => gate held */
pte_t *pte_lookup(struct mm_struct *mm, uintptr_t va, unsigned *level);

/* Tables of users lie in the direct map, as frames of theirs do. */
static inline struct page *
pte_table(const pte_t *pte)
{
    return pa_to_page((uintptr_t)pte - dmap_base);
}

static inline struct spinlock *
table_lock(struct page *table)
{
    return (struct spinlock *)&table->policy;
}

static inline struct spinlock *
pte_lock(const pte_t *pte)
{
    return table_lock(pte_table(pte));
}

static inline struct mm_struct *
table_mm(const struct page *table)
{
    return (struct mm_struct *)(table->owner & ~PAGE_OWNER_TAG);
}

static inline struct mm_struct *
pte_mm(const pte_t *pte)
{
    return table_mm(pte_table(pte));
}

static inline unsigned
pte_level(const pte_t *pte)
{
    return pte_table(pte)->index & PAGE_MASK;
}

/* The first address that entry PTE translates. */
static inline uintptr_t
pte_va(const pte_t *pte)
{
    return PAGE_DOWN(pte_table(pte)->index) + ((uintptr_t)pte & PAGE_MASK) /
                                                  sizeof(pte_t) *
                                                  pte_span(pte_level(pte));
}

/* The kernel sets A and D, because some hart traps instead (adprobe.c). */
extern bool ad_by_software;
/* How a leaf is stored so that this can be tried on any hart: see
 * kern/ext/init/adsim.c.  NULL: as it is.  Entries that point to a table, and 0,
 * are always stored as they are. */
extern pte_t (*ad_encode)(pte_t entry), (*ad_decode)(pte_t stored);

static inline pte_t
pte_decode(pte_t stored)
{
    return likely(ad_decode == NULL) ? stored : ad_decode(stored);
}

static inline pte_t
pte_encode(pte_t entry)
{
    return likely(ad_encode == NULL) ? entry : ad_encode(entry);
}

/* What an entry says.  All of mm/ reads live entries with this. */
static inline pte_t
pte_load(const pte_t *pte)
{
    return pte_decode(atomic_load(pte));
}

/* The entry of a page nobody touched yet, next to one that was: A in software
 * mode, where each A that is missing costs a trap. */
static inline pte_t
around_bits(void)
{
    return ad_by_software ? PTE_A : 0;
}

/* Take CLEAR away from an entry and add SET, in one step: the hart may set A
 * and D meanwhile.  Returns what it was.  => table lock held */
pte_t pte_change(pte_t *pte, pte_t clear, pte_t set);

/* The same, only to take away, and short: for every entry of a space. */
static inline void
pte_take(pte_t *pte, pte_t clear)
{
    if (unlikely(ad_encode != NULL))
        pte_change(pte, clear, 0);
    else if (atomic_load(pte) & clear)
        atomic_and(pte, ~clear);
}

/* The same, only to add. */
static inline pte_t
pte_give(pte_t *pte, pte_t set)
{
    return unlikely(ad_encode != NULL) ? pte_change(pte, 0, set)
                                       : atomic_or(pte, set);
}

/* TABLE has N entries more. */
static inline void
pte_count(struct page *table, int n)
{
    table->mapcount += n;
}

/* Store a new entry where none was, to be counted by pte_count() before the lock
 * is given back.  => table lock held; the page is filled and accounted for:
 * publish last */
static inline void
pte_store_new(pte_t *pte, pte_t value)
{
    atomic_store_release(pte, pte_encode(value));
}

/* The same, and counts it. */
static inline void
pte_install_in(struct page *table, pte_t *pte, pte_t value)
{
    pte_count(table, 1);
    pte_store_new(pte, value);
}

static inline void
pte_install(pte_t *pte, pte_t value)
{
    pte_install_in(pte_table(pte), pte, value);
}

/* Clear an entry and return what it was, A and D included.  => table lock */
static inline pte_t
pte_clear_in(struct page *table, pte_t *pte)
{
    pte_t stored = atomic_swap(pte, (pte_t)0);

    table->mapcount--;
    return pte_decode(stored);
}

static inline pte_t
pte_clear(pte_t *pte)
{
    return pte_clear_in(pte_table(pte), pte);
}

/* Free the tables of [START, END) that are empty now, into G: they may be in
 * use by a walking hart until the flush.  => gate closed */
void pgtable_trim(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                  struct gather *g);

#endif
