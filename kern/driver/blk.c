/* blk.c: the queue in front of a disk.
 *
 *              head
 *               |                        a chain: neighbours, one kind
 *      . . . . .|. . x x . x x x . . .  --------------> flying --> ended
 *      behind   |        ahead                 depth at a time
 *
 * The head sweeps from low sectors to high ones and then begins again; what
 * arrives behind it waits for the next sweep.  Chains are made when the disk has
 * room for one, so requests that wait find more neighbours, which is what a busy
 * disk needs.  The flushes that wait are one flush.
 *
 * Ends are collected under the lock and told without it: blk_kick() starts the
 * next chains before it calls done(). */
#include "driver/blk.h"

#include "debug/panic.h"
#include "debug/printk.h"
#include <errno.h>
#include <string.h>

unsigned blk_patience = 30000;

static struct spinlock all_lock = SPINLOCK_INIT(RANK_BLOCK);
static struct list all_disks = LIST_INIT(all_disks); /* [all_lock] */

WEAK int
blk_fault(struct blkdev *dev, struct blk_request *r)
{
    return 0;
}

static struct blkdev *
whole_of(struct blkdev *dev)
{
    return dev->whole != NULL ? dev->whole : dev;
}

/* --- which disks there are --- */

void
blk_register(struct blkdev *dev)
{
    assert(dev->whole == NULL || dev->whole->whole == NULL);
    spin_init(&dev->lock, RANK_BLOCK);
    list_init(&dev->ahead);
    list_init(&dev->behind);
    list_init(&dev->flushes);
    list_init(&dev->flying);
    list_init(&dev->ended);
    spin_lock(&all_lock);
    list_add_tail(&all_disks, &dev->all);
    spin_unlock(&all_lock);
}

struct blkdev *
blk_next(struct blkdev *dev)
{
    struct list *next;

    spin_lock(&all_lock);
    next = dev == NULL ? all_disks.next : dev->all.next;
    spin_unlock(&all_lock);
    return next == &all_disks ? NULL : list_entry(next, struct blkdev, all);
}

struct blkdev *
blk_find(const char *name)
{
    struct blkdev *dev = NULL;

    while ((dev = blk_next(dev)) != NULL && strcmp(dev->name, name) != 0)
        ;
    return dev;
}

/* --- in --- */

/* Is R possible?  Fills in what the queue wants to know. */
static int
check(struct blkdev *dev, struct blk_request *r)
{
    uint64_t size = 0;

    r->dev = dev;
    r->alone = false;
    r->at = dev->first_sector;
    r->nsectors = 0;
    list_init(&r->link);
    list_init(&r->more);
    if (r->op == BLK_FLUSH)
        return 0;
    if (r->op == BLK_WRITE && dev->readonly)
        return -EROFS;
    if (r->nsegs == 0 || r->nsegs > whole_of(dev)->max_segs)
        return -EINVAL;
    for (unsigned i = 0; i < r->nsegs; i++) {
        if (r->segs[i].size == 0 || r->segs[i].size % dev->block_size != 0)
            return -EINVAL;
        size += r->segs[i].size;
    }
    if (r->sector % (dev->block_size >> SECTOR_SHIFT) != 0)
        return -EINVAL;
    if (r->sector > dev->nsectors ||
        size >> SECTOR_SHIFT > dev->nsectors - r->sector)
        return -ENOSPC;
    r->nsectors = (uint32_t)(size >> SECTOR_SHIFT);
    r->at += r->sector;
    return 0;
}

/* Where it belongs; who comes in ascending order is at the end. */
static void
insert(struct list *queue, struct blk_request *r)
{
    struct list *at = queue->prev;

    while (at != queue && list_entry(at, struct blk_request, link)->at > r->at)
        at = at->prev;
    list_add(at, &r->link);
}

/* => dev->lock held */
static void
enqueue(struct blkdev *dev, struct blk_request *r)
{
    /* Without a cache, what was done is on the disk. */
    if (dev->broken || (r->op == BLK_FLUSH && !dev->volatile_cache)) {
        r->err = dev->broken ? -EIO : 0;
        list_add_tail(&dev->ended, &r->link);
    } else if (r->op == BLK_FLUSH) {
        list_add_tail(&dev->flushes, &r->link);
    } else {
        insert(r->at >= dev->head ? &dev->ahead : &dev->behind, r);
    }
}

void
blk_enqueue(struct blk_request *r)
{
    struct blkdev *dev = whole_of(r->dev);

    spin_lock(&dev->lock);
    enqueue(dev, r);
    spin_unlock(&dev->lock);
}

void
blk_add(struct blkdev *dev, struct blk_request *r)
{
    int err = check(dev, r);

    if (err == 0)
        err = blk_fault(dev, r);
    if (err == 0)
        blk_enqueue(r);
    else if (err < 0)
        r->done(r, err);
}

void
blk_submit(struct blkdev *dev, struct blk_request *r)
{
    blk_add(dev, r);
    blk_kick(dev);
}

/* --- through --- */

/* Can R go on where the chain FIRST ends, at sector END? */
static bool
joins(const struct blkdev *dev, const struct blk_request *first,
      const struct blk_request *r, uint64_t end)
{
    return r->op == first->op && r->at == end && !r->alone && !first->alone &&
           first->chain_segs + r->nsegs <= dev->max_segs;
}

/* The next chain, out of the queue; NULL: nothing waits.  => dev->lock held */
static struct blk_request *
take_chain(struct blkdev *dev)
{
    bool flush = !list_empty(&dev->flushes);
    struct list *queue = flush ? &dev->flushes : &dev->ahead;
    struct blk_request *first, *r;
    uint64_t end;

    if (list_empty(queue)) {
        list_move(&dev->behind, queue);
        if (list_empty(queue))
            return NULL;
    }
    first = list_first(queue, struct blk_request, link);
    list_del(&first->link);
    first->chain_segs = first->nsegs;
    end = first->at + first->nsectors;
    while (!list_empty(queue)) {
        r = list_first(queue, struct blk_request, link);
        if (!flush && !joins(dev, first, r, end))
            break;
        list_del(&r->link);
        list_add_tail(&first->more, &r->link);
        first->chain_segs += r->nsegs;
        end += r->nsectors;
    }
    if (!flush)
        dev->head = end;
    return first;
}

static void watch_fire(struct timeout *t);

static void
watch(struct blkdev *dev)
{
    if (dev->watched || dev->in_flight == 0 || dev->ops->reset == NULL)
        return;
    dev->watched = true;
    timeout_arm(&dev->watch, time_now() + blk_patience * timebase_hz / 1000,
                watch_fire);
}

static void
start(struct blkdev *dev, struct blk_request *first)
{
    uint64_t now = time_now();

    blk_chain_for_each(r, first) r->started = now;
    list_add_tail(&dev->flying, &first->link);
    if (dev->in_flight++ == 0)
        dev->busy_since = now;
    dev->ops->start(dev, first);
}

/* --- out --- */

static void
count(struct blkdev *dev, const struct blk_request *r, bool first, uint64_t now)
{
    dev->requests[r->op] += first;
    dev->merged[r->op] += !first;
    dev->sectors[r->op] += r->nsectors;
    dev->ticks[r->op] += now - r->started;
}

/* All of the chain FIRST to the requests that ended, or back into the queue. */
static void
take_apart(struct blkdev *dev, struct blk_request *first, int err)
{
    bool again = err == -EIO && !list_empty(&first->more) && !dev->broken;
    uint64_t now = time_now();
    struct blk_request *r = first;

    for (;;) {
        count(dev, r, r == first, now);
        if (r->dev != dev)
            count(r->dev, r, r == first, now);
        r->err = err;
        r->alone = again;
        if (again)
            enqueue(dev, r);
        else
            list_add_tail(&dev->ended, &r->link);
        if (list_empty(&first->more))
            return;
        r = list_first(&first->more, struct blk_request, link);
        list_del(&r->link);
    }
}

void
blk_ended(struct blkdev *dev, struct blk_request *first, int err)
{
    assert(spin_held(&dev->lock) && dev->in_flight > 0);
    list_del(&first->link);
    if (--dev->in_flight == 0)
        dev->busy_ticks += time_now() - dev->busy_since;
    take_apart(dev, first, err);
}

/* What waits in QUEUE fails, too. */
static void
fail_all(struct blkdev *dev, struct list *queue)
{
    list_for_each_entry (r, queue, struct blk_request, link)
        r->err = -EIO;
    list_move(queue, &dev->ended);
}

static void
tell(struct list *ended)
{
    while (!list_empty(ended)) {
        struct blk_request *r = list_first(ended, struct blk_request, link);

        list_del(&r->link);
        r->done(r, r->err);
    }
}

void
blk_kick(struct blkdev *dev)
{
    struct blk_request *first;
    struct list ended;

    dev = whole_of(dev);
    list_init(&ended);
    do {
        tell(&ended);
        spin_lock(&dev->lock);
        while (dev->in_flight < dev->depth && (first = take_chain(dev)) != NULL)
            start(dev, first);
        watch(dev);
        list_move(&dev->ended, &ended);
        spin_unlock(&dev->lock);
    } while (!list_empty(&ended) ||
             (dev->ops->work != NULL && dev->ops->work(dev)));
}

/* --- too late --- */

void
blk_give_up(struct blkdev *dev)
{
    if (dev->ops->reset(dev) != 0) {
        cprintf("%s: the disk does not come back\n", dev->name);
        dev->broken = true;
        fail_all(dev, &dev->ahead);
        fail_all(dev, &dev->behind);
        fail_all(dev, &dev->flushes);
    }
    while (!list_empty(&dev->flying))
        blk_ended(dev, list_first(&dev->flying, struct blk_request, link),
                  -ETIMEDOUT);
}

/* Has the chain that was started first waited for too long? */
static bool
overdue(struct blkdev *dev)
{
    uint64_t patience = blk_patience * timebase_hz / 1000;

    return !list_empty(&dev->flying) &&
           time_now() - list_first(&dev->flying, struct blk_request, link)
                            ->started >=
               patience;
}

static void
watch_fire(struct timeout *t)
{
    struct blkdev *dev = container_of(t, struct blkdev, watch);

    spin_lock(&dev->lock);
    dev->watched = false;
    if (dev->ops->poll != NULL)
        dev->ops->poll(dev);
    if (overdue(dev)) {
        cprintf("%s: no answer, the disk is reset\n", dev->name);
        blk_give_up(dev);
    }
    spin_unlock(&dev->lock);
    blk_kick(dev);
}

/* --- waiting --- */

struct waiting {
    struct blk_request r;
    struct blk_seg seg;
    struct wait_queue wq;
    bool done; /* [wq.lock] */
    int err;
};

static void
wake(struct blk_request *r, int err)
{
    struct waiting *w = container_of(r, struct waiting, r);

    spin_lock(&w->wq.lock);
    w->done = true;
    w->err = err;
    wait_wake_all(&w->wq);
    spin_unlock(&w->wq.lock);
}

static int
wait_for(struct blkdev *dev, struct waiting *w)
{
    w->r.done = wake;
    wait_init(&w->wq);
    blk_submit(dev, &w->r);
    spin_lock(&w->wq.lock);
    while (!w->done)
        wait_sleep(&w->wq);
    spin_unlock(&w->wq.lock);
    return w->err;
}

static int
transfer(struct blkdev *dev, enum blk_op op, uint64_t sector, const void *buf,
         size_t size)
{
    struct waiting w = {.r = {.op = op, .sector = sector, .nsegs = 1},
                        .seg = {va_to_pa(buf), (uint32_t)size}};

    w.r.segs = &w.seg;
    return size > UINT32_MAX ? -EINVAL : wait_for(dev, &w);
}

int
blk_read(struct blkdev *dev, uint64_t sector, void *buf, size_t size)
{
    return transfer(dev, BLK_READ, sector, buf, size);
}

int
blk_write(struct blkdev *dev, uint64_t sector, const void *buf, size_t size)
{
    return transfer(dev, BLK_WRITE, sector, buf, size);
}

int
blk_flush(struct blkdev *dev)
{
    struct waiting w = {.r = {.op = BLK_FLUSH}};

    return wait_for(dev, &w);
}
