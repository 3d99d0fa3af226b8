/* swapslot.c: the slots of swap devices, and who has which.
 *
 *     swp_t   | device (16 bits) | slot + 1 (48) |     0: none
 *
 *     device  owner[0] -> page of pointers, one for each slot
 *             owner[1] -> ...              NULL: free;  an anon: its;  BAD
 *
 * The pointer is there so that swapoff finds whose page a slot holds.  It needs no
 * reference: see anon.c.  Nothing is counted in a slot: who shares a page shares
 * its anon.
 *
 * A slot may be let go of while it is written.  It must not be given to another
 * then, whose write could come first: the device has no order.  So it is freed
 * when the write has ended.
 *
 * Slots are given out one after the other, so that what goes together lies
 * together, and comes back together. */
#include "mm/swap.h"

#include "debug/kstat.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

#define DEVS_MAX  8u
#define PER_PAGE  (PAGE_SIZE / sizeof(struct anon *))
#define SLOTS_MAX (KMALLOC_MAX / sizeof(void *) * PER_PAGE) /* 256 GiB */
#define DEV_SHIFT 48

/* What a slot's pointer says beside whose it is. */
#define WRITING 1ul /* a write has begun, and not ended */
#define LET_GO  2ul /* free when it has */
#define SAYS    3ul
#define BAD     ((struct anon *)LET_GO)

static struct spinlock slots = SPINLOCK_INIT(RANK_SWAP);
static struct list devs = LIST_INIT(devs); /* [slots] */
static struct swap_dev *dev_of[DEVS_MAX];  /* [slots] */
static uint64_t total, taken;              /* [slots] */

static struct anon **
owner_of(struct swap_dev *dev, uint64_t slot)
{
    return &dev->owner[slot / PER_PAGE][slot % PER_PAGE];
}

static uintptr_t
bits_of(const struct anon *owner)
{
    return (uintptr_t)owner & SAYS;
}

static struct swap_dev *
place_of_slot(swp_t swp, uint64_t *slot)
{
    *slot = (swp & ((1ul << DEV_SHIFT) - 1)) - 1;
    return dev_of[swp >> DEV_SHIFT];
}

/* --- devices --- */

static void
free_owners(struct swap_dev *dev, uint64_t npages)
{
    while (npages > 0)
        kfree(dev->owner[--npages]);
    kfree(dev->owner);
}

static int
make_owners(struct swap_dev *dev)
{
    uint64_t npages = (dev->nslots + PER_PAGE - 1) / PER_PAGE;

    dev->owner = kmalloc(npages * sizeof(*dev->owner));
    if (dev->owner == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < npages; i++) {
        dev->owner[i] = kzalloc(PAGE_SIZE);
        if (dev->owner[i] == NULL) {
            free_owners(dev, i);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Before the first of lower priority.  => slots held */
static void
add_by_priority(struct swap_dev *dev)
{
    struct list *at = devs.next;

    while (at != &devs &&
           list_entry(at, struct swap_dev, all)->priority >= dev->priority)
        at = at->next;
    list_add_tail(at, &dev->all);
}

int
swap_on(struct swap_dev *dev)
{
    unsigned i = 0;
    int err = -EINVAL;

    if (dev->nslots == 0 || dev->nslots > SLOTS_MAX || (err = make_owners(dev)))
        return err;
    dev->used = dev->bad = dev->cursor = 0;
    dev->closed = false;
    spin_lock(&slots);
    while (i < DEVS_MAX && dev_of[i] != NULL)
        i++;
    if (i < DEVS_MAX) {
        dev->index = i;
        dev_of[i] = dev;
        add_by_priority(dev);
        total += dev->nslots;
    }
    spin_unlock(&slots);
    if (i < DEVS_MAX)
        return 0;
    free_owners(dev, (dev->nslots + PER_PAGE - 1) / PER_PAGE);
    return -EBUSY;
}

static void
set_closed(struct swap_dev *dev, bool closed)
{
    spin_lock(&slots);
    dev->closed = closed;
    spin_unlock(&slots);
}

int
swap_off(struct swap_dev *dev)
{
    int err;

    set_closed(dev, true);
    err = swap_bring_back(dev);
    if (err != 0) {
        set_closed(dev, false);
        return err;
    }
    spin_lock(&slots);
    list_del(&dev->all);
    dev_of[dev->index] = NULL;
    total -= dev->nslots - dev->bad;
    spin_unlock(&slots);
    free_owners(dev, (dev->nslots + PER_PAGE - 1) / PER_PAGE);
    return 0;
}

/* --- slots --- */

/* The next free one of DEV from the cursor on, or nslots.  => slots held */
static uint64_t
next_free(struct swap_dev *dev)
{
    uint64_t slot = dev->cursor;

    if (dev->closed || dev->used + dev->bad == dev->nslots)
        return dev->nslots;
    do
        slot = slot + 1 < dev->nslots ? slot + 1 : 0;
    while (*owner_of(dev, slot) != NULL);
    return slot;
}

swp_t
swap_slot_alloc(struct anon *a)
{
    swp_t swp = 0;

    spin_lock(&slots);
    list_for_each_entry (dev, &devs, struct swap_dev, all) {
        uint64_t slot = next_free(dev);

        if (slot == dev->nslots)
            continue;
        dev->cursor = slot;
        dev->used++;
        taken++;
        *owner_of(dev, slot) = a;
        swp = ((swp_t)dev->index << DEV_SHIFT) + slot + 1;
        break;
    }
    spin_unlock(&slots);
    if (swp != 0)
        kstat_inc(STAT_SLOT_ALLOC);
    return swp;
}

/* => slots held */
static void
give_back(struct swap_dev *dev, struct anon **owner, struct anon *to)
{
    *owner = to;
    dev->used--;
    taken--;
    if (to == BAD) {
        dev->bad++;
        total--;
    }
    kstat_inc(STAT_SLOT_FREE);
}

void
swap_slot_writing(swp_t swp)
{
    uint64_t slot;
    struct anon **owner;

    spin_lock(&slots);
    owner = owner_of(place_of_slot(swp, &slot), slot);
    *owner = (struct anon *)((uintptr_t)*owner | WRITING);
    spin_unlock(&slots);
}

void
swap_slot_written(swp_t swp, bool bad)
{
    struct swap_dev *dev;
    struct anon **owner;
    uint64_t slot;

    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    owner = owner_of(dev, slot);
    if (bad)
        give_back(dev, owner, BAD);
    else if (bits_of(*owner) & LET_GO)
        give_back(dev, owner, NULL);
    else
        *owner = (struct anon *)((uintptr_t)*owner & ~WRITING);
    spin_unlock(&slots);
}

void
swap_slot_free(swp_t swp)
{
    struct swap_dev *dev;
    struct anon **owner;
    uint64_t slot;

    if (swp == SWP_ZEROS)
        return;
    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    owner = owner_of(dev, slot);
    if (bits_of(*owner) & WRITING)
        *owner = (struct anon *)(WRITING | LET_GO);
    else
        give_back(dev, owner, NULL);
    spin_unlock(&slots);
}

int
swap_io(bool write, swp_t swp, struct page **pages, unsigned n)
{
    struct swap_dev *dev;
    uint64_t slot;

    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    spin_unlock(&slots);
    return dev->io(dev, write, slot, pages, n);
}

struct anon *
swap_next_owner(struct swap_dev *dev, uint64_t *i, swp_t *swp)
{
    struct anon *a = NULL;

    spin_lock(&slots);
    for (; *i < dev->nslots && a == NULL; ++*i) {
        struct anon *owner = *owner_of(dev, *i);

        a = (struct anon *)((uintptr_t)owner & ~SAYS);
        *swp = ((swp_t)dev->index << DEV_SHIFT) + *i + 1;
    }
    spin_unlock(&slots);
    return a;
}

struct anon *
swap_slot_owner(swp_t swp)
{
    uint64_t slot;
    struct anon *a;

    spin_lock(&slots);
    a = *owner_of(place_of_slot(swp, &slot), slot);
    spin_unlock(&slots);
    return (struct anon *)((uintptr_t)a & ~SAYS);
}

uint64_t
swap_slots(void)
{
    return atomic_load(&total);
}

uint64_t
swap_slots_used(void)
{
    return atomic_load(&taken);
}
