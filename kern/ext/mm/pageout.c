/* pageout.c: adds MADV_PAGEOUT to ext/mm/madvise.c: private pages of a range leave
 * memory now; a first reader may skip it.
 *
 * As in Linux, pages that a relative has, too, stay; so do pages of objects, which
 * reclaim throws out when it needs them. */
#include "ext/mm/mapcalls.h"
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

void
page_out_range(struct mm_struct *mm, uintptr_t addr, uintptr_t end)
{
    struct page *pages[BATCH];

    while (addr < end) {
        unsigned n = collect(mm, &addr, end, pages);

        (void)swap_out_these(mm->scope != NULL ? mm->scope : &swap_global,
                             pages, n);
    }
}
