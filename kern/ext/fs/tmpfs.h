/* tmpfs.h: what tmpfs.c keeps; a first reader may skip both. */
#ifndef KERN_EXT_FS_TMPFS_H
#define KERN_EXT_FS_TMPFS_H

#include "fs/inode.h"

#define TMPFS_SLOTS 8u /* of a new folder */

struct tmpfs {
    struct super super;
    uint64_t pages_max;   /* [I] */
    uint64_t pages;       /* [a] charged */
    uint64_t last_ino;    /* [a] */
    struct list all;      /* [inode_lock] tnode.all */
    uint64_t expect_refs; /* [inode_lock] of all inodes, if nobody uses any:
                           * entries, and folders for their parents */
};

struct entry {
    struct entry *next; /* of the same slot */
    struct list order;
    uint64_t hash, pos; /* POS grows with every entry ever made */
    struct inode *inode;
    uint8_t len;
    char name[];
};

struct tnode {
    struct inode inode;
    struct vm_object object; /* of a file */
    struct list all;
    struct list order;    /* [inode.lock] of a folder */
    struct entry **slots; /* [inode.lock] nslots of them, a power of two */
    size_t nslots, count; /* [inode.lock] */
    uint64_t last_pos;    /* [inode.lock] */
    char *target;         /* [I] of a link */
};

static inline struct tnode *
tnode_of(struct inode *i)
{
    return container_of(i, struct tnode, inode);
}

static inline struct tmpfs *
tmpfs_of(struct inode *i)
{
    return container_of(i->super, struct tmpfs, super);
}

/* How many references there are of inodes that nobody uses. */
static inline void
expect(struct inode *i, uint64_t n)
{
    spin_lock(&inode_lock);
    tmpfs_of(i)->expect_refs += n;
    spin_unlock(&inode_lock);
}

#endif
