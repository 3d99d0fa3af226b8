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
 * The same rule as for the fault itself: each page is locked (tried: who is
 * busy is left out) from the look to the store; nothing is put where a private
 * page is or anything is mapped; the layer's lock keeps private pages away.
 * A is set: where the hart cannot set it itself, each page would fault else. */
#include "ext/mm/pagers.h"
#include "mm/fault_impl.h"

unsigned fault_around_pages = 16;

#define AROUND_MAX 64

struct around {
    unsigned n;
    struct neighbour {
        struct page *page; /* locked, with a reference */
        uintptr_t va;
        struct rmap_block *spare;
    } at[AROUND_MAX];
};

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

static pte_t *
entry_at(const struct fault *f, uintptr_t va)
{
    return f->pte + ((intptr_t)(va - f->va) >> PAGE_SHIFT);
}

/* The page at INDEX, locked and with a reference, if it can be mapped now. */
static struct page *
ready_page(struct vm_object *obj, uint64_t index)
{
    struct page *page = object_find(obj, index);

    if (page == NULL)
        return NULL;
    if (page_trylock(page)) {
        if (object_owns(obj, page) &&
            (atomic_load(&page->flags) & PG_UPTODATE) &&
            index < object_pages(obj))
            return page;
        page_unlock(page);
    }
    page_put(page);
    return NULL;
}

static void
collect(struct fault *f, struct around *a)
{
    uintptr_t va, end;

    a->n = 0;
    for (window(f, &va, &end); va < end; va += PAGE_SIZE) {
        struct neighbour *nb = &a->at[a->n];

        if (va == f->va || pte_load(entry_at(f, va)) != 0)
            continue;
        nb->page = ready_page(f->vma->vm_object, vma_object_index(f->vma, va));
        if (nb->page == NULL)
            continue;
        nb->va = va;
        nb->spare =
            atomic_load(&nb->page->mapcount) > 0 ? rmap_block_alloc() : NULL;
        a->n++;
    }
}

/* => table locked, and the layer if there is one */
static bool
map_one(struct fault *f, struct neighbour *nb, uint64_t rights)
{
    pte_t *pte = entry_at(f, nb->va);

    if (pte_load(pte) != 0)
        return false;
    if (f->layer != NULL &&
        layer_find(f->layer, vma_layer_index(f->vma, nb->va)) != NULL)
        return false;
    if (rmap_add(nb->page, pte, &nb->spare) != 0)
        return false;
    if (f->vma->vm_flags & VM_LOCKED)
        rmap_mlock(nb->page, 1);
    pte_install(pte, pte_make(page_to_pa(nb->page), rights | around_bits()));
    return true;
}

/* Returns how many were mapped. */
static unsigned
map_all(struct fault *f, struct around *a)
{
    struct spinlock *lock = pte_lock(f->pte);
    uint64_t rights = area_rights(f) & ~PTE_W;
    unsigned mapped = 0;

    if (f->layer != NULL)
        spin_lock(&f->layer->lock);
    spin_lock(lock);
    /* A layer that came meanwhile may hold pages, and we have not locked it. */
    if (atomic_load_acquire(&f->vma->layer) == f->layer) {
        for (unsigned i = 0; i < a->n; i++)
            mapped += map_one(f, &a->at[i], rights);
    }
    spin_unlock(lock);
    if (f->layer != NULL)
        spin_unlock(&f->layer->lock);
    return mapped;
}

void
do_fault_around(struct fault *f)
{
    struct around a;
    unsigned mapped;

    if (fault_around_pages <= 1)
        return;
    collect(f, &a);
    if (a.n == 0)
        return;
    mapped = map_all(f, &a);
    atomic_add(&f->mm->rss, (int64_t)mapped);
    mm_count_n(f->mm, MM_AROUND, mapped);
    for (unsigned i = 0; i < a.n; i++) {
        rmap_block_free(a.at[i].spare);
        page_unlock(a.at[i].page);
        page_put(a.at[i].page);
    }
}
