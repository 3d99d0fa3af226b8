/* mincore.c: adds mincore to mm/mmap.c; a first reader may skip it.
 *
 * A page is in memory if an entry maps it, or if the fault would find it
 * there: in the layer, else in the object.  Pages that would be zeros are not
 * in memory before they are touched. */
#include "ext/mm/mapcalls.h"
#include <errno.h>

/* Pages looked at before the gate is left for a moment: interrupts are off. */
#define AT_ONCE 64

static bool
entry_maps(struct mm_struct *mm, uintptr_t va)
{
    unsigned level;
    pte_t *pte = pte_lookup(mm, va, &level);

    return pte != NULL && pte_is_leaf(pte_load(pte));
}

/* *PRIVATE: there is a private page, in memory or not. */
static bool
layer_has(struct vma_struct *v, uintptr_t va, bool *private)
{
    struct layer *l = __atomic_load_n(&v->layer, __ATOMIC_ACQUIRE);
    struct anon *a;
    bool there;

    *private = false;
    if (l == NULL)
        return false;
    spin_lock(&l->lock);
    a = layer_find(l, vma_layer_index(v, va));
    *private = a != NULL;
    if (a != NULL)
        spin_lock(&a->lock);
    there = a != NULL && anon_page_here(a->page);
    if (a != NULL)
        spin_unlock(&a->lock);
    spin_unlock(&l->lock);
    return there;
}

static bool
object_has(struct vma_struct *v, uintptr_t va)
{
    struct vm_object *obj = v->vm_object;
    uint64_t index = vma_object_index(v, va);
    struct page *page;
    bool there;

    if (obj == NULL)
        return false;
    if (obj->ops->frame != NULL && obj->ops->frame(obj, index) != 0)
        return true;
    page = object_find(obj, index);
    if (page == NULL)
        return false;
    there = atomic_load(&page->flags) & PG_UPTODATE;
    page_put(page);
    return there;
}

static bool
in_memory(struct vma_struct *v, uintptr_t va)
{
    bool private;

    if (entry_maps(v->vm_mm, va) || layer_has(v, va, &private))
        return true;
    return !private && object_has(v, va);
}

int
do_mincore(struct mm_struct *mm, uintptr_t addr, size_t len, unsigned char *vec)
{
    uintptr_t end = addr + PAGE_UP(len);

    if (addr & PAGE_MASK)
        return -EINVAL;
    if (addr > user_end() || len > user_end() - addr)
        return -ENOMEM;
    while (addr < end) {
        uintptr_t stop = MIN(end, addr + AT_ONCE * PAGE_SIZE);
        struct vma_struct *v = NULL;

        gate_enter(&mm->gate);
        for (; addr < stop; addr += PAGE_SIZE) {
            v = find_vma(mm, addr);
            if (v == NULL || v->vm_start > addr)
                break;
            *vec++ = in_memory(v, addr);
        }
        gate_leave(&mm->gate);
        if (addr < stop)
            return -ENOMEM;
    }
    return 0;
}
