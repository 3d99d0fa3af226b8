/* fault_swap.c: the endings of a fault that have to do with swap.
 *
 *     the anon's page        this pass               outside of the gate
 *     -------------------    --------------------    -------------------------
 *     is on a slot           puts a fresh one,       swap_in() fills it
 *                            locked, in its place
 *     is on its way in       -                       wait
 *
 *     the space has as many pages in memory as it may
 *                            -                       some go: swap_out()
 *
 * and then the fault starts over. */
#include "mm/fault_impl.h"
#include "mm/swap.h"

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
    struct swap_scope *s = f->mm->scope;
    size_t nr = atomic_load(&s->nr), quota = atomic_load(&s->quota);

    if (nr >= quota && swap_out(s, nr - quota + 1) == 0)
        f->crowded = true;
}

void
note_swappable(struct fault *f, struct page *page)
{
    struct swap_scope *s = f->mm->scope;

    if (s->start <= f->va && f->va < s->end)
        swap_map_swappable(s, page, false);
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
    return outside(f, DO_SWAP_IN, page, NULL);
}

int
swap_in_outside(struct fault *f)
{
    int err = swap_in(f->page, f->swap);

    f->major = f->swap != SWP_ZEROS;
    if (err == 0 && f->major)
        mm_count(f->mm, MM_SWPIN);
    return err;
}
