/* swap_space.h: what swap devices are made of: disks, files, memory; adds them to
 * mm/swap.h, a first reader may skip it.
 *
 *     page of the space    0         1 ...
 *                       +--------+----------------------+
 *                       | header | slot 0 | slot 1 | .. |
 *                       +--------+----------------------+
 *     the header is that of Linux's mkswap(8); memory has none */
#ifndef KERN_EXT_MM_SWAP_SPACE_H
#define KERN_EXT_MM_SWAP_SPACE_H

#include "driver/blk.h"
#include "mm/swap.h"

/* Pages from FIRST on, up to the next piece, lie on the disk at SECTOR. */
struct swap_piece {
    uint64_t first, sector;
};

struct swap_space {
    struct swap_dev dev;
    const char *type;          /* [I] for /proc/swaps */
    char name[64];             /* [I] a path, cut if it is long */
    const void *key;           /* [I] the disk, or the file's inode; or NULL */
    struct blkdev *disk;       /* [I] or NULL: host says */
    struct swap_piece *pieces; /* [I] in order; kfree() when it ends */
    unsigned npieces;          /* [I] */
    void *host;                /* [I] of who made it */
    void (*end)(struct swap_space *s); /* [I] it is not in use any more */
    struct list all;                   /* [list] */
    bool leaving;                      /* [list] swapoff is at work */
};

/* A priority that is lower than that of all there are. */
#define SWAP_LAST (-1)

/* S, of PAGES pages with the header, whose disk and pieces are known, is in use from
 * now on, with what the header says.  -EINVAL: there is no good header; -ENOMEM, -EIO;
 * -EPERM: too many, as on Linux.  After an error it is the caller's.  => may sleep */
MUST_CHECK int swap_space_on(struct swap_space *s, uint64_t pages,
                             int priority);
/* The same for one that has no header, but SLOTS slots and an io() of its own. */
MUST_CHECK int swap_space_add(struct swap_space *s, uint64_t slots,
                              int priority);
/* The one of KEY, or called NAME (if that is not NULL), is not in use any more.
 * -EINVAL: there is none; or as swap_off().  => may sleep */
MUST_CHECK int swap_space_off(const void *key, const char *name);
/* What FN says of one after the other; NULL ends.  => FN may sleep, and takes no
 * lock before RANK_DEVICE */
void swap_space_each(void (*fn)(const struct swap_space *s, void *arg),
                     void *arg);

/* DISK as a whole.  -EBUSY: it is in use; -EROFS. */
MUST_CHECK int swap_on_disk(struct blkdev *disk, int priority);
/* A page was written to swap in memory, and nobody knows yet.  ext/mm/knob_meanwhile.c,
 * if it is there, may let something happen.  => as io() */
void swap_meanwhile(const struct page *page);
/* swap_memory.c: BYTES of memory, called "ram".  -ENOMEM, -EINVAL */
MUST_CHECK int swap_on_memory(size_t bytes, int priority);

#endif
