/* fault.c: what happens between a page fault and the retry.
 *
 * What does the area show at this address?  That, and whether it is a write,
 * chooses the ending:
 *
 *   the area shows            read                   write
 *   ----------------------    ------------------     ----------------------
 *   a private page            do_private_read        do_wp_page: ours alone:
 *                                                    reuse it; else a copy
 *     ... not in memory       do_swap_page           do_swap_page
 *   a page of its object      do_read_fault          do_cow_fault (private)
 *                                                    do_shared_fault (shared)
 *   a frame of a device       do_device_fault        do_device_fault
 *   nothing: zeros            do_zero_page:          do_anonymous_page:
 *                             one for all            a fresh page
 *
 * If the entry allows the access already, another hart was faster (spurious),
 * or this hart only wants A and D set (ad_fix).
 *
 * Everything between gate_enter() and gate_leave() is short and never sleeps.
 * It may fail half-way: what it leaves behind is right anyway.  What is long
 * (I/O, waiting for a busy page, growing a stack) is done by fault_outside(),
 * and then the fault starts over.
 *
 * The rule of private pages: a slot of the layer and the entry that shows it
 * change under one hold of the layer's lock.  So whoever holds it and finds a
 * page in the slot knows that the entry shows this page or nothing; and who
 * finds the slot empty may show what lies below.
 *
 * The page of an anon, too, changes under one lock, its own, when no entry shows
 * it (migrate.c; reclaim): so that lock is held from the look at the page until
 * the entry is stored.  A new page leads to its anon only after that.
 *
 * Publish last: a page is filled and accounted for before its entry is stored
 * (finish_fault), and an entry that others may have read is forgotten by every
 * hart before another frame takes its place, and before the old page goes. */
#include "mm/fault.h"

#include "debug/trace.h"
#include "mm/fault_impl.h"
#include "mm/huge.h"
#include "mm/reclaim.h"
#include "schedule/sched.h"
#include <race.h>

/* Passes without memory before the fault fails; one after which some was got
 * back counts less. */
#define OOM_TRIES   60
#define OOM_IN_VAIN 20

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
 * loser of a race frees its own.  NULL: no memory. */
struct layer *
area_layer(struct vma_struct *vma)
{
    struct layer *mine = layer_create(), *expected = NULL;

    race_point("area-layer");
    if (mine == NULL || atomic_cas(&vma->layer, &expected, mine))
        return mine;
    layer_put(mine, NULL); /* it is empty */
    return expected;
}

/* PAGE, which is the object's, is to be read here, unless a private page came
 * meanwhile. */
unsigned
show_below(struct fault *f, struct page *page)
{
    struct layer *l = f->layer;
    unsigned result = VM_FAULT_RETRY;

    if (l == NULL) /* finish_fault() looks whether there is one now */
        return finish_fault(f, page, area_rights(f) & ~PTE_W);
    spin_lock_off(&l->lock, RANK_LAYER);
    if (layer_find(l, f->index) == NULL)
        result = finish_fault(f, page, area_rights(f) & ~PTE_W);
    spin_unlock_off(&l->lock, RANK_LAYER);
    return result;
}

/* Nothing is there, and the access is a read: zeros that all share. => if the
 * area has a layer, it is locked */
static unsigned
do_zero_page(struct fault *f)
{
    /* LAB 4.5: a load of memory that nobody has written to yet.
     *
     * It sees zeros, and costs no memory: one page of zeros serves all such
     * loads of all processes. Map it so that a store faults again:
     * finish_zero(). Count it as MM_ZERO with note(). */
    note(f, MM_ZERO);
    return finish_zero(f, zero_page);
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 4.5 */
}

/* Nothing is there, and the page will be ours: zeros of our own. */
static unsigned
do_anonymous_page(struct fault *f)
{
    /* LAB 4.4: a store to memory that nobody has written to yet.
     *
     * The address gets a page of its own, full of zeros; what was in that
     * frame before is nobody's business. It is up to date (PG_UPTODATE), and
     * differs from whatever a disk has (PG_DIRTY). Count it as MM_ANON with
     * note(). publish_private() gives it to the layer and maps it, or gives it
     * back. No memory: VM_FAULT_OOM. */
    struct page *page = alloc_zeroed_page();

    if (page == NULL)
        return VM_FAULT_OOM;
    page->flags |= PG_UPTODATE | PG_DIRTY;
    note(f, MM_ANON);
    return publish_private(f, page);
    /* STUB: return VM_FAULT_SIGBUS; */
    /* END 4.4 */
}

/* The page of A is to be read: if nobody ever shared it, who then writes needs no
 * fault, and D of the entry tells. */
static inline uint64_t
read_rights(const struct fault *f, const struct anon *a)
{
    bool ours = a->epoch == f->layer->epoch && !anon_shared(a);

    return ours ? area_rights(f) : area_rights(f) & ~PTE_W;
}

/* The area is private, and the access is a read.  False: the slot is empty, and
 * an object lies below. */
static bool
do_private_read(struct fault *f, unsigned *result)
{
    struct layer *l = f->layer;
    struct anon *a;

    if (l == NULL) {
        if (f->vma->vm_object != NULL)
            return false;
        *result = do_zero_page(f);
        return true;
    }
    spin_lock_off(&l->lock, RANK_LAYER);
    a = layer_find(l, f->index);
    if (a != NULL) {
        spin_lock_off(&a->lock, RANK_ANON);
        *result = likely(anon_page_here(a->page))
                      ? finish_fault(f, a->page, read_rights(f, a))
                      : do_swap_page(f, a);
        spin_unlock_off(&a->lock, RANK_ANON);
    } else if (f->vma->vm_object == NULL) {
        *result = do_zero_page(f);
    }
    spin_unlock_off(&l->lock, RANK_LAYER);
    return a != NULL || f->vma->vm_object == NULL;
}

/* The area is private, and the page will be ours: so the path to its slot is.
 * False: the slot is empty, what fills it lies below. */
static bool
do_private_write(struct fault *f, unsigned *result)
{
    struct layer *l = f->layer == NULL ? area_layer(f->vma) : f->layer;
    unsigned cloned = 0;

    *result = VM_FAULT_OOM;
    if (l == NULL)
        return true;
    f->layer = l;
    f->slot = layer_near(l, f->index);
    f->old = NULL;
    /* Nothing there: publish_private() looks again, under the lock. */
    if (f->slot != NULL && atomic_load(f->slot) == NULL)
        return unlikely(f->mm->scope != NULL) && wants_room(f, result);
    spin_lock_off(&l->lock, RANK_LAYER);
    if (unlikely(f->slot == NULL)) {
        f->slot = layer_walk(l, f->index, &cloned);
        if (cloned != 0)
            mm_count_n(f->mm, MM_LUNSHARE, cloned);
        if (f->slot == NULL) {
            spin_unlock_off(&l->lock, RANK_LAYER);
            return true;
        }
    }
    f->old = *f->slot;
    if (f->old != NULL) {
        *result = do_wp_page(f); /* unlocks */
        return true;
    }
    spin_unlock_off(&l->lock, RANK_LAYER);
    return wants_room(f, result);
}

/* --- the path --- */

/* Is there anything left to do? */
bool
entry_allows(const struct fault *f)
{
    uint64_t want = (f->code & FAULT_WRITE ? PTE_W : 0) |
                    (f->code & FAULT_READ ? PTE_R : 0) |
                    (f->code & FAULT_EXEC ? PTE_X : 0);

    return (f->seen & PTE_V) && (f->seen & want) == want &&
           !(f->code & FAULT_UNSHARE);
}

/* Which area, and may it?  0: yes.  The entry, too, if it is near the last one. */
static unsigned
find_area(struct fault *f)
{
    /* LAB 4.3: which area is this fault in, and does it allow the access?
     *
     * Put the area into f->vma and return 0 if all is well. Else: an address
     * without area is VM_FAULT_SIGSEGV. So is one below the area that was
     * found, unless that is a stack (VM_GROWSDOWN): return what outside(f,
     * DO_STACK, NULL, NULL) says (start over when it has grown). An area without
     * a right that f->code asks for (FAULT_RIGHTS; the bits are those of
     * vm_flags) is VM_FAULT_SIGSEGV | VM_FAULT_ACCERR; FAULT_FORCE, which only
     * tests of the kernel set, passes where the area is not VM_SHARED.
     *
     * find_vma() finds; f->pte = NULL says that nobody knows yet where the
     * entry is. The reference also looks at what this hart found last
     * (place_of()). */
    struct last_place *c = place_of(f->mm);
    struct vma_struct *v;
    uintptr_t va = f->va;

    f->pte = NULL;
    if (likely(c != NULL && c->area->vm_start <= va && va < c->area->vm_end)) {
        v = c->area;
        if (likely(va - c->base < pte_span(1)))
            f->pte = &c->table[pte_index(va, 0)];
    } else {
        v = find_vma_anew(f->mm, va);
    }
    f->vma = v;
    if (v == NULL)
        return VM_FAULT_SIGSEGV;
    if (v->vm_start > va) {
        if (!(v->vm_flags & VM_GROWSDOWN))
            return VM_FAULT_SIGSEGV;
        return outside(f, DO_STACK, NULL, NULL);
    }
    if ((~v->vm_flags & f->code & FAULT_RIGHTS) &&
        !((f->code & FAULT_FORCE) && !(v->vm_flags & VM_SHARED)))
        return VM_FAULT_SIGSEGV | VM_FAULT_ACCERR;
    return 0;
    /* STUB: return VM_FAULT_SIGSEGV; */
    /* END 4.3 */
}

/* Inside the gate. */
static unsigned
handle_mm_fault(struct fault *f)
{
    unsigned result = find_area(f);
    struct vma_struct *v;

    if (result != 0)
        return result;
    if (unlikely(f->vma->vm_flags & huge_flags)) {
        if (huge_fault(f, &result))
            return result;
        f->pte = NULL; /* it used it for another */
    }
    if (f->pte == NULL && (f->pte = get_pte_again(f->mm, f->va)) == NULL)
        return huge_leaf_fault(f);
    f->seen = pte_load(f->pte);
    race_point("seen");
    if (entry_allows(f))
        return ad_fix(f);
    v = f->vma;
    f->layer = atomic_load_acquire(&v->layer);
    f->index = vma_layer_index(v, f->va);
    if (!(v->vm_flags & (VM_SHARED | VM_PFNMAP)) &&
        (wants_own(f) ? do_private_write(f, &result)
                      : do_private_read(f, &result)))
        return result;
    return v->vm_object != NULL ? do_object_fault(f) : do_anonymous_page(f);
}

/* What it did counts only if it did it. */
static NOINLINE void
note_failure(struct fault *f, unsigned result)
{
    note_end(f, result & VM_FAULT_SIGSEGV  ? MM_SEGV
                : result & VM_FAULT_SIGBUS ? MM_SIGBUS
                : result & VM_FAULT_OOM    ? MM_OOM
                                           : MM_RETRY);
}

/* One pass counts as one fault, by how it ended. */
static inline void
count(struct fault *f, unsigned result)
{
    struct mm_struct *mm = f->mm;

    if (unlikely(result & (VM_FAULT_ERROR | VM_FAULT_RETRY)))
        note_failure(f, result);
    mm_count(mm, MM_FLT);
    mm_count(mm, f->end != 0 ? f->end : f->major ? MM_MAJ : MM_MIN);
    if (f->kind != 0)
        mm_count(mm, (enum mmstat_id)f->kind);
    if (f->also != 0)
        mm_count(mm, (enum mmstat_id)f->also);
}

static unsigned
one_pass(struct fault *f)
{
    uint64_t start = unlikely(trace_enabled) ? time_now() : 0;
    struct gate_row *row;
    unsigned result;

    f->todo = 0;
    f->end = f->kind = f->also = 0;
    row = gate_enter_here(&f->mm->gate);
    result = handle_mm_fault(f);
    gate_leave_row(row);
    if (unlikely(f->todo != 0))
        result = fault_outside(f, result);
    if (unlikely(start != 0))
        trace_fault(f, result, start);
    count(f, result);
    return result;
}

/* A pass ended with RESULT.  Is another one worth it? */
static NOINLINE bool
again(struct fault *f, unsigned result)
{
    if ((result & VM_FAULT_OOM) && f->oom < OOM_TRIES) {
        bool got = table_pages_drain() != 0 || reclaim(0) > 0;

        if (!got)
            sched_yield();
        f->oom = (uint8_t)(f->oom + (got ? 1 : OOM_IN_VAIN));
        return true;
    }
    if ((result & VM_FAULT_OOM) && !f->crowded && oom_rescue()) {
        f->oom = 0;
        return true;
    }
    return (result & VM_FAULT_RETRY) != 0 && !f->gave_up;
}

unsigned
do_pgfault(struct mm_struct *mm, unsigned error_code, uintptr_t addr)
{
    struct fault f;
    unsigned result;

    f.mm = mm;
    f.code = error_code;
    f.va = PAGE_DOWN(addr);
    f.so_far = 0;
    do
        result = one_pass(&f);
    while (unlikely(result & (VM_FAULT_RETRY | VM_FAULT_OOM)) &&
           again(&f, result));
    return result | (f.major ? VM_FAULT_MAJOR : 0);
}
