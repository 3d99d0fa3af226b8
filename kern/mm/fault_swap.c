/* fault_swap.c: the endings of a fault that have to do with swap.
 *
 *     the anon's page        this pass               outside of the gate
 *     -------------------    --------------------    -------------------------
 *     is on a slot           puts a fresh one,       swap_in() fills it
 *                            locked, in its place;
 *                            the next ones, too, if
 *                            the next slots are theirs
 *     is on its way in       -                       wait
 *
 *     the space has as many pages in memory as it may
 *                            -                       some go: swap_out()
 *
 * and then the fault starts over. */
#include "mm/fault_impl.h"
#include "mm/swap.h"
#include <string.h>

/* Must others go before this address gets a page? */
static inline bool
is_full(const struct fault *f)
{
    const struct swap_scope *s = f->mm->scope;

    return unlikely(s != NULL) && s->start <= f->va && f->va < s->end &&
           s->nr >= atomic_load(&s->quota) &&
           !(s->soft && (f->crowded || swap_slots() == 0));
}

bool
wants_room(struct fault *f, unsigned *result)
{
    if (!is_full(f))
        return false;
    *result = f->crowded ? VM_FAULT_OOM : outside(f, DO_ROOM, NULL, NULL);
    return true;
}

void
make_room(struct fault *f)
{
    /* LAB 6.9: the space has as many pages in memory as it may: some must go.
     *
     * s->nr is how many there are, s->quota how many there may be, and both
     * may change at any time; the fault that comes will bring one more.
     * swap_out() says how many went. If none could, nothing is won by trying
     * again: say so in f->crowded. This is outside of the gate: it may sleep,
     * and no lock is held. Afterwards the fault starts over. */
    struct swap_scope *s = f->mm->scope;
    size_t nr = atomic_load(&s->nr), quota = atomic_load(&s->quota);

    if (nr >= quota && swap_out(s, nr - quota + 1) == 0)
        f->crowded = true;
    /* STUB: f->crowded = true; */
    /* END 6.9 */
}

void
note_swappable(struct fault *f, struct page *page)
{
    struct swap_scope *s = f->mm->scope;

    if (s->start <= f->va && f->va < s->end)
        swap_map_swappable(s, page, false);
}

unsigned swap_readahead = SWAP_AHEAD;

/* A page for A, if SLOT has its contents, and nobody is at work on it.
 * => layer locked, and another anon */
static struct page *
begin_ahead(struct anon *a, swp_t slot)
{
    struct page *page = NULL;

    if (a == NULL || !spin_trylock_nested(&a->lock))
        return NULL;
    if (a->page == NULL && a->slot == slot)
        page = alloc_pages(0);
    if (page != NULL)
        swap_begin_in(a, page);
    spin_unlock_nested(&a->lock);
    return page;
}

/* What lies behind F's page comes with it: the disk has to go there anyway, and if
 * nobody wants it, it goes without a write.  Not where each page counts. */
static void
read_ahead(struct fault *f)
{
    uint64_t left = (f->vma->vm_end - f->va) / PAGE_SIZE - 1;
    unsigned most = (unsigned)MIN(left, atomic_load(&swap_readahead));

    if (f->mm->scope != NULL || memory_short() || swap_slots_scarce())
        return;
    while (f->nahead < most) {
        unsigned k = f->nahead + 1;
        struct page *page =
            begin_ahead(layer_find(f->layer, f->index + k), f->swap + k);

        if (page == NULL)
            return;
        f->ahead[f->nahead++] = page;
    }
}

unsigned
do_swap_page(struct fault *f, struct anon *a)
{
    struct page *page = a->page;

    if (page != NULL) {
        page_get(page);
        return outside(f, DO_WAIT, page, NULL);
    }
    if (is_full(f) && !f->crowded)
        return outside(f, DO_ROOM, NULL, NULL);
    page = alloc_pages(0);
    if (page == NULL)
        return VM_FAULT_OOM;
    swap_begin_in(a, page);
    if (f->mm->scope != NULL)
        note_swappable(f, page);
    f->swap = a->slot;
    f->nahead = 0;
    if (f->swap != SWP_ZEROS)
        read_ahead(f);
    return outside(f, DO_SWAP_IN, page, NULL);
}

int
swap_in_outside(struct fault *f)
{
    struct page *pages[SWAP_AHEAD + 1];
    int err;

    f->major = f->swap != SWP_ZEROS;
    if (f->nahead == 0) {
        err = swap_in(f->page, f->swap);
    } else {
        pages[0] = f->page;
        memcpy(&pages[1], f->ahead, f->nahead * sizeof(pages[0]));
        err = swap_in_run(pages, f->nahead + 1, f->swap);
    }
    if (err == 0 && f->major)
        mm_count_n(f->mm, MM_SWPIN, f->nahead + 1);
    return err;
}
