/* gather.c: what goes away waits here until no hart can reach it any more. */
#include "mm/gather.h"

#include "mm/anon.h"
#include "mm/pageref.h"
#include "mm/tlb.h"
#include "mm/vmm.h"
#include <race.h>

/* Tags of an item, in its low bits. */
enum { ITEM_PAGE, ITEM_TABLE, ITEM_ANON, ITEM_NODE, ITEM_MASK = 3 };

void
gather_start(struct gather *g, struct mm_struct *mm)
{
    g->mm = mm;
    g->lo = UINTPTR_MAX;
    g->hi = 0;
    g->tables = false;
    g->n = 0;
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
    uint64_t others;

    race_point("flush");
    atomic_add(&mm->tlb_gen, 1ul);
    atomic_fence();
    tlb_flush_local(va, PAGE_SIZE);
    mm_count(mm, MM_TLB_LOC);
    others = atomic_load_acquire(&mm->harts) & ~(1ul << this_cpu()->id);
    if (unlikely(others != 0))
        mm_count_n(mm, MM_TLB_REM, tlb_shootdown(others, va, PAGE_SIZE));
}

static void
let_go(struct gather *g, uintptr_t item)
{
    void *p = (void *)(item & ~(uintptr_t)ITEM_MASK);

    switch (item & ITEM_MASK) {
    case ITEM_PAGE:
        page_put(p);
        break;
    case ITEM_TABLE:
        table_destroy(g->mm, p);
        break;
    case ITEM_ANON:
        anon_put(p);
        break;
    case ITEM_NODE:
        lnode_put(p);
        break;
    }
}

void
gather_finish(struct gather *g)
{
    if (g->n == 0 && g->lo >= g->hi && !g->tables)
        return;
    gather_flush(g);
    race_point("let-go");
    for (unsigned i = 0; i < g->n; i++)
        let_go(g, g->item[i]);
    gather_start(g, g->mm);
}

static void
add(struct gather *g, void *p, unsigned tag)
{
    if (g->n == GATHER_MAX)
        gather_finish(g);
    g->item[g->n++] = (uintptr_t)p | tag;
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
gather_anon(struct gather *g, struct anon *anon)
{
    add(g, anon, ITEM_ANON);
}

void
gather_node(struct gather *g, struct lnode *node)
{
    add(g, node, ITEM_NODE);
}
