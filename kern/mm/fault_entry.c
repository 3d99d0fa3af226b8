/* fault_entry.c: how an entry comes and goes during a fault.
 *
 * Publish last: the page is filled and accounted for, then its entry is stored,
 * then this hart forgets that there was none.  Replace last, too: an entry that
 * others may have read is cleared, every hart forgets it, and only then the
 * new one is stored and the old page's reference dropped. */
#include "mm/fault_impl.h"

/* Clear the entry we saw and have every hart forget it; what goes away with it
 * is in G.  False: it changed meanwhile. */
bool
retire_entry(struct fault *f, struct gather *g)
{
    struct spinlock *lock = pte_lock(f->pte);
    struct page *old = pa_to_page(pte_pa(f->seen));
    bool same;

    spin_lock(lock);
    same = pte_pa(*f->pte) == pte_pa(f->seen) && (*f->pte & PTE_V);
    if (same) {
        pte_t e = pte_clear(f->pte);

        if (e & PTE_D)
            atomic_or(&old->flags, PG_DIRTY);
        if (!(old->flags & PG_ZERO) && !(f->vma->vm_flags & VM_PFNMAP)) {
            rmap_remove(old, f->pte);
            atomic_add(&f->mm->rss, -1l);
        }
    }
    spin_unlock(lock);
    gather_range(g, f->va, f->va + PAGE_SIZE);
    gather_finish(g);
    return same;
}

/* Store ENTRY, which maps PAGE, where there is none.  PAGE NULL: a frame that
 * keeps no records. */
unsigned
finish_fault(struct fault *f, struct page *page, pte_t entry)
{
    struct spinlock *lock = pte_lock(f->pte);
    struct rmap_block *spare = NULL;
    unsigned result = VM_FAULT_NOPAGE;

    if (page != NULL && page->mapcount > 0)
        spare = rmap_block_alloc(); /* without one, rmap_add() may refuse */
    spin_lock(lock);
    if (*f->pte != 0)
        note(f, MM_SPUR);
    else if (page != NULL && rmap_add(page, f->pte, &spare) != 0)
        result = VM_FAULT_OOM;
    else
        pte_install(f->pte, entry);
    if (result == VM_FAULT_NOPAGE && page != NULL && !(f->kinds >> MM_SPUR & 1))
        atomic_add(&f->mm->rss, 1l);
    spin_unlock(lock);
    rmap_block_free(spare);
    sfence_vma_page(f->va);
    return result;
}

/* A and D are missing, nothing else: set them as the hart would have. */
unsigned
ad_fix(struct fault *f)
{
    uint64_t bits = PTE_A | (wants_write(f) ? PTE_D : 0);

    if ((atomic_or(f->pte, bits) & bits) != bits)
        note(f, MM_ADFIX);
    else
        note(f, MM_SPUR);
    sfence_vma_page(f->va);
    return VM_FAULT_NOPAGE;
}
