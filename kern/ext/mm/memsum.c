/* memsum.c: adds sums over the pages of areas to mm/vmm.h; a first reader may skip
 * it.
 *
 * What is mapped is what entries say; what is on swap, what the layer's tree says,
 * of which only the nodes that exist are looked at. */
#include "ext/mm/memsum.h"

#include "mm/rmap.h"
#include "mm/swap.h"

#define ONE 4096ul

/* --- what is mapped --- */

static void
add_page(struct memsum *sum, struct page *page, pte_t e)
{
    uint32_t flags = atomic_load(&page->flags);
    uint64_t users = (uint64_t)MAX(atomic_load(&page->mapcount), 1);
    bool dirty = (e & PTE_D) || (flags & PG_DIRTY);

    sum->rss++;
    sum->share += ONE / users;
    sum->referenced += (e & PTE_A) != 0;
    sum->anonymous += (page->owner & PAGE_OWNER_TAG) == PAGE_OWNER_ANON;
    sum->lazy_free += (flags & PG_LAZYFREE) != 0;
    if (users > 1)
        *(dirty ? &sum->shared_dirty : &sum->shared_clean) += 1;
    else
        *(dirty ? &sum->private_dirty : &sum->private_clean) += 1;
}

/* Part of a block of memory that one entry maps: it is private to its users. */
static void
add_block(struct memsum *sum, uint64_t pages, pte_t e)
{
    sum->rss += pages;
    sum->share += pages * ONE;
    sum->anonymous += pages;
    sum->huge += pages;
    sum->private_dirty += pages;
    sum->referenced += e & PTE_A ? pages : 0;
}

static void
add_entry(struct memsum *sum, pte_t e, unsigned level, uint64_t pages)
{
    struct page *page = pa_to_page(pte_pa(e));

    if (level > 0)
        add_block(sum, pages, e);
    else if (!(atomic_load(&page->flags) & PG_ZERO))
        add_page(sum, page, e);
}

static void
add_mapped(struct vma_struct *v, struct memsum *sum)
{
    uintptr_t va = v->vm_start, next;

    for (; va < v->vm_end; va = next) {
        unsigned level;
        pte_t e = pte_load(pte_lookup(v->vm_mm, va, &level));

        next = MIN((va | (pte_span(level) - 1)) + 1, v->vm_end);
        if (pte_is_leaf(e))
            add_entry(sum, e, level, (next - va) >> PAGE_SHIFT);
    }
}

/* --- what is on swap --- */

static void
add_anon(struct memsum *sum, struct anon *a)
{
    spin_lock(&a->lock);
    if (a->page == NULL && a->slot != 0 && a->slot != SWP_ZEROS) {
        sum->swap++;
        sum->swap_share += ONE / (uint64_t)MAX(atomic_load(&a->ref), 1);
    }
    spin_unlock(&a->lock);
}

/* The anons at [FIRST, LAST] below N, whose own first index is BASE. */
static void
add_below(const struct lnode *n, uint64_t base, uint64_t first, uint64_t last,
          struct memsum *sum)
{
    uint64_t span = 1ul << n->bits;

    for (unsigned i = 0; i <= n->last; i++, base += span) {
        if (n->slot[i].node == NULL || base > last || base + span - 1 < first)
            continue;
        if (n->level == 0)
            add_anon(sum, n->slot[i].anon);
        else
            add_below(n->slot[i].node, base, first, last, sum);
    }
}

static void
add_swapped(struct vma_struct *v, struct memsum *sum)
{
    struct layer *l = v->layer;
    uint64_t mask;

    if (l == NULL || l->root == NULL || swap_slots_used() == 0)
        return;
    mask = ((l->root->last + 1ul) << l->root->bits) - 1;
    add_below(l->root, l->origin & ~mask, v->lpgoff,
              v->lpgoff + vma_pages(v) - 1, sum);
}

uint64_t
memsum_object(struct vm_object *obj, uint64_t first, uint64_t last)
{
    struct page *page;
    uint64_t n = 0;
    swp_t slot;

    if (!obj->ops->swap || swap_slots_used() == 0)
        return 0;
    for (uint64_t i = first; object_next_any(obj, &i, &page, &slot); i++) {
        if (page != NULL)
            page_put(page);
        if (i > last)
            break;
        n += page == NULL;
    }
    return n;
}

/* Shared pages belong to all who map them, and only to sums of areas. */
static void
add_swapped_shared(struct vma_struct *v, struct memsum *sum)
{
    uint64_t first = vma_object_index(v, v->vm_start);

    if (v->vm_object != NULL && (v->vm_flags & VM_SHARED))
        sum->swap +=
            memsum_object(v->vm_object, first, first + vma_pages(v) - 1);
}

void
memsum_area(struct vma_struct *v, struct memsum *sum)
{
    uint64_t before = sum->rss;

    sum->size += vma_pages(v);
    if (!(v->vm_flags & VM_PFNMAP))
        add_mapped(v, sum);
    if (v->vm_flags & VM_LOCKED)
        sum->locked += sum->rss - before;
    add_swapped(v, sum);
    add_swapped_shared(v, sum);
}

uint64_t
memsum_swapped(struct mm_struct *mm)
{
    struct memsum sum = {0};

    if (swap_slots_used() == 0)
        return 0;
    gate_close(&mm->gate);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link)
        add_swapped(v, &sum);
    gate_open(&mm->gate);
    return sum.swap;
}
