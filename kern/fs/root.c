/* root.c: the first root, and what every root has. */
#include "fs/root.h"

#include "fs/devfs.h"
#include <errno.h>
#include <string.h>
#include <util.h>

WEAK struct node *
bootfs_create(const void *archive, size_t size)
{
    return NULL;
}

/* ROOT appears at NAME below the root; the folder is made if it is missing. */
static int
mount_below(struct node *root, const char *name, size_t len, struct node *what)
{
    struct node *at = tree_find(root, name, len);
    int err = 0;

    if (what == NULL)
        return -ENOMEM;
    if (at == NULL)
        err = tree_add(root, name, len, S_IFDIR | 0755, NULL, NULL, &at);
    return err != 0 ? err : super_attach(what->inode.super, &at->inode);
}

int
root_mount(const void *archive, size_t size)
{
    struct node *root = bootfs_create(archive, size);
    int err;

    if (root == NULL)
        return -ENOENT;
    err = super_attach(root->inode.super, NULL);
    if (err == 0)
        err = mount_below(root, "dev", 3, devfs_create());
    TABLE_FOR_EACH (mount, struct mount, m) {
        if (err == 0)
            err = mount_below(root, (*m)->name, strlen((*m)->name),
                              (*m)->create());
    }
    return err;
}
