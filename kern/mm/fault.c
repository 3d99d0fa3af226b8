/* fault.c: what happens between a page fault and the retry.
 *
 * Two questions choose the ending: what does the area show at this address,
 * and what does the page-table entry hold now?
 *
 *   the area shows        entry empty                 present, but no write
 *   ---------------       ------------------------    ----------------------
 *   a private page        do_swap_page or map it      do_wp_page: reuse, copy
 *   a page of its object  do_read_fault               do_cow_fault
 *                         do_cow_fault (write)        do_shared_fault
 *                         do_shared_fault (write)
 *   nothing: zeros        do_anonymous_page           do_anonymous_page
 *                           read: the zero page         (zero page, write)
 *                           write: a fresh page
 *   a device              do_device_fault
 *
 * If the entry allows the access already, another hart served it first
 * (spurious), or this hart only wants A and D set (ad_fix).
 *
 * Everything between gate_enter() and gate_leave() is short, never sleeps, and
 * may fail half-way: it leaves nothing behind but what is right anyway.  What
 * is long (I/O, waiting for a busy page, growing a stack) happens outside, by
 * fault_outside(), and then the fault starts over.
 *
 * Publish last: a page is filled and accounted for before its entry is stored;
 * after that a local fence, in case this hart remembers that there was none.
 * Replace last, too: when an entry that others may have read goes to another
 * frame, it is cleared, every hart forgets it, and only then the new one is
 * stored, and only then is the old page's reference dropped. */
#include "mm/fault.h"

#include "mm/fault_impl.h"

static struct page *zero_page;

void
fault_init(void)
{
    zero_page = alloc_zeroed_page();
    if (zero_page == NULL)
        boot_refuse("memory: not enough for the zero page");
    zero_page->flags |= PG_ZERO | PG_UPTODATE;
}

/* The area's layer; made at the first private write, outside all locks, and the
 * loser of a race frees its own. */
static struct layer *
area_layer(struct fault *f)
{
    struct layer *l = atomic_load_acquire(&f->vma->layer), *expected = NULL;

    if (l != NULL)
        return l;
    l = layer_create();
    if (l == NULL)
        return NULL;
    if (!atomic_cas(&f->vma->layer, &expected, l)) {
        struct gather none;

        gather_start(&none, f->mm);
        layer_put(l, &none);
        gather_finish(&none);
        l = expected;
    }
    return l;
}

/* Own PAGE (fresh, filled; ours to give) as the private page of this address,
 * where the layer has nothing yet.  *RESULT is set if that did not work. */
bool
own_page(struct fault *f, struct page *page, unsigned *result)
{
    struct layer *l = area_layer(f);
    struct anon *a = l == NULL ? NULL : anon_create(page, l->epoch);
    uint64_t index = vma_layer_index(f->vma, f->va);
    struct anon **slot = NULL;
    unsigned cloned = 0;

    if (a == NULL) {
        page_put(page);
        *result = VM_FAULT_OOM;
        return false;
    }
    spin_lock(&l->lock);
    slot = layer_slot(l, index, &cloned);
    if (slot != NULL && *slot == NULL) {
        layer_set(l, index, slot, a);
        spin_unlock(&l->lock);
        return true;
    }
    spin_unlock(&l->lock);
    anon_put(a);
    *result = slot == NULL ? VM_FAULT_OOM : VM_FAULT_RETRY; /* was faster */
    return false;
}

/* Nothing is there: zeros. */
static unsigned
do_anonymous_page(struct fault *f)
{
    struct gather g;
    struct page *page;
    unsigned result;

    if (!wants_write(f)) {
        note(f, MM_ZERO);
        return finish_fault(f, NULL, make_entry(f, zero_page, read_rights(f)));
    }
    page = alloc_zeroed_page();
    if (page == NULL)
        return VM_FAULT_OOM;
    page->flags |= PG_UPTODATE | PG_DIRTY;
    if (!own_page(f, page, &result))
        return result;
    note(f, MM_ANON);
    /* From here on the page is private. */
    if (f->seen & PTE_V) {
        gather_start(&g, f->mm);
        retire_entry(f, &g);
    }
    return finish_fault(f, page,
                        make_entry(f, page, pte_rights(f->vma->vm_flags)));
}

/* The private page A is ours alone and in memory: let the entry write to it. */
static unsigned
reuse_page(struct fault *f, struct page *page)
{
    pte_t entry = make_entry(f, page, pte_rights(f->vma->vm_flags));
    struct spinlock *lock = pte_lock(f->pte);
    bool mapped;

    spin_lock(lock);
    mapped = (*f->pte & PTE_V) && pte_pa(*f->pte) == page_to_pa(page);
    if (mapped)
        atomic_store(f->pte, entry | (*f->pte & PTE_D));
    spin_unlock(lock);
    note(f, MM_REUSE);
    if (!mapped)
        return finish_fault(f, page, entry);
    sfence_vma_page(f->va);
    mm_count(f->mm, MM_TLB_LOC);
    return VM_FAULT_NOPAGE;
}

/* Put NEW (a copy of OLD's page) into the slot that still holds OLD; OLD's
 * reference moves into G.  False: the world moved. */
static bool
swap_slot_owner(struct layer *l, uint64_t index, struct anon *old,
                const struct page *page, struct anon *new, struct gather *g)
{
    unsigned cloned = 0;
    struct anon **slot;
    bool same;

    spin_lock(&l->lock);
    slot = layer_slot(l, index, &cloned);
    same = slot != NULL && *slot == old && old->page == page &&
           anon_shared(old);
    if (same) {
        *slot = new;
        gather_anon(g, old);
    }
    spin_unlock(&l->lock);
    return same;
}

/* OLD is shared with a relative: a write gets its own copy.  PAGE is OLD's page,
 * with a reference of ours, so that it stays while we copy. */
static unsigned
copy_page(struct fault *f, struct layer *l, struct anon *old,
          struct page *page)
{
    struct page *fresh = alloc_pages(0);
    struct anon *new;
    struct gather g;

    if (fresh == NULL)
        return VM_FAULT_OOM;
    page_copy(page_to_va(fresh), page_to_va(page));
    fresh->flags |= PG_UPTODATE | PG_DIRTY;
    new = anon_create(fresh, l->epoch);
    if (new == NULL) {
        page_put(fresh);
        return VM_FAULT_OOM;
    }
    gather_start(&g, f->mm);
    if (!swap_slot_owner(l, vma_layer_index(f->vma, f->va), old, page, new,
                         &g)) {
        anon_put(new);
        return VM_FAULT_RETRY;
    }
    note(f, MM_COW);
    if (f->seen & PTE_V)
        retire_entry(f, &g);
    gather_finish(&g);
    return finish_fault(f, fresh,
                        make_entry(f, fresh, pte_rights(f->vma->vm_flags))) |
           VM_FAULT_DONE_COW;
}

/* The page of A is not in memory.  Swap plugs in here (mm/swap.c). */
static unsigned
do_swap_page(struct fault *f, struct anon *a)
{
    return VM_FAULT_SIGBUS;
}

/* A private page is there, and its entry does not allow the write, or there is
 * no entry. */
static unsigned
do_wp_page(struct fault *f, struct layer *l)
{
    unsigned cloned = 0, result;
    struct anon **slot, *a;
    struct page *page;

    spin_lock(&l->lock);
    slot = layer_slot(l, vma_layer_index(f->vma, f->va), &cloned);
    if (slot == NULL || *slot == NULL) {
        spin_unlock(&l->lock);
        return slot == NULL ? VM_FAULT_OOM : VM_FAULT_RETRY;
    }
    atomic_add(&f->mm->stat[MM_LUNSHARE], (uint64_t)cloned);
    a = *slot;
    spin_lock(&a->lock);
    page = a->page;
    if (page == NULL) {
        result = do_swap_page(f, a);
        spin_unlock(&a->lock);
        spin_unlock(&l->lock);
        return result;
    }
    if (!anon_shared(a)) {
        /* Nobody can share it again while we hold the layer. */
        result = reuse_page(f, page);
        spin_unlock(&a->lock);
        spin_unlock(&l->lock);
        return result;
    }
    page_get(page);
    spin_unlock(&a->lock);
    spin_unlock(&l->lock);
    result = copy_page(f, l, a, page);
    page_put(page);
    return result;
}

/* A private page is read. */
static unsigned
do_private_read(struct fault *f, struct layer *l)
{
    unsigned result;
    struct anon *a;

    spin_lock(&l->lock);
    a = layer_find(l, vma_layer_index(f->vma, f->va));
    if (a == NULL) {
        spin_unlock(&l->lock);
        return VM_FAULT_RETRY;
    }
    spin_lock(&a->lock);
    result = a->page == NULL ? do_swap_page(f, a)
                             : finish_fault(f, a->page,
                                            make_entry(f, a->page,
                                                       read_rights(f)));
    spin_unlock(&a->lock);
    spin_unlock(&l->lock);
    return result;
}

/* --- the path --- */

static bool
has_private(struct fault *f, struct layer *l)
{
    bool found;

    if (l == NULL)
        return false;
    spin_lock(&l->lock);
    found = layer_find(l, vma_layer_index(f->vma, f->va)) != NULL;
    spin_unlock(&l->lock);
    return found;
}

/* The entry is present: is there anything left to do? */
static bool
entry_allows(const struct fault *f)
{
    uint64_t want = (f->code & FAULT_WRITE ? PTE_W : 0) |
                    (f->code & FAULT_READ ? PTE_R : 0) |
                    (f->code & FAULT_EXEC ? PTE_X : 0);

    return (f->seen & PTE_V) && (f->seen & want) == want;
}

/* Inside the gate. */
static unsigned
handle_mm_fault(struct fault *f)
{
    struct layer *l;

    f->vma = find_vma(f->mm, f->va);
    if (f->vma == NULL)
        return VM_FAULT_SIGSEGV;
    if (f->vma->vm_start > f->va) {
        if (!(f->vma->vm_flags & VM_GROWSDOWN))
            return VM_FAULT_SIGSEGV;
        return outside(f, DO_STACK, NULL, NULL);
    }
    if (~f->vma->vm_flags & f->code & FAULT_RIGHTS)
        return VM_FAULT_SIGSEGV | VM_FAULT_ACCERR;
    f->pte = get_pte(f->mm, f->va, true);
    if (f->pte == NULL)
        return VM_FAULT_OOM;
    f->seen = atomic_load(f->pte);
    if (entry_allows(f))
        return ad_fix(f);
    if ((f->seen & PTE_V) && !wants_write(f)) {
        struct gather g; /* rights were added: fill it anew */

        gather_start(&g, f->mm);
        retire_entry(f, &g);
        f->seen = 0;
    }
    l = atomic_load_acquire(&f->vma->layer);
    if (has_private(f, l))
        return wants_write(f) ? do_wp_page(f, l) : do_private_read(f, l);
    if (f->vma->vm_object != NULL)
        return do_object_fault(f);
    return do_anonymous_page(f);
}

/* One pass counts as one fault, by how it ended. */
static void
count(struct fault *f, unsigned result)
{
    enum mmstat_id end = f->major ? MM_MAJ : MM_MIN;

    if (result & VM_FAULT_SIGSEGV)
        end = MM_SEGV;
    else if (result & VM_FAULT_SIGBUS)
        end = MM_SIGBUS;
    else if (result & VM_FAULT_OOM)
        end = MM_OOM;
    else if (result & VM_FAULT_RETRY)
        end = MM_RETRY;
    else if (f->kinds >> MM_SPUR & 1)
        end = MM_SPUR;
    else if (f->kinds >> MM_ADFIX & 1)
        end = MM_ADFIX;
    mm_count(f->mm, end);
    f->kinds &= ~(1u << end);
    for (; f->kinds != 0; f->kinds &= f->kinds - 1)
        mm_count(f->mm, (enum mmstat_id)__builtin_ctz(f->kinds));
}

unsigned
do_pgfault(struct mm_struct *mm, unsigned error_code, uintptr_t addr)
{
    struct fault f = {.mm = mm, .code = error_code, .va = PAGE_DOWN(addr)};
    unsigned result;

    for (;;) {
        mm_count(mm, MM_FLT);
        gate_enter(&mm->gate);
        result = handle_mm_fault(&f);
        gate_leave(&mm->gate);
        count(&f, result);
        if (f.todo != 0) {
            unsigned end = fault_outside(&f);

            if (end != 0)
                return end;
        }
        if (!(result & VM_FAULT_RETRY))
            return result | (f.major ? VM_FAULT_MAJOR : 0);
    }
}
