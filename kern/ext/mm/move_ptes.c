/* move_ptes.c: adds to ext/mm/mremap.c that pages which move are not faulted in
 * anew; a first reader may skip it.
 *
 *     old table   [ . a b . c ]            [ . . . . . ]
 *                      |           -->          flushed
 *     new table   [ . . . . . ]            [ . a b . c ]
 *
 * A page does not move: it stays in its frame, and in its layer at its index.
 * Only the entry does, and its record in the reverse map with it.  Both tables
 * are locked meanwhile (in the order of addresses), and every hart forgets the
 * old addresses before they are unlocked: whoever finds the page through its
 * record sees one entry, and taking that one away is enough. */
#include "ext/mm/mapcalls.h"
#include "mm/rmap.h"
#include <race.h>

static void
lock_two(struct spinlock *a, struct spinlock *b)
{
    spin_lock(MIN(a, b));
    if (a != b)
        spin_lock_nested(MAX(a, b));
}

static void
unlock_two(struct spinlock *a, struct spinlock *b)
{
    if (a != b)
        spin_unlock_nested(MAX(a, b));
    spin_unlock(MIN(a, b));
}

static void
move_one(struct vma_struct *vma, pte_t *from, pte_t *to)
{
    pte_t e = pte_clear(from);
    struct page *page = mapped_page(vma, e);

    race_point("entry-out");
    if (page != NULL)
        rmap_replace(page, from, to);
    race_point("entry-moved");
    pte_install(to, e);
}

static bool
any_present(const pte_t *pte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pte_load(&pte[i]) & PTE_V)
            return true;
    return false;
}

/* N entries that lie in one table, to where they lie in one table. */
static void
move_run(struct vma_struct *vma, uintptr_t va, pte_t *from, pte_t *to, size_t n,
         struct gather *g)
{
    lock_two(pte_lock(from), pte_lock(to));
    for (size_t i = 0; i < n; i++)
        if (pte_load(&from[i]) & PTE_V)
            move_one(vma, &from[i], &to[i]);
    gather_range(g, va, va + n * PAGE_SIZE);
    gather_flush(g);
    unlock_two(pte_lock(from), pte_lock(to));
    race_point("entries-moved");
}

/* How far VA is from the end of what one entry at LEVEL translates. */
static uintptr_t
rest_of(uintptr_t va, unsigned level)
{
    return pte_span(level) - va % pte_span(level);
}

void
move_ptes(struct vma_struct *vma, uintptr_t to, struct gather *g)
{
    uintptr_t va = vma->vm_start, len;

    for (; va < vma->vm_end; va += len, to += len) {
        unsigned level;
        pte_t *from = pte_lookup(vma->vm_mm, va, &level), *dest;

        len = MIN(vma->vm_end - va, rest_of(va, MAX(level, 1u)));
        if (level > 0) {
            if (pte_load(from) & PTE_V) /* a huge page: it comes again */
                zap_ptes(vma, va, va + len, g);
            continue;
        }
        len = MIN(len, rest_of(to, 1));
        if (!any_present(from, len >> PAGE_SHIFT))
            continue;
        dest = get_pte(vma->vm_mm, to, true);
        if (dest != NULL)
            move_run(vma, va, from, dest, len >> PAGE_SHIFT, g);
        else
            zap_ptes(vma, va, va + len, g);
    }
}
