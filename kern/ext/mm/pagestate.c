/* pagestate.c: adds page_referenced() and page_is_dirty(), what a replacement
 * policy asks; a first reader may skip it.
 *
 * Both ask every entry that maps the page.  A table that is locked at the
 * moment is asked later: its holder may want the lock of the reverse map, which
 * is why it is only tried (rmap.h).  Asking an entry twice does no harm. */
#include "ext/mm/pagestate.h"

#include "mm/vmm.h"

struct question {
    bool exact, yes;
};

static void
ask_all(struct page *page,
        bool (*ask)(struct page *page, pte_t *pte, void *arg),
        struct question *q)
{
    while (rmap_walk(page, ask, q) > 0) {
        irq_off();
        cpu_wait();
        irq_restore();
    }
}

/* The table is locked, so that its space is still there. */
static void
forget(const pte_t *pte)
{
    struct gather g;

    gather_start(&g, pte_mm(pte));
    gather_range(&g, pte_va(pte), pte_va(pte) + PAGE_SIZE);
    gather_flush(&g);
}

static bool
ask_referenced(struct page *page, pte_t *pte, void *arg)
{
    struct question *q = arg;

    (void)page;
    if (pte_change(pte, PTE_A, 0) & PTE_A) {
        q->yes = true;
        if (q->exact)
            forget(pte);
    }
    return false;
}

bool
page_referenced(struct page *page, bool exact)
{
    struct question q = {exact, false};

    ask_all(page, ask_referenced, &q);
    return q.yes;
}

static bool
ask_dirty(struct page *page, pte_t *pte, void *arg)
{
    struct question *q = arg;

    (void)page;
    if (pte_load(pte) & PTE_D)
        q->yes = true;
    return false;
}

bool
page_is_dirty(struct page *page)
{
    struct question q = {false, false};

    if (atomic_load(&page->flags) & PG_DIRTY)
        return true;
    ask_all(page, ask_dirty, &q);
    return q.yes;
}
