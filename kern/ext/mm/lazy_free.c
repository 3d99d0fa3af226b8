/* lazy_free.c: adds to ext/mm/madvise.c that MADV_FREE waits until memory is
 * short; a first reader may skip it.
 *
 * A page that is freed lazily keeps its place and contents, but is no longer
 * dirty: neither PG_DIRTY nor D in its entry.  A store sets D, and so takes the
 * advice back for this page.  Reclaim may drop the page, without writing it
 * anywhere, if it finds
 *
 *     PG_LAZYFREE, not PG_DIRTY, no D in the entry
 *
 * and clears PG_LAZYFREE if it finds it dirty.  Only pages of this space alone
 * are marked: their entries have W, which a copy of the space takes away. */
#include "ext/mm/mapcalls.h"

static void
mark_lazy(struct vma_struct *vma, pte_t *pte)
{
    pte_t e = pte_load(pte);
    struct page *page;

    if ((e & (PTE_V | PTE_W)) != (PTE_V | PTE_W))
        return;
    page = mapped_page(vma, e);
    if (page == NULL)
        return;
    pte_change(pte, PTE_D, 0);
    atomic_and(&page->flags, ~PG_DIRTY);
    atomic_or(&page->flags, PG_LAZYFREE);
}

static void
mark_area(struct vma_struct *vma, uintptr_t start, uintptr_t end)
{
    while (start < end) {
        unsigned level;
        pte_t *pte = pte_lookup(vma->vm_mm, start, &level);
        uintptr_t span = pte_span(MAX(level, 1u));
        uintptr_t next = MIN(end, ROUND_DOWN(start, span) + span);

        if (level == 0) {
            spin_lock(pte_lock(pte));
            for (uintptr_t va = start; va < next; va += PAGE_SIZE)
                mark_lazy(vma, &pte[(va - start) >> PAGE_SHIFT]);
            spin_unlock(pte_lock(pte));
        }
        start = next;
    }
}

int
free_range(struct mm_struct *mm, uintptr_t start, uintptr_t end,
           struct gather *g)
{
    struct vma_struct *v = find_vma(mm, start);

    for (; v != NULL && v->vm_start < end; v = vma_next(v))
        mark_area(v, MAX(start, v->vm_start), MIN(end, v->vm_end));
    gather_range(g, start, end); /* who remembers D would not set it again */
    return 0;
}
