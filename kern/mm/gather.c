/* gather.c: what goes away waits here until no hart can reach it any more. */
#include "mm/gather.h"

#include "mm/anon.h"
#include "mm/pageref.h"
#include "mm/tlb.h"
#include "mm/vmm.h"
#include <race.h>

/* Tags of an item, in its low bits. */
enum { ITEM_ANON, ITEM_PAGE, ITEM_TABLE, ITEM_NODE, ITEM_MASK = 3 };

static inline unsigned
tag_of(const void *item)
{
    return (uintptr_t)item & ITEM_MASK;
}

void
gather_range(struct gather *g, uintptr_t start, uintptr_t end)
{
    g->lo = MIN(g->lo, start);
    g->hi = MAX(g->hi, end);
}

void
gather_flush(struct gather *g)
{
    struct mm_struct *mm = g->mm;
    uintptr_t va = g->tables ? 0 : g->lo;
    size_t size = g->tables ? SIZE_MAX : g->hi - g->lo;

    if (g->lo >= g->hi && !g->tables)
        return;
    race_point("flush");
    atomic_add(&mm->tlb_gen, 1ul);
    atomic_fence();
    irq_off(); /* "local" and "the others" are of one hart */
    tlb_flush_local(va, size);
    mm_count(mm, MM_TLB_LOC);
    mm_count_n(mm, MM_TLB_REM,
               tlb_shootdown(atomic_load_acquire(&mm->harts), va, size));
    irq_restore();
    g->lo = UINTPTR_MAX;
    g->hi = 0;
    g->tables = false;
}

void
gather_flush_page(struct mm_struct *mm, uintptr_t va)
{
    /* LAB 3.5: no hart may use an old translation of VA in this space any
     * more.
     *
     * Each hart keeps translations it has used (TLB), and nothing that is
     * stored into a table changes what it keeps. Increment mm->tlb_gen first,
     * with a fence behind it: a hart that begins to run the space later
     * compares. Then this hart (tlb_flush_local()), then those others that run
     * the space (mm->harts, tlb_shootdown()). Count MM_TLB_LOC and, for each
     * other hart that had to be asked, MM_TLB_REM. */
    uint64_t others;

    race_point("flush");
    atomic_add(&mm->tlb_gen, 1ul);
    atomic_fence();
    tlb_flush_local(va, PAGE_SIZE);
    mm_count(mm, MM_TLB_LOC);
    others = atomic_load_acquire(&mm->harts) & ~(1ul << this_cpu()->id);
    if (unlikely(others != 0))
        mm_count_n(mm, MM_TLB_REM, tlb_shootdown(others, va, PAGE_SIZE));
    /* END 3.5 */
}

static void
let_go(struct gather *g, void *item)
{
    unsigned tag = tag_of(item);
    void *p = (char *)item - tag;

    switch (tag) {
    case ITEM_PAGE:
        page_put(p);
        break;
    case ITEM_TABLE:
        table_destroy(g->mm, p);
        break;
    case ITEM_NODE:
        lnode_put(p);
        break;
    }
}

/* The anons from item I on, of which there is one at least, together.  Returns how
 * many. */
static unsigned
let_go_anons(struct gather *g, unsigned i)
{
    unsigned n = 1, most = MIN(g->n - i, LNODE_SLOTS);

    while (n < most && tag_of(g->item[i + n]) == ITEM_ANON)
        n++;
    if (n == 1)
        anon_put(g->item[i]);
    else
        anon_put_all((struct anon **)&g->item[i], n);
    return n;
}

void
gather_finish_now(struct gather *g)
{
    unsigned i = 0;

    gather_flush(g);
    race_point("let-go");
    while (i < g->n) {
        if (tag_of(g->item[i]) == ITEM_ANON)
            i += let_go_anons(g, i);
        else
            let_go(g, g->item[i++]);
    }
    gather_start(g, g->mm);
}

static void
add(struct gather *g, void *p, unsigned tag)
{
    if (g->n == GATHER_MAX)
        gather_finish_now(g);
    g->item[g->n++] = (char *)p + tag;
}

void
gather_page(struct gather *g, struct page *page)
{
    add(g, page, ITEM_PAGE);
}

void
gather_table(struct gather *g, struct page *table)
{
    g->tables = true;
    add(g, table, ITEM_TABLE);
    g->tables = true; /* also if the gather was full just now */
}

void
gather_node(struct gather *g, struct lnode *node)
{
    add(g, node, ITEM_NODE);
}
