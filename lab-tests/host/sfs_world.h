/* sfs_world.h: a small disk with our file system, for host tests; and what the VFS
 * does for a call, as short as it can be.
 *
 *     the test        w_write(), w_unlink() ... by path
 *     kern/fs/sfs     as it is, see tools/sfs/host.h
 *     struct disk     in memory; may record, may fail
 *
 * => included once */
#ifndef HOST_SFS_WORLD_H
#define HOST_SFS_WORLD_H

#include "tools/sfs/check.h"

#include "mm/failpoint.h"
#include "shim.h"

#define W_BLOCKS 400u
#define W_SIZE   ((size_t)W_BLOCKS * SFS_BLOCK)
#define W_JUNK   0xee /* what free blocks have before they are used */
#define W_UNUSED __attribute__((unused))

static struct sfs *w_fs;

/* An empty file system on D, whose free blocks are junk. */
static W_UNUSED void
w_format(struct disk *d, char *data, uint64_t ninodes)
{
    struct sfs_format f = {.nblocks = d->dev.nsectors / SFS_SECTORS,
                           .ninodes = ninodes,
                           .label = "test"};
    struct sfs_places p;

    memset(data, 0, f.nblocks * SFS_BLOCK);
    if (sfs_format(d, &f) != 0)
        abort();
    p = sfs_places((uint32_t)f.nblocks, ((struct sfs_super *)data)->ninodes,
                   ((struct sfs_super *)data)->half);
    memset(data + p.journal * (size_t)SFS_BLOCK, W_JUNK,
           (f.nblocks - p.journal) * SFS_BLOCK);
}

static W_UNUSED int
w_mount(struct disk *d)
{
    return sfs_mount(&d->dev, false, false, &w_fs);
}

/* All dirty pages of all files, then the file system. */
static W_UNUSED int
w_sync(void)
{
    int err = 0;

    list_for_each_entry (i, &w_fs->super.inodes, struct inode, of_super) {
        if (i->object != NULL && err == 0)
            err = sfs_write_new(sfs_inode(i), 0, object_pages(i->object));
    }
    return err == 0 ? w_fs->super.ops->sync(&w_fs->super) : err;
}

static W_UNUSED void
w_unmount(void)
{
    if (w_fs->broken == 0)
        w_sync();
    sfs_unmount(&w_fs->super);
    w_fs = NULL;
}

/* --- calls by path --- */

static W_UNUSED int
w_create(const char *path, uint32_t mode, const char *text)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *i;
    int err = tree_parent(w_fs, path, &dir, name);

    if (err != 0)
        return err;
    err = tree_lookup(dir, name, &i);
    if (err == 0) {
        inode_put(i);
        err = -EEXIST;
    } else if (err == -ENOENT) {
        tree_lock(dir);
        err = text != NULL
                  ? dir->ops->symlink(dir, name, strlen(name), text, &i)
                  : dir->ops->create(dir, name, strlen(name), mode, 0, &i);
        tree_unlock(dir);
        if (err == 0)
            inode_put(i);
    }
    inode_put(dir);
    return err;
}

static W_UNUSED int
w_write(const char *path, uint64_t pos, const void *buf, size_t n)
{
    struct inode *i;
    int err = tree_walk(w_fs, path, &i);

    if (err != 0)
        return err;
    err = i->object == NULL ? -EINVAL : tree_write(i, pos, buf, n);
    inode_put(i);
    return err;
}

static int
drop_from(struct inode *i, uint64_t from)
{
    for (uint64_t index = from; i->object->npages > 0 && index < from + 4096;
         index++) {
        struct page *page = object_find(i->object, index);

        if (page == NULL)
            continue;
        page_lock(page);
        object_remove(i->object, page);
        page_unlock(page);
        object_settle(i->object, page);
        page_put(page);
    }
    return 0;
}

static W_UNUSED int
w_truncate(const char *path, uint64_t size)
{
    static const char zeros[SFS_BLOCK];
    struct inode *i;
    uint64_t old;
    int err = tree_walk(w_fs, path, &i);

    if (err != 0)
        return err;
    if (i->object == NULL) {
        inode_put(i);
        return -EINVAL;
    }
    old = i->object->size;
    if (size < old && size % SFS_BLOCK != 0)
        err = tree_write(i, size, zeros,
                         MIN(SFS_BLOCK - size % SFS_BLOCK, old - size));
    if (err == 0)
        drop_from(i, (size + SFS_BLOCK - 1) / SFS_BLOCK);
    if (err == 0)
        err = i->ops->truncate(i, size);
    inode_put(i);
    return err;
}

static W_UNUSED int
w_allocate(const char *path, uint64_t pos, uint64_t end)
{
    struct inode *i;
    int err = tree_walk(w_fs, path, &i);

    if (err != 0)
        return err;
    err = i->object == NULL ? -EINVAL : i->ops->allocate(i, pos, end);
    if (err == 0 && end > i->object->size) {
        i->size = i->object->size = end;
        i->ops->dirty(i);
    }
    inode_put(i);
    return err;
}

static W_UNUSED int
w_link(const char *from, const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *old, *there;
    int err = tree_walk(w_fs, from, &old);

    if (err != 0)
        return err;
    err = tree_parent(w_fs, path, &dir, name);
    if (err == 0) {
        err = tree_lookup(dir, name, &there);
        if (err == 0) {
            inode_put(there);
            err = -EEXIST;
        } else if (err == -ENOENT) {
            err = (old->mode & S_IFMT) == S_IFDIR
                      ? -EPERM
                      : dir->ops->link(dir, name, strlen(name), old);
        }
        inode_put(dir);
    }
    inode_put(old);
    return err;
}

static W_UNUSED int
w_unlink(const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *i;
    int err = tree_parent(w_fs, path, &dir, name);

    if (err != 0)
        return err;
    err = tree_lookup(dir, name, &i);
    if (err == 0) {
        err = dir->ops->unlink(dir, name, strlen(name), i);
        inode_put(i);
    }
    inode_put(dir);
    return err;
}

static W_UNUSED int
w_rename(const char *from, const char *to)
{
    char name[NAME_MAX + 1], to_name[NAME_MAX + 1];
    struct inode *dir, *to_dir = NULL, *i = NULL, *old = NULL;
    int err = tree_parent(w_fs, from, &dir, name);

    if (err != 0)
        return err;
    err = tree_lookup(dir, name, &i);
    if (err == 0)
        err = tree_parent(w_fs, to, &to_dir, to_name);
    if (err == 0) {
        err = tree_lookup(to_dir, to_name, &old);
        err = err == -ENOENT ? 0 : err;
    }
    if (err == 0 && old != i) {
        bool folder = (i->mode & S_IFMT) == S_IFDIR;

        if (old != NULL && folder != ((old->mode & S_IFMT) == S_IFDIR))
            err = folder ? -ENOTDIR : -EISDIR;
        else
            err = dir->ops->rename(dir, name, strlen(name), i, to_dir, to_name,
                                   strlen(to_name), old);
    }
    if (old != NULL)
        inode_put(old);
    if (to_dir != NULL)
        inode_put(to_dir);
    if (i != NULL)
        inode_put(i);
    inode_put(dir);
    return err;
}

/* All dirty pages of a small file, then the file; MAPPED: as msync(), which knows
 * only the object. */
static int
sync_path(const char *path, bool mapped)
{
    struct inode *i;
    int err = tree_walk(w_fs, path, &i);

    if (err != 0)
        return err;
    if (i->object != NULL)
        err = sfs_write_new(sfs_inode(i), 0, object_pages(i->object));
    if (err == 0 && !mapped)
        err = i->ops->sync(i, false);
    else if (err == 0 && i->object != NULL && i->object->ops->sync != NULL)
        err = i->object->ops->sync(i->object);
    inode_put(i);
    return err;
}

static W_UNUSED int
w_fsync(const char *path)
{
    return sync_path(path, false);
}

static W_UNUSED int
w_msync(const char *path)
{
    return sync_path(path, true);
}

#endif
