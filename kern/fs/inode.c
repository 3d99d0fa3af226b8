/* inode.c: the life of an inode.
 *
 *     made -> in use (refs > 0) <-> unused, but remembered (icache.c) -> released
 *                      └──────── no names, or never entered ───────────────┘
 *
 * A folder holds a reference of its parent, so ".." is there as long as the
 * folder is; when a folder goes, its parent may go with it, and so on upwards:
 * a loop, because nothing limits how deep folders lie. */
#include "fs/inode.h"

#include "fs/icache.h"
#include "schedule/clock.h"
#include <atomic.h>
#include <string.h>

struct inode *root_inode;

void
inode_init(struct inode *i, const struct inode_ops *ops, uint32_t mode,
           uint64_t ino)
{
    static uint64_t last_ident; /* [a] */

    memset(i, 0, sizeof(*i));
    i->ident = (atomic_add(&last_ident, 1) + 1) * 0x9e3779b97f4a7c15ul;
    mutex_init(&i->lock, RANK_INODE);
    i->refs = 1;
    i->mode = mode;
    i->nlink = 1;
    i->ino = ino;
    i->ops = ops;
    list_init(&i->locks);
    list_init(&i->hash);
    list_init(&i->of_super);
    list_init(&i->unused);
}

struct inode *
inode_release(struct inode *i)
{
    struct inode *parent = i->parent;

    if (i->ops->release != NULL)
        i->ops->release(i);
    return parent != i ? parent : NULL;
}

void
inode_put_last(struct inode *i)
{
    do
        i = icache_last_put(i) ? inode_release(i) : NULL;
    while (i != NULL && !inode_put_one(i));
}

void
inode_set_parent(struct inode *i, struct inode *dir)
{
    struct inode *old;

    if (i->parent == dir)
        return;
    inode_get(dir);
    spin_lock(&inode_lock);
    old = i->parent;
    i->parent = dir;
    spin_unlock(&inode_lock);
    if (old != NULL && old != i)
        inode_put(old);
}

struct inode *
inode_parent(struct inode *i)
{
    struct inode *parent;

    spin_lock(&inode_lock);
    parent = i->parent;
    if (parent != NULL)
        inode_get(parent);
    spin_unlock(&inode_lock);
    return parent;
}

int64_t
inode_now(void)
{
    return wall_ns();
}

void
inode_pin(struct vm_object *obj)
{
    inode_get(obj->host);
}

void
inode_unpin(struct vm_object *obj)
{
    inode_put(obj->host);
}
