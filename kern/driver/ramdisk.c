/* ramdisk.c: memory as a disk.
 *
 * Nobody interrupts for it: who kicks the queue copies, a chain at a time and
 * without the lock (ops->work).  With a latency a chain becomes ready when its
 * time has come, and the timer kicks. */
#include "driver/ramdisk.h"

#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define DISKS_MAX 2
#define SLOTS     4
#define MAJOR     1 /* as Linux numbers them */

struct slot {
    struct blk_request *chain; /* NULL: free */
    bool ready;
    struct timeout timeout;
    struct ramdisk *disk;
};

struct ramdisk {
    struct blkdev dev;
    uint64_t free_at; /* [dev.lock] when all that was started is ready */
    struct slot slots[SLOTS];                  /* [dev.lock] */
    char *pieces[RAMDISK_MAX / RAMDISK_PIECE]; /* [I] */
};

unsigned ramdisk_chain_us, ramdisk_page_us;
static struct ramdisk disks[DISKS_MAX];
static unsigned ndisks;

static void
becomes_ready(struct timeout *t)
{
    struct slot *s = container_of(t, struct slot, timeout);
    struct blkdev *dev = &s->disk->dev;

    spin_lock(&dev->lock);
    s->ready = true;
    spin_unlock(&dev->lock);
    blk_kick(dev);
}

/* Ticks a chain takes. */
static uint64_t
time_for(struct blk_request *first)
{
    uint64_t bytes = 0;

    blk_chain_for_each(r, first) bytes += (uint64_t)r->nsectors << SECTOR_SHIFT;
    return (ramdisk_chain_us + bytes * ramdisk_page_us / PAGE_SIZE) *
           timebase_hz / 1000000;
}

static void
ramdisk_start(struct blkdev *dev, struct blk_request *first)
{
    struct ramdisk *d = dev->host;
    uint64_t ticks = time_for(first);
    struct slot *s = d->slots;

    while (s->chain != NULL)
        s++; /* there is one: depth is SLOTS */
    s->chain = first;
    s->ready = ticks == 0;
    if (s->ready)
        return;
    d->free_at = MAX(d->free_at, time_now()) + ticks;
    timeout_arm(&s->timeout, d->free_at, becomes_ready);
}

/* Between the disk from byte AT on and N bytes of memory at MEM. */
static void
copy(struct ramdisk *d, bool write, uint64_t at, char *mem, size_t n)
{
    while (n > 0) {
        size_t in_piece = at % RAMDISK_PIECE;
        char *disk = d->pieces[at / RAMDISK_PIECE] + in_piece;
        size_t now = MIN(n, RAMDISK_PIECE - in_piece);

        memcpy(write ? disk : mem, write ? mem : disk, now);
        at += now;
        mem += now;
        n -= now;
    }
}

static void
copy_chain(struct ramdisk *d, struct blk_request *first)
{
    blk_chain_for_each(r, first)
    {
        uint64_t at = r->at << SECTOR_SHIFT;

        for (unsigned i = 0; i < r->nsegs; at += r->segs[i++].size)
            copy(d, r->op == BLK_WRITE, at, pa_to_va(r->segs[i].pa),
                 r->segs[i].size);
    }
}

static struct slot *
ready_slot(struct ramdisk *d)
{
    for (struct slot *s = d->slots; s < d->slots + SLOTS; s++) {
        if (s->ready)
            return s;
    }
    return NULL;
}

static bool
ramdisk_work(struct blkdev *dev)
{
    struct ramdisk *d = dev->host;
    struct slot *s;

    spin_lock(&dev->lock);
    s = ready_slot(d);
    if (s != NULL)
        s->ready = false;
    spin_unlock(&dev->lock);
    if (s == NULL)
        return false;
    copy_chain(d, s->chain);
    spin_lock(&dev->lock);
    blk_ended(dev, s->chain, 0);
    s->chain = NULL;
    spin_unlock(&dev->lock);
    return true;
}

static const struct blk_ops ramdisk_ops = {.start = ramdisk_start,
                                           .work = ramdisk_work};

struct blkdev *
ramdisk_create(char *const *pieces, size_t size)
{
    struct ramdisk *d = &disks[ndisks];
    size_t n = (size + RAMDISK_PIECE - 1) / RAMDISK_PIECE;

    if (ndisks == DISKS_MAX || size < SECTOR_SIZE || size > RAMDISK_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++)
        d->pieces[i] = pieces[i];
    for (unsigned i = 0; i < SLOTS; i++)
        d->slots[i].disk = d;
    d->dev.major = MAJOR;
    d->dev.minor = (uint16_t)ndisks;
    d->dev.nsectors = size >> SECTOR_SHIFT;
    d->dev.block_size = SECTOR_SIZE;
    d->dev.max_segs = 64;
    d->dev.depth = SLOTS;
    d->dev.ops = &ramdisk_ops;
    d->dev.host = d;
    snprintf(d->dev.name, sizeof(d->dev.name), "ram%u", ndisks++);
    blk_register(&d->dev);
    return &d->dev;
}
