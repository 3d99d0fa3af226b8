/* root.c: the first root, and what every root has. */
#include "fs/root.h"

#include "fs/devfs.h"
#include "fs/ops.h"
#include <errno.h>
#include <string.h>
#include <util.h>

WEAK struct node *
bootfs_create(const void *archive, size_t size)
{
    return NULL;
}

/* The folder PATH is missing. */
static int
make_folder(const struct walk *w, const char *path)
{
    struct last last;
    struct inode *dir;
    int err = namei_parent(w, path, 0, &dir, &last);

    if (err != 0)
        return err;
    if (dir->ops->lookup == tree_lookup)
        err = tree_add(container_of(dir, struct node, inode), last.name.text,
                       last.name.len, S_IFDIR | 0755, NULL, NULL, NULL);
    else
        err = fs_create(dir, last.name, S_IFDIR | 0755, 0, NULL);
    inode_put(dir);
    return err;
}

int
root_mount_at(const char *path, struct super *s)
{
    const struct walk w = {.root = root_inode, .cwd = root_inode};
    struct inode *at;
    int err;

    if (s == NULL)
        return -ENOMEM;
    err = namei(&w, path, 0, &at);
    if (err == -ENOENT) {
        err = make_folder(&w, path);
        if (err == 0)
            err = namei(&w, path, 0, &at);
    }
    if (err != 0)
        return err;
    err = super_attach(s, at);
    inode_put(at);
    return err;
}

int
root_mount(struct super *s)
{
    struct node *dev;
    int err = super_attach(s, NULL);

    dev = devfs_create();
    if (err == 0)
        err = root_mount_at("/dev", dev == NULL ? NULL : dev->inode.super);
    TABLE_FOR_EACH (mount, struct mount, m) {
        struct super *more = (*m)->create();

        if (err == 0 && more != NULL)
            err = root_mount_at((*m)->path, more);
    }
    return err;
}

int
root_mount_archive(const void *archive, size_t size)
{
    struct node *root = bootfs_create(archive, size);

    return root == NULL ? -ENOENT : root_mount(root->inode.super);
}
