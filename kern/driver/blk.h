/* blk.h: disks.
 *
 * A disk is a row of 512-byte sectors that are read and written in runs.  Who
 * wants something fills in a struct blk_request, which stays his until done()
 * is called, and submits it; the queue keeps requests in the order of their
 * sectors, joins neighbours, and gives the disk as many as it can take at once.
 *
 *     blk_submit() -> queue (sorted) -> ops->start() ... interrupt -> done()
 *
 * Memory is named by physical addresses: this floor knows no pages.  Nothing is
 * allocated here.
 *
 * A request that was done is on the disk only after the next flush that began
 * later.  The queue keeps no order between requests in flight; who needs an
 * order waits. */
#ifndef KERN_DRIVER_BLK_H
#define KERN_DRIVER_BLK_H

#include "arch/riscv/memlayout.h"
#include "sync/spinlock.h"
#include "sync/wait.h"
#include <list.h>
#include <util.h>

#define SECTOR_SIZE  512u
#define SECTOR_SHIFT 9

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH };

/* A piece of memory; SIZE is a multiple of SECTOR_SIZE. */
struct blk_seg {
    paddr_t pa;
    uint32_t size;
};

struct blk_request {
    enum blk_op op;
    uint64_t sector;            /* of its disk; nothing for a flush */
    const struct blk_seg *segs; /* the caller's, until done() */
    unsigned nsegs;             /* 1 .. dev->max_segs; 0 for a flush */
    /* Called once, perhaps in an interrupt: takes no sleeping lock and no
     * spinlock before RANK_WAIT.  ERR: 0, -EIO, -ENOSPC (beyond the end), -EROFS,
     * -ETIMEDOUT. */
    void (*done)(struct blk_request *r, int err);
    void *arg;
    /* The queue's own: */
    struct list link;
    uint32_t nsectors;
    uint64_t started; /* ticks */
};

struct blkdev;

struct blk_ops {
    /* Begin CHAIN: requests of one kind, linked by their link, whose sectors
     * follow each other, max_segs pieces in all.  Each ends with blk_done().
     * False: full, try again when something has ended.  => dev->lock held */
    bool (*start)(struct blkdev *dev, struct list *chain);
    /* Requests were in flight for too long: give up on them.  May be NULL. */
    void (*reset)(struct blkdev *dev);
};

struct blkdev {
    char name[16];             /* [I] "vda", "vda1", "ram0" */
    uint64_t nsectors;         /* [I] */
    unsigned max_segs;         /* [I] of one chain */
    bool readonly;             /* [I] */
    bool volatile_cache;       /* [I] flushes mean something */
    const struct blk_ops *ops; /* [I] */
    void *host;                /* [I] the driver's */
    struct blkdev *whole;      /* [I] of a partition: its disk; else NULL */
    uint64_t first_sector;     /* [I] of a partition */
    struct spinlock lock;      /* rank BLOCK: all below */
    struct list queue;         /* [lock] not started, by sector */
    unsigned in_flight;        /* [lock] chains */
    uint64_t requests[3];      /* [lock] chains started, by blk_op */
    uint64_t sectors[2];       /* [lock] read, written */
    struct list all;           /* of blk_register() */
};

/* DEV can be found from now on.  => at boot, or when a disk appears */
void blk_register(struct blkdev *dev);
struct blkdev *blk_find(const char *name); /* NULL: none */
/* The disk after DEV (NULL: the first). */
struct blkdev *blk_next(struct blkdev *dev);

/* => may be called from any context that holds no lock from RANK_BLOCK on */
void blk_submit(struct blkdev *dev, struct blk_request *r);
/* The driver is through with R, which is no more in any list.  => dev->lock not
 * held */
void blk_done(struct blkdev *dev, struct blk_request *r, int err);
/* Something has ended: start what waits. */
void blk_kick(struct blkdev *dev);

/* The same, waiting: SIZE bytes at kernel address BUF, which lies in the direct
 * map or is physically contiguous there.  => may sleep */
MUST_CHECK int blk_read(struct blkdev *dev, uint64_t sector, void *buf,
                        size_t size);
MUST_CHECK int blk_write(struct blkdev *dev, uint64_t sector, const void *buf,
                         size_t size);
MUST_CHECK int blk_flush(struct blkdev *dev);

/* Tests: kern/ext/driver/blk_faults.c, if linked, decides here.  R fails at once
 * with the errno it returns; 0: go on.  *DELAY: milliseconds before done(). */
int blk_fault(struct blkdev *dev, const struct blk_request *r, unsigned *delay);

#endif
