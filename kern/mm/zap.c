/* zap.c: taking entries away, or rights from them, a range at a time.
 *
 * Each entry is cleared under its table's lock, its record in the reverse map
 * with it; what it knew (D) goes into the page.  The frames stay with their
 * owners: page tables are only a cache. */
#include "mm/huge.h"
#include "mm/mmap.h"
#include "mm/rmap.h"

struct page *
mapped_page(const struct vma_struct *vma, pte_t e)
{
    struct page *page;

    if (vma->vm_flags & VM_PFNMAP)
        return NULL;
    page = pa_to_page(pte_pa(e));
    return atomic_load(&page->flags) & (PG_ZERO | PG_RESERVED) ? NULL : page;
}

static void
zap_one(struct vma_struct *vma, pte_t *pte, size_t pages)
{
    pte_t old = pte_clear(pte);
    struct page *page = mapped_page(vma, old);

    if (page == NULL)
        return;
    atomic_add(&vma->vm_mm->rss, -(int64_t)pages);
    for (; pages > 0; pages--, page++) {
        if ((old & PTE_D) && !(atomic_load(&page->flags) & PG_DIRTY))
            atomic_or(&page->flags, PG_DIRTY);
        if (unlikely(vma->vm_flags & VM_LOCKED))
            rmap_mlock(page, -1);
        rmap_remove(page, pte);
    }
}

/* kern/ext/mm/huge.c, if linked, takes its place: an entry with nothing below is
 * skipped, with all it translates. */
WEAK uintptr_t
huge_each(struct vma_struct *vma, pte_t *pte, unsigned level, uintptr_t start,
          uintptr_t end,
          void (*fn)(struct vma_struct *vma, pte_t *pte, size_t pages))
{
    return ROUND_DOWN(start, pte_span(level)) + pte_span(level);
}

/* Call RUN for the entries PTE .. LAST of each table of level 0 in [START, END),
 * which is locked meanwhile, and FN for a leaf above.  False: there was no table
 * at all, so no hart can know anything of the range.
 * Compiled once for each RUN: a call per page would be most of the work. */
static inline __attribute__((always_inline)) bool
for_each_table(struct vma_struct *vma, uintptr_t start, uintptr_t end,
               void (*run)(struct vma_struct *vma, pte_t *pte, pte_t *last),
               void (*fn)(struct vma_struct *vma, pte_t *pte, size_t pages))
{
    bool any = false;

    while (start < end) {
        unsigned level;
        pte_t *pte = pte_lookup(vma->vm_mm, start, &level);
        uintptr_t next = ROUND_DOWN(start, pte_span(1)) + pte_span(1);
        struct spinlock *lock;

        if (level > 0 && atomic_load(pte) == 0) {
            start = ROUND_DOWN(start, pte_span(level)) + pte_span(level);
            continue;
        }
        any = true;
        if (level > 0) {
            start = huge_each(vma, pte, level, start, end, fn);
            continue;
        }
        next = MIN(next, end);
        lock = pte_lock(pte);
        spin_lock(lock);
        run(vma, pte, pte + ((next - start) >> PAGE_SHIFT));
        spin_unlock(lock);
        start = next;
    }
    return any;
}

static inline __attribute__((always_inline)) void
for_each_entry(struct vma_struct *vma, pte_t *pte, pte_t *last,
               void (*fn)(struct vma_struct *vma, pte_t *pte, size_t pages))
{
    for (; pte < last; pte++) {
        if (atomic_load(pte) != 0)
            fn(vma, pte, 1);
    }
}

/* What zap_one() does to each, for most areas and pages in fewer steps: the
 * counts are changed once, and so is the rank of the records' locks. */
static void
zap_run(struct vma_struct *vma, pte_t *pte, pte_t *last)
{
    struct page *table = pte_table(pte), *page;
    int32_t cleared = 0, mapped = 0;

    if (unlikely(vma->vm_flags & (VM_PFNMAP | VM_LOCKED))) {
        for_each_entry(vma, pte, last, zap_one);
        return;
    }
    rmap_begin();
    for (; pte < last; pte++) {
        pte_t old;

        if (atomic_load(pte) == 0)
            continue;
        old = pte_decode(atomic_swap(pte, (pte_t)0));
        cleared++;
        page = pa_to_page(pte_pa(old));
        if (atomic_load(&page->flags) & (PG_ZERO | PG_RESERVED))
            continue;
        mapped++;
        if ((old & PTE_D) && !(atomic_load(&page->flags) & PG_DIRTY))
            atomic_or(&page->flags, PG_DIRTY);
        rmap_remove_next(page, pte);
    }
    rmap_end();
    table->mapcount -= cleared;
    atomic_add(&vma->vm_mm->rss, -(int64_t)mapped);
}

bool
zap_ptes(struct vma_struct *vma, uintptr_t start, uintptr_t end,
         struct gather *g)
{
    bool any = for_each_table(vma, start, end, zap_run, zap_one);

    if (any)
        gather_range(g, start, end);
    return any;
}

static void
protect_one(struct vma_struct *vma, pte_t *pte, size_t pages)
{
    uint64_t may = pte_rights(vma->vm_flags);
    pte_t e;

    if (may == 0) { /* no legal leaf without rights */
        zap_one(vma, pte, pages);
        return;
    }
    /* R and X as the area says now; W only if it was there already. */
    e = pte_change(pte, ~may & (PTE_RWX | (may & PTE_W ? 0 : PTE_D)),
                   may & (PTE_R | PTE_X));
    if ((e & PTE_D) && !(may & PTE_W)) {
        struct page *page = mapped_page(vma, e);

        for (; page != NULL && pages > 0; pages--, page++)
            atomic_or(&page->flags, PG_DIRTY);
    }
}

static void
protect_run(struct vma_struct *vma, pte_t *pte, pte_t *last)
{
    for_each_entry(vma, pte, last, protect_one);
}

void
protect_ptes(struct vma_struct *vma, uintptr_t start, uintptr_t end,
             struct gather *g)
{
    if (for_each_table(vma, start, end, protect_run, protect_one))
        gather_range(g, start, end);
}

/* D stays, and goes to the page when the entry goes. */
static void
wrprotect_one(struct vma_struct *vma, pte_t *pte, size_t pages)
{
    pte_take(pte, PTE_W);
}

/* The same where entries are stored as they are: most of what fork does. */
static void
wrprotect_plain(struct vma_struct *vma, pte_t *pte, size_t pages)
{
    if (atomic_load(pte) & PTE_W)
        atomic_and(pte, ~PTE_W);
}

static void
wrprotect_run(struct vma_struct *vma, pte_t *pte, pte_t *last)
{
    if (likely(ad_encode == NULL))
        for_each_entry(vma, pte, last, wrprotect_plain);
    else
        for_each_entry(vma, pte, last, wrprotect_one);
}

void
wrprotect_ptes(struct vma_struct *vma, struct gather *g)
{
    for_each_table(vma, vma->vm_start, vma->vm_end, wrprotect_run,
                   wrprotect_one);
    gather_range(g, vma->vm_start, vma->vm_end);
}
