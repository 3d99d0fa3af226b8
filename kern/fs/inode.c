/* inode.c: the life of an inode.  A file system decides what the end means. */
#include "fs/inode.h"

#include <atomic.h>
#include <string.h>

struct inode *root_inode;

void
inode_init(struct inode *i, const struct inode_ops *ops, uint32_t mode,
           uint64_t ino)
{
    memset(i, 0, sizeof(*i));
    mutex_init(&i->lock, RANK_INODE);
    i->refs = 1;
    i->mode = mode;
    i->nlink = 1;
    i->ino = ino;
    i->ops = ops;
}

void
inode_get(struct inode *i)
{
    atomic_add(&i->refs, 1);
}

void
inode_put(struct inode *i)
{
    if (atomic_add_acq_rel(&i->refs, -1) == 1 && i->ops->release != NULL)
        i->ops->release(i);
}
