/* blk.h: disks.
 *
 * A disk is a row of 512-byte sectors that are read and written in runs.  Who
 * wants something fills in a struct blk_request, which stays his until done()
 * is called, and submits it; the queue keeps requests in the order of their
 * sectors, joins neighbours to chains, and gives the disk as many chains as it
 * can take at once.
 *
 *     blk_add() -> ahead, behind -> [start()] -> flying -> [blk_ended()] -> done()
 *     blk_kick() makes the queue go on: starts what waits, calls done()
 *
 * Memory is named by physical addresses: this floor knows no pages.  Nothing is
 * allocated here.
 *
 * A request that was done is on the disk only after the next flush that began
 * later.  The queue keeps no order between requests that are not done; who
 * needs an order waits.
 *
 * Requests that were joined fail alone: if their chain does, each is tried by
 * itself.  A request that is not answered within blk_patience fails, and the
 * driver resets its device, so that it will not touch the memory any more. */
#ifndef KERN_DRIVER_BLK_H
#define KERN_DRIVER_BLK_H

#include "arch/riscv/memlayout.h"
#include "schedule/timeout.h"
#include "sync/spinlock.h"
#include "sync/wait.h"
#include <list.h>
#include <util.h>

#define SECTOR_SIZE  512u
#define SECTOR_SHIFT 9

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_OPS };

/* A piece of memory; SIZE is a multiple of the disk's block size. */
struct blk_seg {
    paddr_t pa;
    uint32_t size;
};

struct blkdev;

struct blk_request {
    enum blk_op op;
    uint64_t sector;            /* of its disk; nothing for a flush */
    const struct blk_seg *segs; /* the caller's, until done() */
    unsigned nsegs;             /* 1 .. dev->max_segs; 0 for a flush */
    /* Called once, perhaps in an interrupt, perhaps before blk_add() returns:
     * takes no sleeping lock and no spinlock before RANK_WAIT, and if it has more
     * for the disk says blk_add(): the kick follows.  ERR: 0, -EIO, -ENOSPC
     * (beyond the end), -EROFS, -EINVAL, -ETIMEDOUT. */
    void (*done)(struct blk_request *r, int err);
    void *arg;
    /* The queue's own: */
    struct list link;
    struct list more;    /* of the first of a chain: the others, by link */
    struct blkdev *dev;  /* whom it was given to */
    uint64_t at;         /* its sector on the whole disk */
    uint64_t started;    /* ticks */
    uint32_t nsectors;   /* its own */
    uint32_t chain_segs; /* of the first of a chain: all of it */
    int err;
    bool alone; /* failed as part of a chain: not joined again */
};

/* The request behind R in the chain FIRST, or NULL.  They are in the order of
 * their sectors; a chain of flushes is one flush. */
static inline struct blk_request *
blk_chain_next(struct blk_request *first, struct blk_request *r)
{
    struct list *next = r == first ? first->more.next : r->link.next;

    return next == &first->more ? NULL
                                : list_entry(next, struct blk_request, link);
}

#define blk_chain_for_each(r, first)                 \
    for (struct blk_request *r = (first); r != NULL; \
         r = blk_chain_next(first, r))

struct blk_ops {
    /* Begin the chain FIRST: one kind, sectors that follow each other, max_segs
     * pieces in all; not more than dev->depth at once.  It ends by
     * blk_ended(). => dev->lock held */
    void (*start)(struct blkdev *dev, struct blk_request *first);
    /* For a disk that needs the caller's hands: do a piece of work; false: there
     * is none.  May be NULL.  => no lock held */
    bool (*work)(struct blkdev *dev);
    /* Call blk_ended() for what ended without telling.  May be NULL.
     * => dev->lock held */
    void (*poll)(struct blkdev *dev);
    /* Forget all that was started; on return the device has, too.  May be NULL.
     * Returns an error if it can do no more.  => dev->lock held */
    int (*reset)(struct blkdev *dev);
};

struct blkdev {
    char name[16];             /* [I] "vda", "vda1", "ram0" */
    uint16_t major, minor;     /* [I] as Linux numbers them */
    uint64_t nsectors;         /* [I] */
    unsigned block_size;       /* [I] bytes; each request is a multiple */
    unsigned max_segs;         /* [I] of one chain */
    unsigned depth;            /* [I] chains at once */
    bool readonly;             /* [I] */
    bool volatile_cache;       /* [I] flushes mean something */
    const struct blk_ops *ops; /* [I] NULL: of a partition */
    void *host;                /* [I] the driver's */
    struct blkdev *whole;      /* [I] of a partition: its disk; else NULL */
    uint64_t first_sector;     /* [I] of a partition */
    uint32_t mounted;          /* [a] 1: somebody has a file system on it */
    struct list all;           /* of blk_register() */

    struct spinlock lock; /* rank BLOCK: all below; unused in a partition */
    /* Not started, by sector: from HEAD on, and before it, for the next sweep.
     * So nobody waits longer than two sweeps. */
    struct list ahead, behind;
    uint64_t head;        /* where the chain started last ends */
    struct list flushes;  /* not started; go first, all as one */
    struct list flying;   /* chains, by time of start */
    struct list ended;    /* requests whose done() is to be called */
    unsigned in_flight;   /* chains */
    bool broken;          /* everything fails */
    bool watched;         /* watch is armed */
    struct timeout watch; /* looks for requests that take too long */
    uint64_t busy_since;  /* ticks */

    /* Counts of what ended, for partitions, too; under the lock of the whole. */
    uint64_t requests[BLK_OPS]; /* chains */
    uint64_t merged[BLK_OPS];   /* requests that were joined to another */
    uint64_t sectors[BLK_OPS];
    uint64_t ticks[BLK_OPS]; /* from start to end, summed over requests */
    uint64_t busy_ticks;     /* something was in flight; of a whole disk */
};

/* DEV can be found from now on; the fields [I] are filled in, and of a partition
 * "whole" is registered.  => at boot, or when a disk appears */
void blk_register(struct blkdev *dev);
struct blkdev *blk_find(const char *name); /* NULL: none */
/* The disk after DEV (NULL: the first). */
struct blkdev *blk_next(struct blkdev *dev);

/* Queue R; or fail it at once.  Others may follow before the blk_kick() that
 * starts them, joined if they are neighbours.
 * => any context that holds no lock from RANK_BLOCK on */
void blk_add(struct blkdev *dev, struct blk_request *r);
/* Start what waits, call done() for what has ended, until there is neither.
 * => as blk_add() */
void blk_kick(struct blkdev *dev);
void blk_submit(struct blkdev *dev, struct blk_request *r); /* both */

/* For drivers.  The device is through with the chain FIRST.  blk_kick() is to
 * follow, once the lock is given back.  => dev->lock held */
void blk_ended(struct blkdev *dev, struct blk_request *first, int err);

/* ... cannot be trusted any more: reset it, and let all that was started fail
 * with -ETIMEDOUT.  In the same way. */
void blk_give_up(struct blkdev *dev);

/* The same, waiting: SIZE bytes at kernel address BUF, which are physically
 * contiguous.  => may sleep */
MUST_CHECK int blk_read(struct blkdev *dev, uint64_t sector, void *buf,
                        size_t size);
MUST_CHECK int blk_write(struct blkdev *dev, uint64_t sector, const void *buf,
                         size_t size);
MUST_CHECK int blk_flush(struct blkdev *dev);

/* Milliseconds after which a request is given up. */
extern unsigned blk_patience;

/* Replaced by kern/ext/driver/blk_faults.c: R, which is checked, is about to be
 * queued.  0: go on; a negative errno: it fails with that; 1: R was taken, and
 * blk_enqueue(), blk_kick() follow later. */
int blk_fault(struct blkdev *dev, struct blk_request *r);
void blk_enqueue(struct blk_request *r); /* => as blk_add() */

#endif
