/* pginfo.c: adds all that is known about one page of a space to mm/vmm.h; a
 * first reader may skip it.
 *
 * What the entry says, what its frame says, and what the layer says, at one
 * moment: the gate is held. */
#include "ext/mm/memnode.h"
#include "ext/mm/observe.h"
#include <errno.h>

/* X(bit of an entry or of a page, bit here) */
#define ENTRY_BITS(X)  \
    X(PTE_R, READ)     \
    X(PTE_W, WRITE)    \
    X(PTE_X, EXEC)     \
    X(PTE_U, USER)     \
    X(PTE_A, ACCESSED) \
    X(PTE_D, DIRTY)
#define PAGE_BITS(X)           \
    X(PG_LOCKED, LOCKED)       \
    X(PG_UPTODATE, UPTODATE)   \
    X(PG_ERROR, ERROR)         \
    X(PG_WRITEBACK, WRITEBACK) \
    X(PG_ZERO, ZERO)           \
    X(PG_DIRTY, DIRTY)

static void
about_page(const struct page *page, struct pginfo *info)
{
    uint32_t flags = atomic_load(&page->flags);

#define X(bit, name) info->flags |= flags & (bit) ? PGINFO_##name : 0;
    PAGE_BITS(X)
#undef X
    info->mapcount = (uint32_t)atomic_load(&page->mapcount);
    info->pins = atomic_load(&page->pins);
    info->node = (uint16_t)memnode_of(page);
    if ((page->owner & PAGE_OWNER_TAG) == PAGE_OWNER_OBJECT) {
        info->flags |= PGINFO_OBJECT;
        info->index = page->index;
    }
}

/* Entry E, which is a leaf. */
static void
about_entry(const struct vma_struct *v, pte_t e, struct pginfo *info)
{
    uint64_t inside = info->va & (pte_span(info->level) - 1);

    info->flags |= PGINFO_PRESENT;
#define X(bit, name) info->flags |= e & (bit) ? PGINFO_##name : 0;
    ENTRY_BITS(X)
#undef X
    info->frame = (pte_pa(e) + inside) >> PAGE_SHIFT;
    if (v != NULL && (v->vm_flags & VM_PFNMAP))
        info->flags |= PGINFO_DEVICE;
    else
        about_page(pa_to_page(pte_pa(e) + inside), info);
}

/* What only swap is behind has a slot, too, perhaps. */
static void
about_shared(struct vma_struct *v, struct pginfo *info)
{
    struct vm_object *obj = v->vm_object;
    uint64_t index = vma_object_index(v, info->va), at = index;
    struct page *page;
    swp_t slot;

    if (obj == NULL || !obj->ops->swap ||
        !object_next_any(obj, &at, &page, &slot))
        return;
    if (at == index)
        info->slot = slot;
    if (page != NULL)
        page_put(page);
}

static void
about_private(struct vma_struct *v, struct pginfo *info)
{
    struct layer *l = atomic_load_acquire(&v->layer);
    struct anon *a;

    if (l == NULL)
        return;
    spin_lock(&l->lock);
    a = layer_find(l, vma_layer_index(v, info->va));
    if (a != NULL) {
        info->flags |= PGINFO_ANON;
        info->anon_share = (uint32_t)atomic_load(&a->ref);
        info->epoch = a->epoch;
        info->slot = a->slot == SWP_ZEROS ? 0 : a->slot;
        if (a->page != NULL && !(info->flags & PGINFO_PRESENT))
            about_page(a->page, info);
    }
    spin_unlock(&l->lock);
}

int
pginfo(struct mm_struct *mm, uintptr_t va, struct pginfo *info)
{
    struct vma_struct *v;
    unsigned level;
    pte_t e;

    if (va >= user_end())
        return -EFAULT;
    *info = (struct pginfo){.va = PAGE_DOWN(va)};
    gate_enter(&mm->gate);
    v = find_vma(mm, va);
    if (v != NULL && v->vm_start > va)
        v = NULL;
    e = pte_load(pte_lookup(mm, va, &level));
    if (pte_is_leaf(e)) {
        info->level = (uint8_t)level;
        about_entry(v, e, info);
    }
    if (v != NULL) {
        info->flags |= PGINFO_AREA;
        about_shared(v, info);
        about_private(v, info);
    }
    gate_leave(&mm->gate);
    return 0;
}
