/* unmap.c: taking a page away from everybody who maps it, or the right to write
 * to it, from the page's side.
 *
 *     page --> its records --> entries, in several spaces
 *                                 each: change it under its table's lock,
 *                                       remember which harts run that space
 *     one shootdown to the union of those harts
 *
 * The set of a space's harts is read after its entry changed.  A hart that
 * joins later reads the new entry; so nobody is missed, and no space has to be
 * kept alive until the flush.  The range is the hull of all addresses: most
 * pages have one, or the same everywhere (a program's text).
 *
 * The caller has the page locked, or its anon, so the fault path gives out no
 * new entries meanwhile (fault_object.c, fault.c). */
#include "mm/accessed.h"
#include "mm/tlb.h"

/* PTE, which held OLD, changed.  => its table is locked */
static void
changed(struct unmap_hull *fl, struct page *page, pte_t *pte, pte_t old)
{
    struct mm_struct *mm = pte_mm(pte);

    if (old & PTE_D)
        atomic_or(&page->flags, PG_DIRTY);
    atomic_add(&mm->tlb_gen, 1ul);
    atomic_fence(); /* the entry, then the set */
    fl->harts |= atomic_load_acquire(&mm->harts);
    fl->lo = MIN(fl->lo, pte_va(pte));
    fl->hi = MAX(fl->hi, pte_va(pte) + PAGE_SIZE);
}

static bool
clear_one(struct page *page, pte_t *pte, void *fl)
{
    mm_count(pte_mm(pte), MM_RMAPUN);
    atomic_add(&pte_mm(pte)->rss, -1l);
    changed(fl, page, pte, pte_clear(pte));
    return true;
}

static bool
clean_one(struct page *page, pte_t *pte, void *fl)
{
    pte_t old = pte_change(pte, PTE_W | PTE_D, 0);

    if (old & (PTE_W | PTE_D))
        changed(fl, page, pte, old);
    return false;
}

/* The count of who needs the page where it is does not change meanwhile. */
static bool
evict_one(struct page *page, pte_t *pte, void *fl)
{
    return page->mlocks == 0 && page->pins == 0 && clear_one(page, pte, fl);
}

struct accessed {
    struct unmap_hull fl;
    bool found;
};

static bool
take_accessed(struct page *page, pte_t *pte, void *arg)
{
    struct accessed *acc = arg;
    pte_t old = pte_change(pte, PTE_A, 0);

    if (old & PTE_A) {
        changed(&acc->fl, page, pte, old & ~PTE_D);
        acc->found = true;
    }
    return false;
}

void
hull_flush(struct unmap_hull *fl)
{
    if (fl->lo < fl->hi) {
        tlb_flush_local(fl->lo, fl->hi - fl->lo);
        (void)tlb_shootdown(fl->harts, fl->lo, fl->hi - fl->lo);
        *fl = (struct unmap_hull)UNMAP_HULL;
    }
}

/* One walk and one flush.  Returns how many entries were skipped. */
static unsigned
walk(struct page *page, bool (*fn)(struct page *page, pte_t *pte, void *arg))
{
    struct unmap_hull fl = UNMAP_HULL;
    unsigned skipped = rmap_walk(page, fn, &fl);

    hull_flush(&fl);
    return skipped;
}

/* cpu_wait() serves requests to this very hart. */
static void
wait_a_moment(void)
{
    irq_off();
    cpu_wait();
    irq_restore();
}

unsigned
try_to_unmap(struct page *page)
{
    return walk(page, clear_one);
}

bool
try_to_evict(struct page *page)
{
    if (atomic_load(&page->mapcount) > 0)
        (void)walk(page, evict_one);
    return atomic_load(&page->mapcount) == 0 && page->mlocks == 0 &&
           page->pins == 0;
}

bool
page_take_accessed_from_all(struct page *page, struct unmap_hull *hull)
{
    struct accessed acc = {.fl = *hull};

    if (atomic_load(&page->mapcount) == 0)
        return false;
    (void)rmap_look(page, take_accessed, &acc);
    *hull = acc.fl;
    return acc.found;
}

uint64_t
pages_take_accessed(struct page **pages, unsigned n)
{
    struct unmap_hull hull = UNMAP_HULL;
    uint64_t used = 0;

    irq_off();
    for (unsigned i = 0; i < n; i++)
        used |= (uint64_t)page_take_accessed(pages[i], &hull) << i;
    irq_restore();
    hull_flush(&hull);
    return used;
}

void
page_unmap(struct page *page)
{
    while (walk(page, clear_one) != 0)
        wait_a_moment();
}

void
pages_mkclean(struct page **pages, unsigned n)
{
    struct unmap_hull fl = UNMAP_HULL;

    for (unsigned i = 0; i < n; i++) {
        while (atomic_load(&pages[i]->mapcount) > 0 &&
               rmap_walk(pages[i], clean_one, &fl) != 0)
            wait_a_moment();
    }
    hull_flush(&fl);
}

void
page_mkclean(struct page *page)
{
    pages_mkclean(&page, 1);
}
