/* fork_eager.c: adds a head start for the child to mm/mm_copy.c; a first reader
 * may skip it.
 *
 * A copied space has no entries: each page it reads costs a fault.  A child
 * that runs on will read what its parent used last, so the first private pages
 * of each area that the parent maps are mapped in the child, too, without W.
 * How many, the knob fork_eager says; 0 shows what copying really costs.  When
 * memory is short it stops: faults will do it. */
#include "ext/mm/knob.h"
#include "mm/rmap.h"
#include "mm/space.h"

unsigned fork_eager = 32;

/* Map in CHILD's area C, at VA, its private page, as the parent's entry E does.
 * False: no memory. */
static bool
map_one(struct vma_struct *c, uintptr_t va, pte_t e)
{
    pte_t *pte = get_pte(c->vm_mm, va, true);
    struct rmap_block *spare;
    struct anon *a;
    bool ok = false;

    if (pte == NULL)
        return false;
    spare = rmap_block_alloc();
    spin_lock(&c->layer->lock);
    a = layer_find(c->layer, vma_layer_index(c, va));
    if (a != NULL && a->page == pa_to_page(pte_pa(e))) {
        spin_lock(pte_lock(pte));
        ok = rmap_add(a->page, pte, &spare) == 0;
        if (ok) {
            atomic_add(&c->vm_mm->rss, 1l);
            pte_install(pte, e & ~(PTE_W | PTE_D));
        }
        spin_unlock(pte_lock(pte));
    }
    spin_unlock(&c->layer->lock);
    rmap_block_free(spare);
    return ok;
}

/* Does entry E show a private page of its space? */
static bool
is_private(pte_t e)
{
    const struct page *page = pa_to_page(pte_pa(e));

    return !(page->flags & (PG_ZERO | PG_RESERVED)) && page->owner != 0 &&
           (page->owner & PAGE_OWNER_TAG) == PAGE_OWNER_ANON;
}

static void
copy_some(struct mm_struct *mm, struct vma_struct *c, unsigned n)
{
    uintptr_t va = c->vm_start;

    while (va < c->vm_end && n > 0) {
        unsigned level;
        pte_t *pte = pte_lookup(mm, va, &level);
        uintptr_t end = ROUND_DOWN(va, pte_span(MAX(level, 1u)));

        end = MIN(end + pte_span(MAX(level, 1u)), c->vm_end);
        for (; level == 0 && va < end && n > 0; va += PAGE_SIZE, pte++) {
            pte_t e = pte_load(pte);

            if (!pte_is_leaf(e) || !is_private(e))
                continue;
            n--;
            if (!map_one(c, va, e))
                return;
        }
        va = end;
    }
}

void
copy_eagerly(struct mm_struct *mm, struct mm_struct *child)
{
    unsigned n = atomic_load(&fork_eager);

    if (n == 0)
        return;
    list_for_each_entry (c, &child->mmap_list, struct vma_struct, list_link) {
        if (c->layer != NULL && !(c->vm_flags & (VM_SHARED | VM_PFNMAP)))
            copy_some(mm, c, n);
    }
}

static const struct knob eager_knob = {
    .name = "fork_eager",
    .help = "private pages of each area mapped in a copied space at once",
    .value = &fork_eager,
    .max = 1u << 20,
};
TABLE_ADD(knob, eager_knob);
