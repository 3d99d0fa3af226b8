/* swapoff.c: everything comes back from a swap device.
 *
 *     each taken slot -> its anon     (it may be gone, or have another slot, by
 *                                      the time we have locked it: then nothing)
 *         no page in memory           one comes in, as in a fault
 *         a page                      is dirty from now on, and the slot is free
 *
 * The device gives out no slots meanwhile, so one pass is enough; a slot is left behind
 * only when it is free, or its anon has let go of it and is about to say so: swap_off()
 * waits for that, and for what is read and written.
 * Memory is not used up for it: what does not fit stays where it is. */
#include "mm/reclaim.h"
#include "mm/swap.h"

#include <errno.h>
#include <race.h>

/* The page of A, whose contents are on SLOT, with a reference; *FRESH: it is to be
 * brought, and locked.  NULL: it is not so (*ERR: 1), or *ERR. */
static struct page *
page_for(struct anon *a, swp_t slot, bool *fresh, int *err)
{
    struct page *spare = alloc_pages(0), *page = NULL;

    *fresh = false;
    spin_lock(&a->lock);
    *err = a->slot != slot;
    if (*err == 0) {
        page = a->page;
        if (page != NULL) {
            page_get(page);
        } else if (spare != NULL) {
            page = spare;
            *fresh = true;
            swap_begin_in(a, page);
        } else {
            *err = -ENOMEM;
        }
    }
    spin_unlock(&a->lock);
    if (spare != NULL && spare != page)
        page_put(spare);
    return page;
}

/* PAGE has what SLOT holds: A needs it no more.  => PAGE locked */
static void
leave_slot(struct anon *a, struct page *page, swp_t slot)
{
    bool left = false;

    spin_lock(&a->lock);
    if (a->page == page && a->slot == slot) {
        atomic_or(&page->flags, PG_DIRTY);
        a->slot = 0;
        left = true;
    }
    spin_unlock(&a->lock);
    if (left)
        swap_slot_free(slot);
}

/* 0: look at SLOT again; 1: no more. */
static int
bring_one(struct anon *a, swp_t slot)
{
    bool fresh;
    int err = 0;
    struct page *page = page_for(a, slot, &fresh, &err);

    if (page == NULL)
        return err;
    if (fresh)
        err = swap_in(page, slot);
    else
        page_lock(page);
    if (err == 0)
        leave_slot(a, page, slot);
    page_unlock(page);
    page_put(page);
    return err;
}

int
swapoff_may_go_on(void)
{
    if (thread_wanted(1))
        return -EINTR;
    return memory_short() && reclaim(0) == 0 && memory_short() ? -ENOMEM : 0;
}

int
swap_bring_back(struct swap_dev *dev)
{
    struct anon *a;
    uint64_t i = 0;
    swp_t slot;

    while ((a = swap_next_owner(dev, &i, &slot)) != NULL) {
        int err = swapoff_may_go_on();

        race_point("swapoff");
        if (err == 0)
            err = bring_one(a, slot);
        if (err == -ENOMEM && reclaim(0) > 0)
            continue;
        if (err < 0)
            return err;
        i += (unsigned)err;
    }
    return swap_bring_shared(dev);
}
