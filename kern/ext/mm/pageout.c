/* pageout.c: adds MADV_PAGEOUT to ext/mm/madvise.c: pages of a range that have only
 * swap behind them leave memory now; a first reader may skip it.
 *
 * As in Linux, pages that a relative has, too, stay, and shared ones that others map;
 * so do pages of files, which reclaim throws out when it needs them. */
#include "ext/mm/mapcalls.h"
#include "mm/reclaim.h"
#include "mm/swap.h"

/* At most so many at once, and addresses looked at inside the gate. */
#define BATCH   32u
#define AT_ONCE 256ul

/* The page of A, with a reference, if only its space has it; or NULL. */
static struct page *
page_of(struct anon *a)
{
    struct page *page;

    if (a == NULL || anon_shared(a))
        return NULL;
    spin_lock(&a->lock);
    page = a->page;
    if (page != NULL)
        page_get(page);
    spin_unlock(&a->lock);
    return page;
}

/* => inside the gate, V not huge there */
static struct page *
page_at(struct vma_struct *v, uintptr_t addr)
{
    struct layer *l = atomic_load_acquire(&v->layer);
    struct page *page;

    if (l == NULL)
        return NULL;
    spin_lock(&l->lock);
    page = page_of(layer_find(l, vma_layer_index(v, addr)));
    spin_unlock(&l->lock);
    return page;
}

/* The next pages from *ADDR on, which moves to where to go on. */
static unsigned
collect(struct mm_struct *mm, uintptr_t *addr, uintptr_t end,
        struct page **pages)
{
    uintptr_t stop = MIN(end, *addr + AT_ONCE * PAGE_SIZE);
    unsigned n = 0;

    gate_enter(&mm->gate);
    for (; *addr < stop && n < BATCH; *addr += PAGE_SIZE) {
        struct vma_struct *v = find_vma(mm, *addr);

        if (v == NULL)
            *addr = end - PAGE_SIZE;
        else if (v->vm_start <= *addr)
            pages[n] = page_at(v, *addr);
        else
            continue;
        n += v != NULL && pages[n] != NULL;
    }
    gate_leave(&mm->gate);
    return n;
}

/* The pages of shared memory from *ADDR on, in one area, that nobody else maps; *OBJ
 * has them, with a reference, or is NULL. */
static unsigned
collect_shared(struct mm_struct *mm, uintptr_t *addr, uintptr_t end,
               struct page **pages, struct vm_object **obj)
{
    struct vma_struct *v;
    unsigned n = 0;

    *obj = NULL;
    gate_enter(&mm->gate);
    v = find_vma(mm, *addr);
    *addr = v == NULL ? end : MAX(*addr, v->vm_start);
    end = v == NULL ? end : MIN(end, v->vm_end);
    if (*addr < end && (v->vm_flags & VM_SHARED) && v->vm_object != NULL &&
        v->vm_object->ops->swap) {
        *obj = v->vm_object;
        object_get(*obj);
    } else {
        *addr = MAX(*addr, end);
    }
    for (; *addr < end && n < BATCH; *addr += PAGE_SIZE) {
        pages[n] = object_find_off(*obj, vma_object_index(v, *addr));
        if (pages[n] != NULL && atomic_load(&pages[n]->mapcount) > 1)
            page_put(pages[n]);
        else
            n += pages[n] != NULL;
    }
    gate_leave(&mm->gate);
    return n;
}

static void
page_out_shared(struct mm_struct *mm, uintptr_t addr, uintptr_t end)
{
    struct page *pages[BATCH];
    struct vm_object *obj;

    while (addr < end) {
        unsigned n = collect_shared(mm, &addr, end, pages, &obj);

        if (obj == NULL)
            continue;
        (void)object_evict_some(obj, pages, n);
        while (n > 0)
            page_put(pages[--n]);
        object_put(obj);
    }
}

void
page_out_range(struct mm_struct *mm, uintptr_t addr, uintptr_t end)
{
    struct page *pages[BATCH];

    page_out_shared(mm, addr, end);
    while (addr < end) {
        unsigned n = collect(mm, &addr, end, pages);

        (void)swap_out_these(mm->scope != NULL ? mm->scope : &swap_global,
                             pages, n);
    }
}
