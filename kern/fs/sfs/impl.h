/* impl.h: what the files of sfs/ share; nobody else includes it but the tools.
 *
 *     names.c   create, link, rename, remove      inode.c   inodes in memory
 *     dir.c     folders                 page.c    pages of files <-> the disk
 *     bmap.c    page -> block           alloc.c   which blocks and inodes are free
 *     journal.c commit.c replay.c: the journal    super.c   mount, unmount, what is wrong
 *
 * A block of metadata is a page of fs->meta, by its number; it is changed only in a
 * handle, after journal_join(), and in place on the disk only after that was
 * committed.  Locks, first to last:
 *
 *     inode lock -> page lock -> a handle (waits for room)
 *         -> si->map: the map of one file   -> fs->freemap: the maps of free
 *
 * The last two are spinlocks, so nothing is read under them.  What is not in
 * memory then is named in h->need, and -EAGAIN goes up to who holds no spinlock:
 * he calls sfs_again() and tries once more. */
#ifndef KERN_FS_SFS_IMPL_H
#define KERN_FS_SFS_IMPL_H

#include "driver/blk.h"
#include "fs/inode.h"
#include "fs/sfs/sfs.h"
#include <atomic.h>
#include <errno.h>

#define SFS_SECTORS (SFS_BLOCK / SECTOR_SIZE)
#define SFS_IOS     8u
#define SFS_IO_SEGS 64u

/* One request, from a pool: what ends in an interrupt may not free memory. */
struct sfs_io {
    struct list link; /* free ones */
    struct blk_request r;
    struct sfs *fs;
    struct vm_object *obj; /* whose pages these are; NULL: of BATCH */
    struct sfs_batch *batch;
    struct blk_seg segs[SFS_IO_SEGS];
};

/* Requests somebody waits for together. */
struct sfs_batch {
    unsigned pending; /* [fs->wq.lock] */
    int err;          /* [fs->wq.lock] the first one */
};

struct sfs {
    struct super super;
    struct blkdev *dev;    /* [I] */
    struct sfs_places at;  /* [I] */
    uint32_t nblocks;      /* [I] */
    uint32_t ninodes;      /* [I] */
    struct vm_object meta; /* blocks of metadata */
    struct page *sb_page;  /* [I] block 0 */
    struct sfs_super *sb;  /* [I] in it; counts: [freemap] */
    struct spinlock freemap;
    uint32_t next_block;       /* [freemap] where to look first */
    uint32_t low_inode;        /* [freemap] all before are used */
    struct page *last_freemap; /* [freemap] see alloc.c */
    struct page *last_imap;    /* [freemap] */
    struct vm_object freed[2]; /* [freemap] bits freed by the open transaction
                                 * (tid & 1) and by the one before */
    struct wait_queue wq;      /* its lock: all below */
    struct list ios;           /* free ones */
    struct list dirty;         /* inodes with attributes to store */
    struct list ordered;       /* inodes with new blocks */
    struct list orphans;       /* inodes to free, or to cut */
    struct list leaving;       /* inodes a commit is through with */
    unsigned norphans;
    /* The journal. */
    uint64_t tid;             /* the open transaction */
    uint64_t done;            /* the last one that was committed */
    unsigned handles;         /* open ones */
    unsigned reserved;        /* blocks they may still join */
    unsigned count;           /* blocks that joined */
    unsigned room;            /* [I] the most of them */
    struct page **joined[2];  /* by tid & 1 */
    struct page **log;        /* the committer's: the list, then copies */
    bool closing;             /* no new handles */
    bool busy;                /* somebody commits */
    unsigned putting;         /* threads that give back what a commit held */
    bool has_thread;          /* commits when it is full */
    bool wanted, leave, left; /* the thread: commit; go; gone */
    int broken;               /* an errno: nothing is written any more */
    struct sfs_io *io_pool;
};

struct sfs_inode {
    struct inode inode;
    struct vm_object object; /* of a file */
    struct spinlock map;     /* the block map below D */
    struct sfs_dinode *d; /* in PAGE; attributes: as in INODE, if not DIRTY */
    struct page *page;    /* [I] a reference */
    uint32_t goal;        /* [map] where its next block is best */
    uint32_t cut;         /* [inode lock] pages that are being cut from */
    uint64_t
        placed; /* [a] pages that have blocks: the first, and << 32 the end;
                      * stored under [map], 0: none is known */
    struct list dirty, ordered, orphan; /* [fs->wq.lock] */
    struct list leaving;                /* [fs->wq.lock] on fs->leaving */
    unsigned puts;             /* [fs->wq.lock] references to give back */
    uint64_t new_from, new_to; /* [fs->wq.lock] pages of new blocks */
};

static inline struct sfs_inode *
sfs_inode(struct inode *i)
{
    return container_of(i, struct sfs_inode, inode);
}

static inline struct sfs *
sfs_of(const struct inode *i)
{
    return container_of(i->super, struct sfs, super);
}

/* --- super.c --- */

/* Mount what is on DEV.  THREAD: with one that commits every few seconds; else
 * whoever fills the journal commits.  => may sleep.  0, -EINVAL: no such file
 * system or a wrong one (one line says why), -EIO, -ENOMEM, -EROFS */
int sfs_mount(struct blkdev *dev, bool readonly, bool thread,
              struct sfs **made);
void sfs_unmount(struct super *s);
/* Something on the disk cannot be: say so, and write no more.  Returns -EIO. */
int sfs_bad(struct sfs *fs, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What is wrong with a super block on a disk of so many blocks; NULL: nothing. */
const char *sfs_super_wrong(const struct sfs_super *sb, uint64_t nblocks);
/* The page of BLOCK, filled, with a reference.  => may sleep, no spinlock */
int sfs_meta(struct sfs *fs, uint32_t block, struct page **page);
/* The same if it is in memory, else NULL.  => any lock before RANK_OBJECT */
struct page *sfs_meta_find(struct sfs *fs, uint32_t block);

/* --- journal.c --- */

/* Leave to change metadata: at most CREDITS blocks. */
struct sfs_handle {
    struct sfs *fs;
    unsigned left, credits;
    bool open;
    uint32_t
        need; /* the block to read before the next try; 0: another handle */
};

/* Wait until there is room.  => may sleep; not within a handle; no lock but an
 * inode's and a page's.  0, or why nothing can be written */
MUST_CHECK int journal_begin(struct sfs_handle *h, struct sfs *fs,
                             unsigned credits);
void journal_end(struct sfs_handle *h);
/* page->policy of metadata: the transaction it joined, where in its list, and
 * one bit of dir.c. */
#define JOINED(tid, slot) ((tid) << 17 | (uint64_t)(slot) << 1)
#define JOINED_TID(p)     ((p)->policy >> 17)
#define JOINED_SLOT(p)    ((p)->policy >> 1 & 0xffff)

MUST_CHECK int journal_join_first(struct sfs_handle *h, struct page *page);
/* PAGE, of metadata, is about to change.  => in a handle.  0; -EAGAIN: the handle
 * is used up; -EIO */
MUST_CHECK static inline int
journal_join(struct sfs_handle *h, struct page *page)
{
    return JOINED_TID(page) == h->fs->tid ? 0 : journal_join_first(h, page);
}
/* PAGE is free: it need not be logged. */
void journal_forget(struct sfs *fs, struct page *page);
/* All that was done before is on the disk when this returns. => no handle, no
 * page lock; may sleep */
int journal_commit(struct sfs *fs);
void journal_wait_put(struct sfs *fs); /* commits hold no inodes any more */
bool journal_idle(struct sfs *fs);     /* nothing to commit */
/* A commit may give back blocks that were freed: then 0, after it. */
int journal_reclaim(struct sfs *fs);
/* Read what H needs, or get a new handle.  => in H, no spinlock; after an error
 * the handle is still open */
int sfs_again(struct sfs_handle *h, int err);

/* --- replay.c --- */

/* Put the blocks of the last transaction in their places; *ORPHANS are to be
 * freed by kfree(), even after an error. */
int journal_replay(struct sfs *fs, uint32_t **orphans, unsigned *norphans);
int journal_start(struct sfs *fs, bool thread);
void journal_stop(struct sfs *fs); /* also after journal_start() failed */

/* --- alloc.c --- */

/* All of these: => in a handle; 0, -EAGAIN, -ENOMEM, -EIO */
/* A free block, best GOAL or soon after; -ENOSPC. */
int sfs_alloc(struct sfs_handle *h, uint32_t goal, uint32_t *block);
/* BLOCK is free after the next commit. META: it was metadata */
int sfs_free(struct sfs_handle *h, uint32_t block, bool meta);
int sfs_alloc_inode(struct sfs_handle *h, uint32_t *ino);
int sfs_free_inode(struct sfs_handle *h, uint32_t ino);
/* A new block of metadata, all zeros, joined; with a reference. */
int sfs_alloc_meta(struct sfs_handle *h, uint32_t goal, struct page **page);

/* SI has N blocks more.  => its page is joined */
static inline void
sfs_count_blocks(struct sfs_inode *si, int n)
{
    si->d->nblocks += (uint32_t)n;
    atomic_store(&si->inode.blocks, (uint64_t)si->d->nblocks * SFS_SECTORS);
}

/* Is NUMBER, of a page in a map, a block with the page's contents? */
static inline bool
sfs_placed(uint32_t number)
{
    return number != 0 && !(number & SFS_UNWRITTEN);
}

static inline bool
sfs_is_data(const struct sfs *fs, uint32_t block)
{
    return block >= fs->at.data && block < fs->nblocks;
}

/* --- bmap.c --- */

/* The numbers of at most N pages from INDEX on, with SFS_UNWRITTEN.  Returns how
 * many, at least 1.  WRITES: pages that have blocks are noted in SI->placed.
 * => may sleep */
int sfs_map(struct sfs_inode *si, uint64_t index, uint32_t *block, unsigned n,
            bool writes);
/* Page INDEX has a block; with the mark UNWRITTEN if it had none.  Without, it
 * will be written before the next commit.  => in a handle of SFS_MAP_CREDITS;
 * may sleep.  0, -ENOSPC, -ENOMEM, -EIO, -EFBIG */
int sfs_map_add(struct sfs_handle *h, struct sfs_inode *si, uint64_t index,
                bool unwritten);
#define SFS_MAP_CREDITS 8u
/* The last page of SI is to be written before the next commit, if it is dirty. */
void sfs_note_new(struct sfs_inode *si, uint64_t index);
/* Free what page FROM and those behind it have, in as many handles as it takes. */
int sfs_map_cut(struct sfs_inode *si, uint64_t from);
uint64_t sfs_next_block(struct inode *i, uint64_t index, uint64_t end);
int sfs_punch(struct inode *i, uint64_t index);

/* --- dir.c, dirchange.c --- */

/* The blocks from the top to a leaf, each with a reference, and which index was
 * followed in each but the last. */
struct sfs_path {
    unsigned n;
    struct page *page[SFS_DIR_LEVELS];
    unsigned at[SFS_DIR_LEVELS];
    uint64_t end; /* position where the next leaf begins */
};
void sfs_path_put(struct sfs_path *p);

struct sfs_spot { /* where a name will be */
    struct sfs_path path;
    uint32_t hash;
};

#define SFS_DIR_CREDITS 12u /* of one insertion or removal */
int sfs_dir_find(struct inode *dir, const char *name, size_t len,
                 uint32_t *ino);
/* Make room for NAME, at *SPOT, which is to be given to sfs_path_put(), unless this
 * failed.  The handle may be another one then. */
int sfs_dir_room(struct sfs_handle *h, struct inode *dir, const char *name,
                 size_t len, struct sfs_spot *spot);
int sfs_dir_add(struct sfs_handle *h, struct inode *dir, struct sfs_spot *spot,
                const char *name, size_t len, uint32_t ino, uint32_t mode);
/* The entry NAME leads to INO now. */
int sfs_dir_set(struct sfs_handle *h, struct inode *dir, const char *name,
                size_t len, uint32_t ino, uint32_t mode);
int sfs_dir_remove(struct sfs_handle *h, struct inode *dir, const char *name,
                   size_t len);
int sfs_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg);
/* Free the blocks of an empty folder. */
int sfs_dir_free(struct sfs_handle *h, struct inode *dir);
/* What is wrong with a block of folder INO; NULL: nothing. */
const char *sfs_dir_wrong(const struct sfs *fs, const void *block, uint32_t ino,
                          unsigned level);

/* --- names.c --- */

extern const struct inode_ops sfs_inode_ops;

/* --- inode.c --- */

int sfs_inode_get(struct sfs *fs, uint32_t ino, struct inode **found);
/* What is wrong with an inode; NULL: nothing. */
const char *sfs_inode_wrong(const struct sfs *fs, const struct sfs_dinode *d);
/* In memory for a new inode; its place on the disk is joined and empty. */
int sfs_inode_new(struct sfs_handle *h, uint32_t ino, uint32_t mode,
                  uint64_t rdev, struct sfs_inode **made);
void sfs_inode_undo(struct sfs_inode *si); /* it was never seen by anybody */
/* Store the attributes. => in a handle with a credit */
int sfs_store(struct sfs_handle *h, struct sfs_inode *si);
void sfs_dirty(struct inode *i);
/* Store those of all inodes that changed. */
int sfs_store_all(struct sfs *fs);
/* What cannot be written any more holds no inodes.  => at unmount */
void sfs_forget_changes(struct sfs *fs);
/* If the power goes, SI is to be freed, or cut, or not any more. => in a handle */
void sfs_orphan(struct sfs_inode *si, bool on);
/* Cut what an earlier truncate could not.  => nobody makes SI longer */
int sfs_finish_cut(struct sfs_inode *si);
/* Free those that could not be freed before; or FORGET them, for the next mount.
 * => at unmount: nobody uses an inode */
void sfs_retry_orphans(struct sfs *fs, bool forget);
void sfs_release(struct inode *i);
void sfs_inode_end(struct inode *i); /* its object has gone, too */

/* --- page.c --- */

extern const struct pager_ops sfs_pager;
int sfs_truncate(struct inode *i, uint64_t size);
int sfs_allocate(struct inode *i, uint64_t pos, uint64_t end);
int sfs_sync(struct inode *i, bool data);
/* Pages of new blocks are on the disk. */
int sfs_write_new(struct sfs_inode *si, uint64_t from, uint64_t to);
int sfs_io_start(struct sfs *fs);
void sfs_io_stop(struct sfs *fs);
/* Read or write N pages that lie at BLOCK on, for BATCH. */
void sfs_io_pages(struct sfs *fs, struct sfs_batch *b, enum blk_op op,
                  uint32_t block, struct page **pages, unsigned n);
int sfs_io_wait(struct sfs *fs, struct sfs_batch *b);

#endif
