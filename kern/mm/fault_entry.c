/* fault_entry.c: the last step of a fault, the entry itself.
 *
 *   the entry holds       it becomes
 *   ------------------    ------------------------------------------------
 *   nothing               the new one; the page learns of it first
 *   this very page        what it was, and the new rights
 *   another frame         nothing; every hart forgets; then the new one
 *                         (only a write may do so: it owns the address)
 *
 * A hart may remember that there was no entry, so it forgets that afterwards.
 * Other harts that do take one more, spurious fault. */
#include "mm/fault_impl.h"

#include "mm/space.h"
#include <race.h>

bool (*hint_hook)(struct mm_struct *mm, uintptr_t va);

/* The frame of PAGE gives way to another.  => table locked, and all who could
 * store this entry are kept out by the layer's lock */
static void
retire_entry(struct fault *f)
{
    pte_t was = pte_clear(f->pte);
    struct page *old = pa_to_page(pte_pa(was));
    struct gather g;

    if (keeps_records(old)) {
        if (was & PTE_D) /* W went, D stayed: see wrprotect_one() */
            atomic_or(&old->flags, PG_DIRTY);
        if (f->vma->vm_flags & VM_LOCKED)
            rmap_mlock(old, -1);
        rmap_remove(old, f->pte);
        atomic_add(&f->mm->rss, -1l);
    }
    gather_start(&g, f->mm);
    gather_range(&g, f->va, f->va + PAGE_SIZE);
    gather_flush(&g);
    race_point("retired");
}

/* Store ENTRY for PAGE where nothing is.  => table locked */
static unsigned
store_entry(struct fault *f, struct page *page, pte_t entry,
            struct rmap_block **spare)
{
    if (keeps_records(page)) {
        if (rmap_add(page, f->pte, spare) != 0)
            return VM_FAULT_OOM;
        if (f->vma->vm_flags & VM_LOCKED)
            rmap_mlock(page, 1);
        atomic_add(&f->mm->rss, 1l);
    }
    pte_install(f->pte, entry);
    if (unlikely(hint_hook != NULL) && hint_hook(f->mm, f->va))
        note(f, MM_HINT);
    return VM_FAULT_NOPAGE;
}

/* The entry shows this page already: it gets what is missing. */
static unsigned
update_entry(struct fault *f, pte_t entry)
{
    pte_t was = pte_change(f->pte, 0, entry);

    if ((was | entry) == was)
        note(f, MM_SPUR);
    mm_count(f->mm, MM_TLB_LOC);
    return VM_FAULT_NOPAGE;
}

unsigned
finish_fault(struct fault *f, struct page *page, uint64_t rights)
{
    pte_t e, entry = pte_make(page_to_pa(page), rights | PTE_A);
    struct spinlock *lock = pte_lock(f->pte);
    struct rmap_block *spare = NULL;
    bool mapped = atomic_load(&page->mapcount) > 0;
    unsigned result = VM_FAULT_NOPAGE;

    if ((f->code & FAULT_WRITE) && (rights & PTE_W))
        entry |= PTE_D;
    if (entry & PTE_X)
        mm_sync_code(f->mm);
    if (mapped) /* without one, rmap_add() may refuse */
        spare = rmap_block_alloc();
    race_point("finish");
    spin_lock(lock);
    e = pte_load(f->pte);
    race_point("entry-locked");
    if ((e & PTE_V) && pte_pa(e) != page_to_pa(page) && wants_own(f)) {
        retire_entry(f);
        e = 0;
    }
    if (f->layer == NULL && atomic_load_acquire(&f->vma->layer) != NULL)
        result = VM_FAULT_RETRY; /* somebody began to own pages here */
    else if (!(e & PTE_V))
        result = store_entry(f, page, entry, &spare);
    else if (pte_pa(e) == page_to_pa(page))
        result = update_entry(f, entry);
    else
        result = VM_FAULT_RETRY;
    spin_unlock(lock);
    if (unlikely(spare != NULL))
        rmap_block_free(spare);
    sfence_vma_page(f->va);
    if (result == VM_FAULT_OOM && !mapped)
        return VM_FAULT_RETRY; /* a relative mapped it just now */
    return result;
}

/* A frame of a device: nobody keeps records of it, and an address never changes
 * to another. */
unsigned
finish_frame(struct fault *f, pte_t entry)
{
    struct spinlock *lock = pte_lock(f->pte);

    spin_lock(lock);
    if (pte_load(f->pte) & PTE_V)
        (void)update_entry(f, entry);
    else
        pte_install(f->pte, entry);
    spin_unlock(lock);
    sfence_vma_page(f->va);
    return VM_FAULT_NOPAGE;
}

/* A and D are missing, nothing else: set them as the hart would have. */
unsigned
ad_fix(struct fault *f)
{
    uint64_t bits = PTE_A | (f->code & FAULT_WRITE ? PTE_D : 0);
    struct spinlock *lock = pte_lock(f->pte);
    pte_t was;

    spin_lock(lock);
    was = pte_load(f->pte);
    if (was == f->seen) /* else it went away meanwhile: fault again */
        was = pte_change(f->pte, 0, bits);
    spin_unlock(lock);
    note(f, (was & bits) == bits ? MM_SPUR : MM_ADFIX);
    sfence_vma_page(f->va);
    return VM_FAULT_NOPAGE;
}
