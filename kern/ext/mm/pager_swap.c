/* pager_swap.c: adds swap to the objects whose only place is memory (anonymous shared
 * memory, tmpfs, memfd, segments): mm/object_zeros.c, mm/evict.c; a first reader may
 * skip it.
 *
 *     in the tree        page->policy   PG_DIRTY
 *     ---------------    ------------   --------
 *     a page             none           yes         only in memory
 *     a page             none           no          zeros: it goes without a write
 *     a page             some           no          in both: it goes without a write
 *     a page             some           yes         the slot is out of date
 *     a slot                                        only on the disk
 *
 *   out   locked        nobody begins to map, bring, cut or write it
 *         unmapped      everywhere, every hart forgets it; who stored to it made it
 *                       dirty, and needs its lock to do so again
 *         written       with nothing but its lock; it is clean from before that
 *         the object locked: nobody has a reference, nobody waits?  The slot takes
 *                       the page's place; else it stays, and its slot is as good
 *
 *   in    whoever asks puts a fresh page in the slot's place, locked, which takes the
 *         slot along, and reads.  Others find it, and wait: one read.  If it fails,
 *         the page backs out, and the slot is there again.
 *
 * Who cuts or ends an object takes the lock of each page, too, so a slot is never
 * freed while it is written or read.
 *
 * Segments that are locked (obj->stays) stay, once they are in memory.
 *
 * Swapoff reaches the objects by a list of those that ever had a slot, and keeps the
 * one it looks at alive as reclaim does, by a hand (mm/reclaim.c). */
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/swap.h"

#include "debug/kstat.h"
#include <errno.h>
#include <race.h>

#define BATCH 32u

static struct wait_queue hand_wq = {
    .lock = SPINLOCK_INIT(RANK_WAIT),
    .sleepers = LIST_INIT(hand_wq.sleepers)};    /* who ends an object */
static struct list sharers = LIST_INIT(sharers); /* [hand_wq.lock] */
static size_t nsharers;                          /* [hand_wq.lock] */
static struct vm_object *hand;                   /* [hand_wq.lock] looked at */
static bool hand_taken; /* [hand_wq.lock] by somebody */

/* OBJ is about to have a slot.  => its lock held */
static void
note_sharer(struct vm_object *obj)
{
    spin_lock(&hand_wq.lock);
    if (list_empty(&obj->swap_link)) {
        list_add_tail(&sharers, &obj->swap_link);
        nsharers++;
    }
    spin_unlock(&hand_wq.lock);
}

void
shared_forget(struct vm_object *obj)
{
    spin_lock(&hand_wq.lock);
    if (!list_empty(&obj->swap_link)) {
        list_del(&obj->swap_link);
        list_init(&obj->swap_link);
        nsharers--;
    }
    while (hand == obj)
        wait_sleep(&hand_wq);
    spin_unlock(&hand_wq.lock);
}

/* --- out --- */

/* Pages on their way out. */
struct shared_out {
    struct vm_object *obj;
    unsigned n;
    struct page *page[BATCH]; /* locked */
    swp_t slot[BATCH];
    struct swap_run run;
};

/* PAGE, which is locked, needs its slot no more: what is in memory is all there is. */
static void
leave_shared_slot(struct vm_object *obj, struct page *page)
{
    swp_t slot;

    spin_lock(&obj->lock);
    slot = page->policy;
    page->policy = 0;
    spin_unlock(&obj->lock);
    if (slot == 0)
        return;
    atomic_or(&page->flags, PG_DIRTY);
    swap_slot_free(slot);
}

/* A slot for PAGE, which is locked; 0: there is none. */
static swp_t
slot_for(struct shared_out *out, struct page *page, unsigned most)
{
    struct vm_object *obj = out->obj;

    spin_lock(&obj->lock);
    note_sharer(obj);
    if (page->policy == 0)
        page->policy = swap_slot_alloc(SWAP_SHARED, &out->run, most);
    if (page->policy != 0)
        swap_slot_writing(page->policy);
    spin_unlock(&obj->lock);
    return page->policy;
}

/* PAGE, which is locked and OBJ's, may leave memory, and nobody uses it: is it on
 * its way?  True: it is OUT's. */
static bool
begin_write(struct shared_out *out, struct page *page, unsigned most)
{
    swp_t slot;

    if (page->policy == 0 && swap_slots_used() >= swap_slots())
        return false;
    if (atomic_load(&page->ref) != 2 || !try_to_evict(page))
        return false;
    race_point("shared-unmapped");
    slot = slot_for(out, page, most);
    if (slot == 0)
        return false;
    object_zero_tail(out->obj, page);
    object_clear_dirty(out->obj, page);
    out->page[out->n] = page;
    out->slot[out->n++] = slot;
    return true;
}

/* PAGE was written, or not: ERR.  True: it left memory. */
static bool
end_write(void *object, struct page *page, swp_t slot, int err)
{
    struct vm_object *obj = object;
    bool went = false;

    race_point("shared-written");
    if (err != 0) {
        spin_lock(&obj->lock);
        page->policy = 0;
        spin_unlock(&obj->lock);
        atomic_or(&page->flags, PG_DIRTY);
    }
    swap_slot_written(slot, err != 0);
    if (err == 0 && !atomic_load(&obj->stays))
        went = object_remove_unused(obj, page);
    page_unlock(page);
    return went;
}

static size_t
write_chosen(struct shared_out *out)
{
    size_t went = swap_write(out->page, out->slot, out->n, end_write, out->obj);

    out->n = 0;
    return went;
}

/* PAGE has to be written first; else nothing happens here. */
static void
choose_shared(struct shared_out *out, struct page *page, unsigned most)
{
    if (!(atomic_load(&page->flags) & PG_DIRTY) || !page_trylock(page))
        return;
    race_point("shared-chosen");
    if (!object_owns(out->obj, page) ||
        !(atomic_load(&page->flags) & PG_DIRTY) ||
        !begin_write(out, page, most))
        page_unlock(page);
}

size_t
object_evict_some(struct vm_object *obj, struct page **pages, unsigned n)
{
    struct shared_out out = {.obj = obj};
    size_t done = 0;

    if (atomic_load(&obj->stays))
        return 0;
    for (unsigned i = 0; i < n; i++) {
        if (object_evict(obj, pages[i]))
            done++;
        else if (obj->ops->swap && swap_slots() > 0)
            choose_shared(&out, pages[i], n - i);
        if (out.n == BATCH)
            done += write_chosen(&out);
    }
    done += write_chosen(&out);
    swap_run_end(&out.run);
    return done;
}

/* --- in --- */

int
shared_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    swp_t slot = object_slot(obj, page);
    int err;

    (void)index;
    if (slot == 0) {
        page_zero(page_to_va(page));
        return 0;
    }
    err = swap_io(false, slot, &page, 1);
    race_point("shared-read");
    if (err != 0)
        return err;
    kstat_inc(STAT_SWPIN);
    kstat_inc(STAT_REFAULT);
    if (swap_slots_scarce())
        leave_shared_slot(obj, page);
    return 0;
}

/* --- swapoff --- */

/* The page of INDEX comes to memory, and leaves its slot.  1: look again. */
static int
bring_shared_page(struct vm_object *obj, uint64_t index)
{
    struct page *page;
    int err = object_add(obj, index, &page);

    if (err == -EEXIST)
        page_lock(page);
    else if (err != 0)
        return err;
    err = object_owns(obj, page) ? 0 : 1; /* backed out, or was cut off */
    if (err == 0 && !(atomic_load(&page->flags) & PG_UPTODATE))
        err = object_fill(obj, page);
    if (err == 0)
        leave_shared_slot(obj, page);
    page_unlock(page);
    page_put(page);
    return err == -ENODATA ? 0 : err; /* it was cut off meanwhile */
}

/* Is there anything of OBJ from *INDEX on, and on which slot, if on any? */
static bool
next_slot(struct vm_object *obj, uint64_t *index, swp_t *slot)
{
    struct page *page;
    bool any = object_next_any(obj, index, &page, slot);

    if (page != NULL)
        page_put(page);
    return any;
}

static int
bring_object(struct vm_object *obj, struct swap_dev *dev)
{
    swp_t slot;

    for (uint64_t i = 0; next_slot(obj, &i, &slot);) {
        int err = 0;

        race_point("shared-swapoff");
        if (slot != 0 && swap_slot_is_on(dev, slot)) {
            err = swapoff_may_go_on();
            if (err == 0)
                err = bring_shared_page(obj, i);
            if (err == -ENOMEM && reclaim(0) > 0)
                err = 1;
        }
        if (err < 0)
            return err;
        i += err == 0;
    }
    return 0;
}

/* The next object, which stays until put_hand(); it goes to the end of the list. */
static struct vm_object *
take_hand(void)
{
    spin_lock(&hand_wq.lock);
    while (hand_taken)
        wait_sleep(&hand_wq);
    hand = list_empty(&sharers)
               ? NULL
               : list_first(&sharers, struct vm_object, swap_link);
    hand_taken = hand != NULL;
    if (hand != NULL) {
        list_del(&hand->swap_link);
        list_add_tail(&sharers, &hand->swap_link);
    }
    spin_unlock(&hand_wq.lock);
    return hand;
}

static void
put_hand(void)
{
    spin_lock(&hand_wq.lock);
    hand = NULL;
    hand_taken = false;
    wait_wake_all(&hand_wq);
    spin_unlock(&hand_wq.lock);
}

/* Objects that come later have no slots of a device that is closed. */
int
swap_bring_shared(struct swap_dev *dev)
{
    size_t n = atomic_load(&nsharers);
    struct vm_object *obj;
    int err = 0;

    while (err == 0 && n-- > 0 && (obj = take_hand()) != NULL) {
        err = bring_object(obj, dev);
        put_hand();
    }
    return err;
}

uint64_t
swap_slots_shared(void)
{
    uint64_t n = 0;

    for (size_t k = atomic_load(&nsharers); k > 0 && take_hand(); k--) {
        swp_t slot;

        for (uint64_t i = 0; next_slot(hand, &i, &slot); i++)
            n += slot != 0;
        put_hand();
    }
    return n;
}
