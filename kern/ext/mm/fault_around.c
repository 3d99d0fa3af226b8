/* fault_around.c: adds to mm/fault_object.c; a first reader may skip it.
 *
 * A read fault that finds its page in memory maps the neighbours, too, that are
 * there already: a program that runs through its text takes one fault for
 * sixteen pages.  The window is FAULT_AROUND_PAGES long, aligned to its length,
 * and clipped to the area, to the object, and to one page table:
 *
 *        table                                   table
 *     ---|---------------------------------------|------
 *              [   area               ]
 *          |       |   window   |       |
 *                   . x . X x . x          x  in the cache, nothing mapped yet
 *
 * The fault itself locks its page from the look to the store.  For neighbours a
 * cheaper way leads to the same: the object's lock keeps them in the cache, and
 * rmap_try_add() records an entry only if nobody has the page locked at that
 * moment.  Who locks it later and unmaps it finds the record, and waits for our
 * table.  Nothing is put where a private page is or anything is mapped; the
 * layer's lock keeps private pages away.  A is set: where the hart cannot set it
 * itself, each page would fault else. */
#include "ext/mm/pagers.h"
#include "mm/fault_impl.h"

unsigned fault_around_pages = 16;

#define AROUND_MAX 64

/* The window around F->va as [*START, *END). */
static void
window(const struct fault *f, uintptr_t *start, uintptr_t *end)
{
    uintptr_t size = MIN(fault_around_pages, AROUND_MAX) * PAGE_SIZE;
    uintptr_t table = ROUND_DOWN(f->va, pte_span(1));

    *start = MAX(f->va - f->va % size, MAX(f->vma->vm_start, table));
    *end = MIN(f->va - f->va % size + size,
               MIN(f->vma->vm_end, table + pte_span(1)));
}

/* Others map the page, too, or it stays in memory with us.  *SPARE is a block for
 * its records, or NULL. */
static NOINLINE bool
record_slow(struct fault *f, struct page *page, pte_t *pte,
            struct rmap_block **spare)
{
    if (*spare == NULL && rmap_wants_block(page))
        *spare = rmap_block_alloc();
    return rmap_try_add(page, pte, spare, f->vma->vm_flags & VM_LOCKED);
}

/* Is a private page at entry PTE? */
static inline bool
is_private(const struct fault *f, pte_t *pte)
{
    return unlikely(f->layer != NULL) &&
           layer_find(f->layer, f->index + (uint64_t)(pte - f->pte)) != NULL;
}

/* Map the N pages in SLOT, if they are there, at PTE and behind.  Returns how
 * many were.  => as map_cached() */
static unsigned
map_slots(struct fault *f, struct page **slot, pte_t *pte, unsigned n)
{
    pte_t bits = pte_make(0, (area_rights(f) & ~PTE_W) | around_bits());
    bool alone = (f->vma->vm_flags & VM_LOCKED) == 0;
    struct rmap_block *spare = NULL;
    unsigned mapped = 0;

    for (pte_t *end = pte + n; pte < end; pte++, slot++) {
        struct page *page = *slot;

        if (page == NULL || atomic_load(pte) != 0 || is_private(f, pte) ||
            !((alone && rmap_try_few(page, pte)) ||
              record_slow(f, page, pte, &spare)))
            continue;
        pte_store_new(pte, pte_make(page_to_pa(page), 0) | bits);
        mapped++;
    }
    if (spare != NULL)
        rmap_block_free(spare);
    return mapped;
}

/* What of [START, END) is in the cache.  Returns how many were mapped.
 * => object, table and the layer if there is one locked */
static unsigned
map_cached(struct fault *f, uintptr_t start, uintptr_t end)
{
    unsigned n = 1, mapped = 0;

    for (; start < end && n > 0; start += n * PAGE_SIZE) {
        pte_t *pte = f->pte + ((intptr_t)(start - f->va) >> PAGE_SHIFT);
        void **slot;

        n = (unsigned)((end - start) >> PAGE_SHIFT);
        slot = object_slots(f->vma->vm_object, vma_object_index(f->vma, start),
                            &n);
        if (slot != NULL)
            mapped += map_slots(f, (struct page **)slot, pte, n);
    }
    return mapped;
}

void
do_fault_around(struct fault *f)
{
    struct vm_object *obj = f->vma->vm_object;
    struct page *table = pte_table(f->pte); /* we are inside the gate */
    uintptr_t start, end;
    unsigned mapped = 0;

    if (fault_around_pages <= 1)
        return;
    window(f, &start, &end);
    spin_lock_off(&obj->lock, RANK_OBJECT);
    if (f->layer != NULL)
        spin_lock_off(&f->layer->lock, RANK_LAYER);
    spin_lock_off(table_lock(table), RANK_PTE);
    /* A layer that came meanwhile may hold pages, and we have not locked it. */
    if (atomic_load_acquire(&f->vma->layer) == f->layer)
        mapped = map_cached(f, start, end);
    pte_count(table, (int)mapped);
    spin_unlock_off(table_lock(table), RANK_PTE);
    if (f->layer != NULL)
        spin_unlock_off(&f->layer->lock, RANK_LAYER);
    spin_unlock_off(&obj->lock, RANK_OBJECT);
    if (mapped > 0) {
        atomic_add(&f->mm->rss, (int64_t)mapped);
        mm_count_n(f->mm, MM_AROUND, mapped);
    }
}
