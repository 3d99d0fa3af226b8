/* huge.c: adds leaves of 2 MiB to mm/fault.c; a first reader may skip it.
 *
 * A huge page here is only a huge *entry*.  Its frames lie side by side, but
 * each is an ordinary private page from the start, with its own descriptor,
 * anon, and slot in the layer:
 *
 *     level-1 entry ----> frame 0 | frame 1 | ........ | frame 511
 *           ^               |         |                    |
 *           +--- rmap ------+---------+--------------------+
 *                           |         |                    |
 *     layer, eight leaves: anon      anon                 anon
 *
 * So sharing, copying, discarding, swapping know nothing of it; all they see
 * is 4 KiB.  Splitting changes one table and no owner:
 *
 *     level-1 entry ----> table ----> 512 entries, with the same rights
 *
 * and cannot fail: without memory for the table, the leaf is cleared instead.
 * Tables are only a cache; the next faults map 4 KiB.
 *
 * What it costs is 512 anons and eight nodes, 25 KiB for 2 MiB; docs/design/
 * huge.md weighs that.
 *
 * Locks: whoever turns a leaf into a table holds the lock of the leaf's table
 * until every hart forgot the leaf, and that of the new table, so that nobody
 * who comes from a page changes an entry the harts do not use yet.
 *
 * The locks of 512 anons cannot be held at once, and need not be.  A new leaf:
 * its pages are found by their slots only, under the layer's lock, which is held
 * until the entry is stored.  A leaf that gets W: as long as it is unchanged,
 * under its table's lock, none of its pages was taken away. */
#include "ext/mm/huge.h"
#include "mm/fault_impl.h"
#include "mm/huge.h"

uint32_t huge_flags = VM_HUGE | VM_HUGE_1G;

static size_t
leaf_pages(unsigned level)
{
    return pte_span(level) >> PAGE_SHIFT;
}

/* --- a leaf becomes smaller ones --- */

/* What TABLE, empty and locked, shows instead of leaf E.  The hart may still set
 * A and D in E; it does not matter, they are set below. */
static void
divide(pte_t *e, pte_t *table)
{
    unsigned level = pte_level(table);
    pte_t leaf = pte_load(e), rights = leaf & PTE_FLAGS;
    size_t per_entry = leaf_pages(level);
    struct page *page = pa_to_page(pte_pa(leaf));

    rights |= PTE_A | (leaf & PTE_W ? PTE_D : 0);
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        pte_install(&table[i], pte_make(page_to_pa(page), rights));
        for (size_t n = 0; n < per_entry; n++)
            rmap_replace(page++, e, &table[i]);
    }
    atomic_store_release(e, pte_make(va_to_pa(table), PTE_V));
}

/* Leaf E goes; its pages stay with their owners. */
static void
clear_leaf(pte_t *e)
{
    size_t pages = leaf_pages(pte_level(e));
    pte_t old = pte_clear(e);
    struct page *page = pa_to_page(pte_pa(old));

    atomic_add(&pte_mm(e)->rss, -(int64_t)pages);
    for (; pages > 0; pages--, page++) {
        if (old & PTE_D)
            atomic_or(&page->flags, PG_DIRTY);
        rmap_remove(page, e);
    }
}

/* => E is a leaf, its table is locked */
static void
split(pte_t *e)
{
    struct mm_struct *mm = pte_mm(e);
    unsigned level = pte_level(e);
    uintptr_t va = pte_va(e);
    pte_t *table = table_create(mm, va, level - 1);
    struct gather g;

    if (table == NULL)
        clear_leaf(e);
    else if (spin_trylock_nested(pte_lock(table))) /* new: nobody has it */
        divide(e, table);
    mm_count(mm, MM_HSPLIT);
    gather_start(&g, mm);
    gather_range(&g, va, va + pte_span(level));
    gather_flush(&g);
    if (table != NULL)
        spin_unlock_nested(pte_lock(table));
}

void
huge_break(pte_t *pte)
{
    split(pte);
    spin_unlock_nested(pte_lock(pte));
}

uintptr_t
huge_each(struct vma_struct *vma, pte_t *pte, unsigned level, uintptr_t start,
          uintptr_t end,
          void (*fn)(struct vma_struct *vma, pte_t *pte, size_t pages))
{
    uintptr_t base = ROUND_DOWN(start, pte_span(level));
    uintptr_t next = base + pte_span(level);
    pte_t e;

    spin_lock(pte_lock(pte));
    e = pte_load(pte);
    if (pte_is_table(e)) {
        next = start; /* split meanwhile: look again */
    } else if (pte_is_leaf(e) && start == base && next <= end) {
        fn(vma, pte, leaf_pages(level));
    } else if (pte_is_leaf(e)) {
        split(pte);
        next = start;
    }
    spin_unlock(pte_lock(pte));
    return next;
}

/* --- a fault below a leaf --- */

static bool
leaf_in_area(const struct vma_struct *v, uintptr_t base, unsigned level)
{
    return v->vm_start <= base && base < v->vm_end &&
           v->vm_end - base >= pte_span(level);
}

/* Are the pages of the leaf at BASE the private pages of F's area, and not
 * shared with anybody?  Then so are the paths to them. => layer locked */
static bool
all_ours(struct fault *f, uintptr_t base, size_t pages)
{
    struct page *page = pa_to_page(pte_pa(f->seen));
    uint64_t index = vma_layer_index(f->vma, base);
    struct anon **slot = NULL;
    unsigned cloned = 0;
    bool ours = true;

    for (size_t i = 0; i < pages && ours; i++, index++, page++, slot++) {
        if (i == 0 || index % LNODE_SLOTS == 0)
            slot = layer_slot(f->layer, index, &cloned);
        ours = slot != NULL && *slot != NULL &&
               atomic_load(&(*slot)->page) == page && !anon_shared(*slot);
    }
    mm_count_n(f->mm, MM_LUNSHARE, cloned);
    return ours;
}

/* A write, and only W is missing: all of the leaf may get it, or nothing. */
static bool
reuse_leaf(struct fault *f, unsigned level)
{
    uintptr_t base = ROUND_DOWN(f->va, pte_span(level));
    bool done = false;

    f->layer = atomic_load_acquire(&f->vma->layer);
    if (f->layer == NULL || !(f->code & FAULT_WRITE) ||
        !(area_rights(f) & PTE_W) || level > 1 ||
        !leaf_in_area(f->vma, base, level))
        return false;
    spin_lock(&f->layer->lock);
    if (all_ours(f, base, leaf_pages(level))) {
        spin_lock(pte_lock(f->pte));
        done = ((pte_load(f->pte) ^ f->seen) & ~(PTE_A | PTE_D)) == 0;
        if (done)
            pte_change(f->pte, 0, PTE_W | PTE_A | PTE_D);
        spin_unlock(pte_lock(f->pte));
    }
    spin_unlock(&f->layer->lock);
    if (done) {
        note(f, MM_REUSE);
        sfence_vma_page(f->va);
    }
    return done;
}

/* F->va lies below E, at LEVEL, a leaf a moment ago.  False: it is none any
 * more, so 4 KiB. */
static bool
use_leaf(struct fault *f, pte_t *e, unsigned level, unsigned *result)
{
    f->pte = e;
    f->seen = pte_load(e);
    if (!pte_is_leaf(f->seen))
        return false;
    if (entry_allows(f)) {
        *result = ad_fix(f);
        return true;
    }
    if (reuse_leaf(f, level)) {
        *result = VM_FAULT_NOPAGE;
        return true;
    }
    spin_lock(pte_lock(e));
    if (pte_is_leaf(pte_load(e)))
        split(e);
    spin_unlock(pte_lock(e));
    return false;
}

unsigned
huge_leaf_fault(struct fault *f)
{
    unsigned level, result;
    pte_t *e = pte_lookup(f->mm, f->va, &level);

    if (level > 0 && pte_load(e) == 0)
        return VM_FAULT_OOM;
    return use_leaf(f, e, level, &result) ? result : VM_FAULT_RETRY;
}

/* --- a new leaf --- */

/* The frames of an allocated block become independent, each with one
 * reference. */
static void
split_block(struct page *first, size_t pages)
{
    for (struct page *p = first; p < first + pages; p++) {
        atomic_store(&p->flags, PG_UPTODATE | PG_DIRTY);
        p->ref = 1;
    }
}

void
huge_page_free(struct page *first, size_t pages)
{
    for (struct page *p = first; p < first + pages; p++) {
        p->rmap = 0;
        p->mapcount = 0;
        if (p->owner != 0)
            anon_put((struct anon *)p->owner);
        else
            page_put(p);
    }
}

struct page *
huge_page_alloc(unsigned level, uint32_t epoch)
{
    size_t pages = leaf_pages(level);
    struct page *first = alloc_pages(level * PTE_INDEX_BITS);

    if (first == NULL)
        return NULL;
    split_block(first, pages);
    for (struct page *p = first; p < first + pages; p++)
        p->owner = 0;
    for (struct page *p = first; p < first + pages; p++) {
        if (anon_create(p, epoch) == NULL) {
            huge_page_free(first, pages);
            return NULL;
        }
    }
    for (struct page *p = first; p < first + pages; p++)
        page_zero(page_to_va(p));
    return first;
}

/* Are there paths to PAGES empty slots from INDEX on? => layer locked */
static bool
make_slots(struct fault *f, uint64_t index, size_t pages)
{
    uint64_t end = index + pages;
    unsigned cloned = 0;
    bool empty = true;

    while (empty && index < end) {
        struct anon **slot = layer_slot(f->layer, index, &cloned);

        empty = slot != NULL;
        while (empty && index < end) {
            empty = *slot++ == NULL;
            if (++index % LNODE_SLOTS == 0)
                break;
        }
    }
    mm_count_n(f->mm, MM_LUNSHARE, cloned);
    return empty;
}

/* Every page goes into its slot, and will be mapped by E. => layer locked */
static void
fill_slots(struct fault *f, uint64_t index, struct page *first, size_t pages,
           pte_t *e)
{
    struct anon **slot = NULL;
    unsigned cloned = 0;

    for (size_t i = 0; i < pages; i++, index++, slot++) {
        if (i == 0 || index % LNODE_SLOTS == 0)
            slot = layer_slot(f->layer, index, &cloned);
        first[i].rmap = (uintptr_t)e; /* nobody can come from it yet */
        first[i].mapcount = 1;
        layer_set(f->layer, index, slot, (struct anon *)first[i].owner);
    }
}

bool
huge_page_map(struct fault *f, struct page *first, unsigned level)
{
    uintptr_t base = ROUND_DOWN(f->va, pte_span(level));
    uint64_t index = vma_layer_index(f->vma, base);
    pte_t *e = get_pte_at(f->mm, base, level, true);
    size_t pages = leaf_pages(level);
    bool done;

    if (e == NULL)
        return false;
    spin_lock(&f->layer->lock);
    done = make_slots(f, index, pages);
    if (done) {
        spin_lock(pte_lock(e));
        done = pte_load(e) == 0;
        if (done) {
            fill_slots(f, index, first, pages, e);
            atomic_add(&f->mm->rss, (int64_t)pages);
            pte_install(
                e, pte_make(page_to_pa(first), area_rights(f) | PTE_A | PTE_D));
        }
        spin_unlock(pte_lock(e));
    }
    spin_unlock(&f->layer->lock);
    return done;
}

bool
huge_area(const struct vma_struct *v, uintptr_t base, unsigned level)
{
    const uint32_t never =
        VM_SHARED | VM_PFNMAP | VM_NOHUGE | VM_LOCKED | VM_GROWSDOWN;

    return v->vm_object == NULL && (v->vm_flags & VM_WRITE) &&
           !(v->vm_flags & never) && leaf_in_area(v, base, level);
}

/* The layer of F's area; makes it if there is none. */
static bool
with_layer(struct fault *f)
{
    f->layer = atomic_load_acquire(&f->vma->layer);
    if (f->layer == NULL)
        f->layer = area_layer(f->vma);
    return f->layer != NULL;
}

/* Is there a private page already?  Then a leaf cannot be made: its entry was
 * cleared, and 4 KiB at a time come back. */
static bool
has_private(struct fault *f)
{
    bool has;

    spin_lock(&f->layer->lock);
    has = layer_find(f->layer, vma_layer_index(f->vma, f->va)) != NULL;
    spin_unlock(&f->layer->lock);
    return has;
}

/* 2 MiB of zeros, if there is such a block; whatever goes wrong, 4 KiB may do. */
static bool
do_huge_anon(struct fault *f)
{
    struct page *first;

    if (!with_layer(f) || has_private(f))
        return false;
    first = huge_page_alloc(1, f->layer->epoch);
    if (first == NULL)
        return false;
    if (!huge_page_map(f, first, 1)) {
        huge_page_free(first, leaf_pages(1));
        return false;
    }
    note(f, MM_HMAP);
    sfence_vma_page(f->va);
    return true;
}

bool
huge_fault(struct fault *f, unsigned *result)
{
    pte_t *e, seen;

    if (f->mm->scope != NULL || /* a quota is of pages */
        !huge_area(f->vma, ROUND_DOWN(f->va, pte_span(1)), 1))
        return false;
    e = get_pte_at(f->mm, f->va, 1, true);
    if (e == NULL)
        return false; /* no memory, or a leaf above */
    seen = pte_load(e);
    if (pte_is_leaf(seen))
        return use_leaf(f, e, 1, result);
    if (seen != 0 || !wants_own(f) || !do_huge_anon(f))
        return false;
    *result = VM_FAULT_NOPAGE;
    return true;
}
