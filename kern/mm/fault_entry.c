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

#include "mm/huge.h"
#include "mm/space.h"
#include <race.h>

bool (*hint_hook)(struct mm_struct *mm, uintptr_t va);

static inline bool
shows(pte_t entry, const struct page *page)
{
    return (entry & PTE_V) && pte_pa(entry) == page_to_pa(page);
}

/* What is to be shown. */
enum page_kind {
    PAGE_ANY,
    PAGE_NEW,  /* private, and nobody maps it yet */
    PAGE_ZEROS /* the zero page */
};

/* The frame of PAGE gives way to another.  => TABLE locked, and all who could
 * store this entry are kept out by the layer's lock */
static void
retire_entry(struct fault *f, struct page *table)
{
    pte_t was = pte_clear_in(table, f->pte);
    struct page *old = pa_to_page(pte_pa(was));

    if (keeps_records(old)) {
        if (was & PTE_D) /* W went, D stayed: see wrprotect_one() */
            atomic_or(&old->flags, PG_DIRTY);
        if (f->vma->vm_flags & VM_LOCKED)
            rmap_mlock(old, -1);
        rmap_remove(old, f->pte);
        atomic_add(&f->mm->rss, -1l);
    }
    gather_flush_page(f->mm, f->va);
    race_point("retired");
}

/* PAGE is recorded and ENTRY stored where nothing is.  => TABLE locked */
static inline __attribute__((always_inline)) unsigned
store_entry(struct fault *f, struct page *table, struct page *page, pte_t entry,
            enum page_kind kind, struct rmap_block **spare)
{
    if (kind == PAGE_NEW || (kind == PAGE_ANY && keeps_records(page))) {
        if (kind == PAGE_NEW)
            rmap_first(page, f->pte);
        else if (rmap_add(page, f->pte, spare) != 0)
            return VM_FAULT_OOM;
        if (unlikely(f->vma->vm_flags & VM_LOCKED))
            rmap_mlock(page, 1);
        atomic_add(&f->mm->rss, 1l);
    }
    pte_install_in(table, f->pte, entry);
    if (unlikely(hint_hook != NULL) && hint_hook(f->mm, f->va))
        mm_count(f->mm, MM_HINT);
    return VM_FAULT_NOPAGE;
}

/* The entry showed this page already, as WAS, and got what was missing. */
static inline unsigned
updated(struct fault *f, pte_t was, pte_t entry)
{
    if (unlikely((was | entry) == was))
        note_end(f, MM_SPUR);
    mm_count(f->mm, MM_TLB_LOC);
    return VM_FAULT_NOPAGE;
}

/* Under the lock of the entry's TABLE. */
static inline __attribute__((always_inline)) unsigned
set_entry(struct fault *f, struct page *table, struct page *page, pte_t entry,
          enum page_kind kind, struct rmap_block **spare)
{
    pte_t e = pte_load(f->pte);

    race_point("entry-locked");
    if ((e & PTE_V) && !shows(e, page) && wants_own(f)) {
        retire_entry(f, table);
        e = 0;
    }
    if (f->layer == NULL && atomic_load_acquire(&f->vma->layer) != NULL)
        return VM_FAULT_RETRY; /* somebody began to own pages here */
    if (!(e & PTE_V))
        return store_entry(f, table, page, entry, kind, spare);
    if (kind == PAGE_NEW || !shows(e, page))
        return VM_FAULT_RETRY;
    return updated(f, pte_give(f->pte, entry), entry);
}

/* Compiled into all who call it, as it is a third of what a fault does. */
static inline __attribute__((always_inline)) unsigned
set_entry_locked(struct fault *f, struct page *page, pte_t entry,
                 enum page_kind kind, struct rmap_block **spare)
{
    struct page *table = pte_table(f->pte);
    unsigned result;

    race_point("finish");
    spin_lock_off(table_lock(table), RANK_PTE);
    result = set_entry(f, table, page, entry, kind, spare);
    spin_unlock_off(table_lock(table), RANK_PTE);
    sfence_vma_page(f->va);
    return result;
}

/* Others map PAGE, too: rmap_add() may need a block, and refuses without one. */
static NOINLINE unsigned
set_another_entry(struct fault *f, struct page *page, pte_t entry)
{
    struct rmap_block *spare = rmap_block_alloc();
    unsigned result = set_entry_locked(f, page, entry, PAGE_ANY, &spare);

    if (spare != NULL)
        rmap_block_free(spare);
    return result;
}

/* What is to be stored for PAGE. */
static inline pte_t
entry_for(const struct fault *f, const struct page *page, uint64_t rights)
{
    if ((f->code & FAULT_WRITE) && (rights & PTE_W))
        rights |= PTE_D;
    return pte_make(page_to_pa(page), rights | PTE_A);
}

static NOINLINE unsigned
set_any_entry(struct fault *f, struct page *page, pte_t entry)
{
    struct rmap_block *none = NULL;
    unsigned result;

    if (unlikely(entry & PTE_X))
        mm_sync_code(f->mm);
    if (rmap_wants_block(page) && !shows(f->seen, page))
        return set_another_entry(f, page, entry);
    result = set_entry_locked(f, page, entry, PAGE_ANY, &none);
    /* No block: relatives mapped it just now, or this entry was cleared. */
    return result == VM_FAULT_OOM ? VM_FAULT_RETRY : result;
}

/* The entry shows PAGE, and is as it was when we looked: add what is missing, in
 * one step and without a lock. */
static inline bool
add_rights(struct fault *f, pte_t entry)
{
    pte_t was = f->seen;

    race_point("finish");
    if (unlikely(ad_encode != NULL) || !atomic_cas(f->pte, &was, was | entry))
        return false;
    (void)updated(f, was, entry);
    sfence_vma_page(f->va);
    return true;
}

unsigned
finish_fault(struct fault *f, struct page *page, uint64_t rights)
{
    pte_t entry = entry_for(f, page, rights);

    if (shows(f->seen, page) && !(entry & PTE_X) && add_rights(f, entry))
        return VM_FAULT_NOPAGE;
    return set_any_entry(f, page, entry);
}

unsigned
finish_zero(struct fault *f, struct page *zeros)
{
    pte_t entry = entry_for(f, zeros, area_rights(f) & ~PTE_W);

    if (unlikely(entry & PTE_X))
        return set_any_entry(f, zeros, entry);
    return set_entry_locked(f, zeros, entry, PAGE_ZEROS, NULL);
}

/* PAGE, filled and ours to give, becomes the private page of this address in
 * place of F->old (NULL: of nothing), unless the world moved meanwhile.  Who
 * comes from the page finds no owner before the entry shows it, and so leaves it
 * where it is. */
unsigned
publish_private(struct fault *f, struct page *page)
{
    struct layer *l = f->layer;
    struct anon *a = anon_new(page, l->epoch), *goes = a;
    unsigned result = VM_FAULT_RETRY;
    pte_t entry;

    if (a == NULL) {
        page_put(page);
        return VM_FAULT_OOM;
    }
    entry = entry_for(f, page, owner_rights(f));
    if (unlikely(entry & PTE_X))
        mm_sync_code(f->mm);
    race_point("publish");
    spin_lock_off(&l->lock, RANK_LAYER);
    if (*f->slot == f->old && (f->old == NULL || anon_shared(f->old))) {
        goes = f->old;
        if (f->old == NULL)
            layer_set(l, f->index, f->slot, a);
        else
            atomic_store(f->slot, a);
        result = set_entry_locked(f, page, entry, PAGE_NEW, NULL);
        race_point("shown");
        if (unlikely(f->mm->scope != NULL))
            note_swappable(f, page);
        anon_own(a, page);
    }
    spin_unlock_off(&l->lock, RANK_LAYER);
    if (goes != NULL) /* no hart knows its page any more: set_entry() */
        anon_put(goes);
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
        (void)updated(f, pte_give(f->pte, entry), entry);
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
    note_end(f, (was & bits) == bits ? MM_SPUR : MM_ADFIX);
    sfence_vma_page(f->va);
    return VM_FAULT_NOPAGE;
}

/* --- what is linked --- */

/* kern/ext/mm/huge.c, if linked, takes the place of these three. */
WEAK uint32_t huge_flags;

WEAK bool
huge_fault(struct fault *f, unsigned *result)
{
    return false;
}

WEAK unsigned
huge_leaf_fault(struct fault *f)
{
    return VM_FAULT_OOM;
}

/* Replaced by kern/ext/mm/mmtrace.c.  => outside the gate */
WEAK void
trace_fault(const struct fault *f, unsigned result, uint64_t start)
{
}
