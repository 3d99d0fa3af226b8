/* hint.c: adds hint_scan(), faults that only tell who touches a page; a first
 * reader may skip it.
 *
 * Page tables are only a cache, so an entry can be taken away at any time: the
 * next touch faults, finds the page where it was, and puts the entry back.  No
 * mark in the entry is needed, only the knowledge that this fault was asked
 * for.  That is one bit per page of a window:
 *
 *     hint_scan   entries of the window cleared, their bits set
 *     a touch     do_pgfault() as ever; when it stores the entry, hint_hook()
 *                 finds the bit, clears it, and the fault counts as MM_HINT
 *
 * So nothing can go wrong with data or rights: an area without rights has no
 * entries, gets no bits, and a touch of it is refused as before.
 *
 * A hint is a guess about the future.  Each call that changes the areas of the
 * space (its seq) ends the window: what lies there may be something else then. */
#include "ext/mm/hint.h"

#include "ext/mm/migrate.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include <errno.h>
#include <string.h>

#define HINT_WINDOWS 4
#define WORD_BITS    64

static struct window {
    uint64_t mm_id, seq; /* never used again: so no window outlives its space */
    uintptr_t start;
    uint64_t bits[HINT_PAGES / WORD_BITS];
} windows[HINT_WINDOWS];

static unsigned next_window; /* the one to be replaced */
static struct spinlock hint_lock = SPINLOCK_INIT(RANK_TOUCH);

static struct window *
window_of(const struct mm_struct *mm)
{
    for (unsigned i = 0; i < HINT_WINDOWS; i++) {
        if (windows[i].mm_id == mm->id)
            return &windows[i];
    }
    return NULL;
}

/* An entry for VA was stored: was it asked for?  => table locked, in the gate */
static bool
take_hint(struct mm_struct *mm, uintptr_t va)
{
    bool asked = false;
    struct window *w;
    uint64_t n;

    spin_lock(&hint_lock);
    w = window_of(mm);
    n = w == NULL ? HINT_PAGES : (va - w->start) >> PAGE_SHIFT;
    if (n < HINT_PAGES && w->seq == mm->seq) {
        uint64_t bit = 1ul << n % WORD_BITS;

        asked = w->bits[n / WORD_BITS] & bit;
        w->bits[n / WORD_BITS] &= ~bit;
    }
    spin_unlock(&hint_lock);
    if (asked)
        hint_touched(mm, va);
    return asked;
}

static struct window *
open_window(struct mm_struct *mm, uintptr_t start)
{
    struct window *w = window_of(mm);

    if (w == NULL)
        w = &windows[next_window++ % HINT_WINDOWS];
    w->mm_id = mm->id;
    w->seq = mm->seq;
    w->start = start;
    memset(w->bits, 0, sizeof(w->bits));
    return w;
}

/* Set the bits of the entries there are.  => gate closed */
static long
mark(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct window *w;
    long marked = 0;

    spin_lock(&hint_lock);
    w = open_window(mm, start);
    for (uintptr_t va = start; va < end; va += PAGE_SIZE) {
        uint64_t n = (va - start) >> PAGE_SHIFT;
        unsigned level;

        if (!pte_is_leaf(pte_load(pte_lookup(mm, va, &level))))
            continue;
        w->bits[n / WORD_BITS] |= 1ul << n % WORD_BITS;
        marked++;
    }
    spin_unlock(&hint_lock);
    return marked;
}

long
hint_scan(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    struct gather g;
    long marked;

    if (((start | end) & PAGE_MASK) || start > end || end > user_end() ||
        end - start > HINT_PAGES * PAGE_SIZE)
        return -EINVAL;
    mm_write_begin(mm);
    hint_hook = take_hint;
    marked = mark(mm, start, end);
    gather_start(&g, mm);
    for (struct vma_struct *v = find_vma(mm, start);
         v != NULL && v->vm_start < end; v = vma_next(v))
        zap_ptes(v, MAX(start, v->vm_start), MIN(end, v->vm_end), &g);
    gather_finish(&g);
    mm_write_end(mm);
    return marked;
}
