/* swapslot.c: the slots of swap devices, and who has which.
 *
 *     swp_t   | device (16 bits) | slot + 1 (48) |     0: none
 *
 *     device  chunk[0] -> 512 slots:  free    a bit for each
 *             chunk[1] -> ...         owner   NULL, an anon, SWAP_SHARED, or BAD
 *             whole, part             the chunks all, or some of whose slots are free
 *
 * The pointer is there so that swapoff finds whose page a slot holds.  It needs no
 * reference: see anon.c.  Nothing is counted in a slot: who shares a page shares
 * its anon.
 *
 * A slot may be let go of while it is written.  It must not be given to another
 * then, whose write could come first: the device has no order.  So it is freed
 * when the write has ended.
 *
 * What goes together lies together, and comes back together: slots that follow each
 * other are given out as a run, from the chunk that gave the last one until that is
 * used up, then from a whole one.  So only words of a chunk with a free slot are looked
 * at.  After a run it is the turn of the next device of the same priority.
 *
 * A device goes when its slots are free and nobody has anything to do with it: busy
 * counts runs, writes and reads. */
#include "mm/swap.h"

#include "debug/kstat.h"
#include "mm/kmalloc.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

#define DEVS_MAX  8u
#define CHUNK     512u
#define WORDS     (CHUNK / 64)
#define SLOTS_MAX (KMALLOC_MAX / sizeof(void *) * CHUNK) /* 256 GiB */
#define DEV_SHIFT 48

struct swap_chunk {
    struct list link; /* of dev->whole or dev->part, if a slot is free */
    uint64_t number;
    unsigned nfree, nall; /* nall: less than CHUNK in the last one */
    uint64_t free[WORDS];
    struct anon *owner[CHUNK];
};

/* What a slot's pointer says beside whose it is. */
#define WRITING 1ul /* a write has begun, and not ended */
#define LET_GO  2ul /* free when it has */
#define SAYS    3ul
#define BAD     ((struct anon *)LET_GO)

static struct spinlock slots = SPINLOCK_INIT(RANK_SWAP);
static struct list devs = LIST_INIT(devs); /* [slots] */
static struct swap_dev *dev_of[DEVS_MAX];  /* [slots] */
uint64_t swap_total, swap_taken;           /* [slots] */

/* Who waits until a device is not busy. */
static struct wait_queue idle = {SPINLOCK_INIT(RANK_WAIT),
                                 LIST_INIT(idle.sleepers)};

static struct anon **
owner_of(struct swap_dev *dev, uint64_t slot)
{
    return &dev->chunk[slot / CHUNK]->owner[slot % CHUNK];
}

static struct anon *
whose(const struct anon *owner)
{
    return (struct anon *)((uintptr_t)owner & ~SAYS);
}

static swp_t
swp_of(const struct swap_dev *dev, uint64_t slot)
{
    return ((swp_t)dev->index << DEV_SHIFT) + slot + 1;
}

static struct swap_dev *
place_of_slot(swp_t swp, uint64_t *slot)
{
    *slot = (swp & ((1ul << DEV_SHIFT) - 1)) - 1;
    return dev_of[swp >> DEV_SHIFT];
}

bool
swap_slot_is_on(const struct swap_dev *dev, swp_t swp)
{
    return swp >> DEV_SHIFT == dev->index;
}

/* --- devices --- */

static uint64_t
nchunks(const struct swap_dev *dev)
{
    return (dev->nslots + CHUNK - 1) / CHUNK;
}

static void
free_chunks(struct swap_dev *dev, uint64_t n)
{
    while (n > 0)
        kfree(dev->chunk[--n]);
    kfree(dev->chunk);
}

/* The slots of C are free. */
static void
fill_chunk(struct swap_chunk *c, uint64_t n)
{
    c->nfree = c->nall = (unsigned)MIN(n, CHUNK);
    for (unsigned i = 0; i < c->nall; i++)
        c->free[i / 64] |= 1ul << i % 64;
}

static int
make_chunks(struct swap_dev *dev)
{
    uint64_t n = nchunks(dev);

    list_init(&dev->whole);
    list_init(&dev->part);
    dev->chunk = kmalloc(n * sizeof(struct swap_chunk *));
    if (dev->chunk == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; i < n; i++) {
        struct swap_chunk *c = kzalloc(sizeof(*c));

        dev->chunk[i] = c;
        if (c == NULL) {
            free_chunks(dev, i);
            return -ENOMEM;
        }
        c->number = i;
        fill_chunk(c, dev->nslots - i * CHUNK);
        list_add_tail(&dev->whole, &c->link);
    }
    return 0;
}

/* Behind those of the same priority.  => slots held */
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

    if (dev->nslots == 0 || dev->nslots > SLOTS_MAX || (err = make_chunks(dev)))
        return err;
    dev->used = dev->bad = dev->at = dev->looked = 0;
    dev->busy = 0;
    dev->closed = false;
    spin_lock(&slots);
    while (i < DEVS_MAX && dev_of[i] != NULL)
        i++;
    if (i < DEVS_MAX) {
        dev->index = i;
        dev_of[i] = dev;
        add_by_priority(dev);
        swap_total += dev->nslots;
    }
    spin_unlock(&slots);
    if (i < DEVS_MAX)
        return 0;
    free_chunks(dev, nchunks(dev));
    return -EBUSY;
}

/* N are done with DEV, or a slot of it is free: it may go once SLOTS are not held. */
static void
ended(struct swap_dev *dev, unsigned n)
{
    assert(dev->busy >= n); /* whatever ends has begun: swap_slot_writing() */
    dev->busy -= n;
    if (!dev->closed || dev->busy > 0 || dev->used > 0)
        return;
    spin_lock(&idle.lock);
    wait_wake_all(&idle);
    spin_unlock(&idle.lock);
}

int
swap_off(struct swap_dev *dev)
{
    int err;

    atomic_store(&dev->closed,
                 true); /* who takes the lock from now on sees it */
    err = swap_bring_back(dev);
    if (err != 0) {
        atomic_store(&dev->closed, false);
        return err;
    }
    spin_lock(&idle.lock);
    while (atomic_load(&dev->busy) > 0 || atomic_load(&dev->used) > 0)
        wait_sleep(&idle);
    spin_unlock(&idle.lock);
    spin_lock(&slots);
    list_del(&dev->all);
    dev_of[dev->index] = NULL;
    swap_total -= dev->nslots - dev->bad;
    spin_unlock(&slots);
    free_chunks(dev, nchunks(dev));
    return 0;
}

/* --- runs of slots --- */

/* The first free slot of C from AT on, or before; and how many follow it that are
 * free, up to MOST with it.  => slots held */
static unsigned
find_slots(struct swap_dev *dev, const struct swap_chunk *c, unsigned *at,
           unsigned most)
{
    /* LAB 6.7: the first free slot of chunk C from *AT on, and how many follow
     * it.
     *
     * c->free has a bit for each slot, 64 to a word, 1 if it is free. Begin at
     * *AT and go on to the next word, from the last one to the first: the
     * caller knows that a slot is free. *AT becomes the slot that was found.
     * Return how many free slots lie side by side from there on, it included,
     * MOST at most and within the chunk. Count the words you go on to in
     * dev->looked. */
    unsigned word = *at / 64, n = 0;
    uint64_t bits = c->free[word] & ~0ul << *at % 64;

    while (bits == 0) {
        word = (word + 1) % WORDS;
        bits = c->free[word];
        dev->looked++;
    }
    *at = word * 64 + (unsigned)__builtin_ctzl(bits);
    for (unsigned i = *at; n < most && i < CHUNK; i++, n++) {
        if (!(c->free[i / 64] >> i % 64 & 1))
            break;
    }
    return n;
    /* STUB: return 0; */
    /* END 6.7 */
}

/* The chunk that gave the last run, or another one with a free slot.  => there is
 * one */
static struct swap_chunk *
next_chunk(struct swap_dev *dev)
{
    struct swap_chunk *c = dev->chunk[dev->at / CHUNK];

    return c->nfree > 0
               ? c
               : list_first(list_empty(&dev->whole) ? &dev->part : &dev->whole,
                            struct swap_chunk, link);
}

/* At most MOST slots of DEV, which has free ones, for RUN. */
static void
take_from(struct swap_dev *dev, struct swap_run *run, unsigned most)
{
    struct swap_chunk *c = next_chunk(dev);
    uint64_t first = c->number * CHUNK;
    unsigned at = dev->at / CHUNK == c->number ? dev->at % CHUNK : 0;
    unsigned n = find_slots(dev, c, &at, most);

    for (unsigned i = at; i < at + n; i++)
        c->free[i / 64] &= ~(1ul << i % 64);
    c->nfree -= n;
    list_del(&c->link);
    list_init(&c->link);
    if (c->nfree > 0)
        list_add(&dev->part, &c->link);
    *run = (struct swap_run){dev, first + at, n};
    dev->at = first + at + n - 1;
    dev->reserved += n;
    dev->busy++;
}

/* Where swap is nearly full nobody sets much aside. */
static void
take_slots(struct swap_run *run, unsigned most)
{
    list_for_each_entry (dev, &devs, struct swap_dev, all) {
        uint64_t nfree = dev->nslots - dev->used - dev->bad - dev->reserved;

        if (dev->closed || nfree == 0)
            continue;
        take_from(dev, run, (unsigned)MIN((uint64_t)most, 1 + nfree / 8));
        list_del(&dev->all);
        add_by_priority(dev);
        return;
    }
}

/* SLOT of DEV is free.  => slots held */
static void
put_slot(struct swap_dev *dev, uint64_t slot)
{
    /* LAB 6.8: SLOT of DEV is free again.
     *
     * Set its bit in its chunk and count it (nfree; all: nall). Chunks lie on
     * a list by what they have: dev->whole, all slots are free; dev->part, some
     * are; on none if none is, and then its link is a list of its own. A chunk
     * whose kind changed moves. */
    struct swap_chunk *c = dev->chunk[slot / CHUNK];

    c->free[slot % CHUNK / 64] |= 1ul << slot % 64;
    if (++c->nfree == 1 || c->nfree == c->nall) {
        list_del(&c->link);
        list_add_tail(c->nfree == c->nall ? &dev->whole : &dev->part, &c->link);
    }
    /* END 6.8 */
}

/* => slots held, RUN is not empty */
static void
give_slots(struct swap_run *run)
{
    struct swap_dev *dev = run->dev;

    for (; run->n > 0; run->n--, dev->reserved--)
        put_slot(dev, run->next++);
    ended(dev, 1);
}

void
swap_run_end(struct swap_run *run)
{
    spin_lock(&slots);
    if (run->n > 0)
        give_slots(run);
    spin_unlock(&slots);
}

/* The next slot of RUN for A.  => slots held, RUN is not empty */
static swp_t
take_slot(struct swap_run *run, struct anon *a)
{
    struct swap_dev *dev = run->dev;
    uint64_t slot = run->next++;

    *owner_of(dev, slot) = a;
    dev->used++;
    dev->reserved--;
    swap_taken++;
    if (--run->n == 0)
        ended(dev, 1);
    return swp_of(dev, slot);
}

swp_t
swap_slot_alloc(struct anon *a, struct swap_run *run, unsigned most)
{
    swp_t swp = 0;

    spin_lock(&slots);
    if (run->n > 0 && run->dev->closed)
        give_slots(run);
    if (run->n == 0)
        take_slots(run, most);
    if (run->n > 0)
        swp = take_slot(run, a);
    spin_unlock(&slots);
    if (swp != 0)
        kstat_inc(STAT_SLOT_ALLOC);
    return swp;
}

/* --- one slot --- */

/* It is free, or BAD.  => slots held */
static void
give_back(struct swap_dev *dev, uint64_t slot, struct anon *to)
{
    *owner_of(dev, slot) = to;
    dev->used--;
    swap_taken--;
    if (to == BAD) {
        dev->bad++;
        swap_total--;
    } else {
        put_slot(dev, slot);
    }
    ended(dev, 0);
    kstat_inc(STAT_SLOT_FREE);
}

void
swap_slot_writing(swp_t swp)
{
    uint64_t slot;
    struct swap_dev *dev;
    struct anon **owner;

    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    dev->busy++;
    owner = owner_of(dev, slot);
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
        give_back(dev, slot, BAD);
    else if ((uintptr_t)*owner & LET_GO)
        give_back(dev, slot, NULL);
    else
        *owner = whose(*owner);
    ended(dev, 1);
    spin_unlock(&slots);
}

void
swap_slot_free(swp_t swp)
{
    struct swap_dev *dev;
    struct anon **owner;
    uint64_t slot;

    if (swp == 0 || swp == SWP_ZEROS)
        return;
    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    owner = owner_of(dev, slot);
    if ((uintptr_t)*owner & WRITING)
        *owner = (struct anon *)(WRITING | LET_GO);
    else
        give_back(dev, slot, NULL);
    spin_unlock(&slots);
}

int
swap_io(bool write, swp_t swp, struct page **pages, unsigned n)
{
    struct swap_dev *dev;
    uint64_t slot;
    int err;

    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    if (dev == NULL || slot + n > dev->nslots) {
        spin_unlock(&slots);
        return -EIO; /* whose it was has gone, and the device, too */
    }
    dev->busy++;
    spin_unlock(&slots);
    err = dev->io(dev, write, slot, pages, n);
    spin_lock(&slots);
    ended(dev, 1);
    spin_unlock(&slots);
    return err;
}

/* --- who has what --- */

/* ... among those of one chunk. */
static struct anon *
owner_in_chunk(struct swap_dev *dev, uint64_t *i)
{
    uint64_t end = MIN(ROUND_DOWN(*i, CHUNK) + CHUNK, dev->nslots);
    struct anon *a = NULL;

    spin_lock(&slots);
    if (dev->chunk[*i / CHUNK]->nfree == dev->chunk[*i / CHUNK]->nall)
        *i = end;
    while (*i < end &&
           ((a = whose(*owner_of(dev, *i))) == NULL || a == SWAP_SHARED))
        a = NULL, ++*i;
    spin_unlock(&slots);
    return a;
}

struct anon *
swap_next_owner(struct swap_dev *dev, uint64_t *i, swp_t *swp)
{
    struct anon *a = NULL;

    while (*i < dev->nslots && (a = owner_in_chunk(dev, i)) == NULL)
        ;
    *swp = swp_of(dev, *i);
    return a;
}

struct anon *
swap_slot_owner(swp_t swp)
{
    struct swap_dev *dev;
    struct anon *a;
    uint64_t slot;

    spin_lock(&slots);
    dev = place_of_slot(swp, &slot);
    a = *owner_of(dev, slot);
    spin_unlock(&slots);
    return whose(a);
}
