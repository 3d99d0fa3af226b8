/* pgtable.c: the tables of a user space, walked by level.
 *
 *     level 4 (Sv57)   3 (Sv48)   2 (Sv39)    1          0
 *        root ------->  table --->  table ---> table ---> table ---> page
 *
 * The upper half of the root is the kernel's and is copied once, when the root
 * is made; its entries never change (kmap.c).  Missing tables are made on the
 * way down, each published under the lock of the table above it, because two
 * faults may need the same one. */
#include "mm/pgtable.h"

#include "arch/riscv/satp.h"
#include "mm/failpoint.h"
#include "mm/gather.h"
#include "mm/vmm.h"
#include <race.h>

bool ad_by_software;
pte_t (*ad_encode)(pte_t entry), (*ad_decode)(pte_t stored);

/* kern/ext/mm/table_cache.c, if linked, takes the place of these three. */
WEAK struct page *
table_page_get(void)
{
    return alloc_zeroed_page();
}

WEAK void
table_page_put(struct page *p)
{
    free_pages(p, 0);
}

WEAK size_t
table_pages_drain(void)
{
    return 0;
}

pte_t *
table_create(struct mm_struct *mm, uintptr_t base, unsigned level)
{
    struct page *p = fail_now(FAIL_PT) ? NULL : table_page_get();

    if (p == NULL)
        return NULL;
    p->flags |= PG_TABLE;
    p->owner = (uintptr_t)mm | PAGE_OWNER_MM;
    p->index = base | level;
    spin_init((struct spinlock *)&p->policy, RANK_PTE);
    mm_count(mm, MM_PT_ALLOC);
    return page_to_va(p);
}

void
table_destroy(struct mm_struct *mm, struct page *p)
{
    mm_count(mm, MM_PT_FREE);
    table_page_put(p);
}

/* Which entries of a root are the kernel's: few. */
static uint16_t kernel_entry[PTES_PER_TABLE / 2]; /* [I] */
static unsigned nkernel;                          /* [I] */

void
pgdir_init(void)
{
    nkernel = 0;
    for (unsigned i = PTES_PER_TABLE / 2; i < PTES_PER_TABLE; i++) {
        if (satp_kernel_root()[i] != 0)
            kernel_entry[nkernel++] = (uint16_t)i;
    }
}

pte_t *
pgdir_create(struct mm_struct *mm)
{
    pte_t *root = table_create(mm, 0, paging_levels - 1);

    for (unsigned i = 0; root != NULL && i < nkernel; i++)
        root[kernel_entry[i]] = satp_kernel_root()[kernel_entry[i]];
    return root;
}

void
pgdir_destroy(struct mm_struct *mm)
{
    assert(pte_table(mm->pgdir)->mapcount == 0);
    for (unsigned i = 0; i < nkernel; i++)
        mm->pgdir[kernel_entry[i]] = 0;
    table_destroy(mm, pte_table(mm->pgdir));
}

static pte_t *
table_of(pte_t e)
{
    return pa_to_va(pte_pa(e));
}

/* Make the table below entry E at LEVEL, unless somebody was faster. */
static bool
make_table(struct mm_struct *mm, pte_t *e, uintptr_t va, unsigned level)
{
    /* LAB 3.1: the table below entry E at LEVEL is missing: make it.
     *
     * table_create() gives an empty table of the level below; it wants to know
     * where it begins to translate, which is a multiple of what E spans
     * (pte_span()). An entry that only has V set is one to a table
     * (pte_make(), pte_install()). Another hart may do the same at this
     * moment: look again under the lock of the entry (pte_lock()), and who
     * comes second gives its table back with table_destroy(). False: no
     * memory. */
    pte_t *table = table_create(mm, ROUND_DOWN(va, pte_span(level)), level - 1);

    if (table == NULL)
        return false;
    race_point("make-table");
    spin_lock(pte_lock(e));
    if (*e == 0) {
        pte_install(e, pte_make(va_to_pa(table), PTE_V));
        table = NULL;
    }
    spin_unlock(pte_lock(e));
    if (table != NULL)
        table_destroy(mm, pte_table(table));
    return true;
    /* STUB: return false; */
    /* END 3.1 */
}

pte_t *
get_pte_at(struct mm_struct *mm, uintptr_t va, unsigned to, bool create)
{
    /* LAB 3.2: the entry of VA in the table at level TO, 0 being the last.
     *
     * Walk down from mm->pgdir, which is at level paging_levels - 1;
     * pte_index() is the index at a level. Where an entry is 0 the table below
     * is missing: make_table(), if CREATE, else there is nothing to return. An
     * entry that is there, but not to a table (pte_is_table()), is a leaf of a
     * large page: NULL as well. Entries change while you look: read each once
     * (atomic_load()). */
    pte_t *table = mm->pgdir;

    for (unsigned level = paging_levels - 1; level > to; level--) {
        pte_t *e = &table[pte_index(va, level)];
        pte_t seen = atomic_load(e);

        if (seen == 0) {
            if (!create || !make_table(mm, e, va, level))
                return NULL;
            seen = atomic_load(e);
        }
        if (!pte_is_table(seen))
            return NULL;
        table = table_of(seen);
    }
    return &table[pte_index(va, to)];
    /* STUB: return NULL; */
    /* END 3.2 */
}

pte_t *
get_pte_anew(struct mm_struct *mm, uintptr_t va)
{
    pte_t *pte = get_pte(mm, va, true);
    struct last_place *c;

    if (pte != NULL) {
        c = place_anew(mm);
        c->base = ROUND_DOWN(va, pte_span(1));
        c->table = pte - pte_index(va, 0);
    }
    return pte;
}

pte_t *
pte_lookup(struct mm_struct *mm, uintptr_t va, unsigned *level)
{
    /* LAB 3.3: the last entry on the way to VA, whatever it is, and its level.
     *
     * As get_pte_at(), but it never makes anything: it ends at the last level,
     * or earlier at an entry that is not to a table: empty, or a leaf. */
    pte_t *table = mm->pgdir;

    for (unsigned k = paging_levels - 1;; k--) {
        pte_t *e = &table[pte_index(va, k)];
        pte_t seen = atomic_load(e); /* if it is a table, it says so as it is */

        *level = k;
        if (k == 0 || !pte_is_table(seen))
            return e;
        table = table_of(seen);
    }
    /* STUB: *level = paging_levels - 1; */
    /* STUB: return &mm->pgdir[pte_index(va, paging_levels - 1)]; */
    /* END 3.3 */
}

pte_t
pte_change(pte_t *pte, pte_t clear, pte_t set)
{
    pte_t stored = atomic_load(pte);

    while (!atomic_cas(pte, &stored,
                       pte_encode((pte_decode(stored) & ~clear) | set)))
        ;
    return pte_decode(stored);
}

/* Who came from a page may have emptied it just now, or split a leaf above, and
 * still hold its lock. */
static bool
table_empty(struct page *table)
{
    bool empty;

    spin_lock((struct spinlock *)&table->policy);
    empty = table->mapcount == 0;
    spin_unlock((struct spinlock *)&table->policy);
    return empty;
}

/* The tables on the way to VA, from the last one up to the first that is
 * needed; of the root, its entry. */
static void
trim_path(struct mm_struct *mm, uintptr_t va, struct gather *g)
{
    pte_t *above[PAGING_LEVELS_MAX] = {NULL}, *table = mm->pgdir;
    unsigned level = paging_levels - 1;
    bool empty;

    for (; level > 0; level--) {
        pte_t *e = &table[pte_index(va, level)], seen = atomic_load(e);

        if (!pte_is_table(seen))
            break;
        above[level] = e;
        table = table_of(seen);
    }
    empty = table_empty(pte_table(table));
    while (empty && ++level < paging_levels) {
        struct page *child = pte_table(table), *page;

        table = above[level];
        page = pte_table(table);
        spin_lock(table_lock(page));
        pte_clear(table);
        empty = page->mapcount == 0;
        spin_unlock(table_lock(page));
        gather_table(g, child);
    }
}

/* The entries of TABLE at LEVEL, which translates from BASE on, whose tables
 * are empty.  What it counts (of a root, the user's half) is all there is. */
static void
trim(pte_t *table, unsigned level, uintptr_t base, uintptr_t start,
     uintptr_t end, struct gather *g)
{
    /* LAB 3.4: free the tables below TABLE that have no entry any more.
     *
     * TABLE is at LEVEL and translates from BASE on; look at its entries that
     * translate a part of [START, END). Go down first (a table whose tables
     * all went is empty, too), then, if table_empty(), clear the entry under
     * its lock and leave the table to gather_table(): a hart may be walking
     * through it until the flush. The mapcount of a table's page says how many
     * entries it has: stop when you have seen all, a table is mostly empty. */
    uintptr_t span = pte_span(level);
    unsigned i = start > base ? (unsigned)((start - base) / span) : 0;
    int32_t left = pte_table(table)->mapcount;

    for (; left > 0 && i < PTES_PER_TABLE && base + i * span < end; i++) {
        pte_t *e = &table[i];
        struct page *child;

        left -= *e != 0;
        if (!pte_is_table(*e))
            continue;
        child = pa_to_page(pte_pa(*e));
        if (level > 1)
            trim(table_of(*e), level - 1, base + i * span, start, end, g);
        if (table_empty(child)) {
            spin_lock(pte_lock(e));
            pte_clear(e);
            spin_unlock(pte_lock(e));
            gather_table(g, child);
        }
    }
    /* END 3.4 */
}

void
pgtable_trim(struct mm_struct *mm, uintptr_t start, uintptr_t end,
             struct gather *g)
{
    if (pte_table(mm->pgdir)->mapcount == 0)
        return;
    if ((start ^ (end - 1)) >> pte_shift(1) == 0) {
        trim_path(mm, start, g);
        return;
    }
    trim(mm->pgdir, paging_levels - 1, 0, start, end, g);
}
