/* tree.c: folders in memory, as lists.  Nothing is ever taken out, so look-ups
 * need no more than the folder's own lock, which the caller has. */
#include "fs/tree.h"

#include "fs/namehash.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

static uint64_t last_ino; /* [at boot] */

static const struct inode_ops folder_ops = {
    .lookup = tree_lookup,
    .readdir = tree_readdir,
};

static struct node *
node_of(struct inode *i)
{
    return container_of(i, struct node, inode);
}

static struct node *
node_create(const char *name, size_t len, uint32_t mode,
            const struct inode_ops *ops)
{
    struct node *n = kmalloc(sizeof(*n) + len + 1);

    if (n == NULL)
        return NULL;
    inode_init(&n->inode, ops ? ops : &folder_ops, mode, ++last_ino);
    list_init(&n->children);
    list_init(&n->sibling);
    memcpy(n->name, name, len);
    n->name[len] = 0;
    return n;
}

struct tree {
    struct super super;
    struct super_ops ops;
};

struct node *
tree_create(const char *type, bool keep)
{
    struct tree *t = kzalloc(sizeof(*t));
    struct node *n = node_create("", 0, S_IFDIR | 0755, NULL);

    if (n == NULL || t == NULL) {
        kfree(n);
        kfree(t);
        return NULL;
    }
    t->ops.name = type;
    t->ops.keep_names = keep;
    super_init(&t->super, &t->ops, type, false);
    t->super.root = &n->inode;
    n->inode.parent = &n->inode;
    n->inode.super = &t->super;
    n->inode.dev = t->super.dev;
    return n;
}

struct node *
tree_find(struct node *dir, const char *name, size_t len)
{
    list_for_each_entry (n, &dir->children, struct node, sibling) {
        if (strncmp(n->name, name, len) == 0 && n->name[len] == 0)
            return n;
    }
    return NULL;
}

int
tree_add(struct node *dir, const char *name, size_t len, uint32_t mode,
         const struct inode_ops *ops, void *host, struct node **made)
{
    struct node *n;

    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (tree_find(dir, name, len) != NULL)
        return -EEXIST;
    n = node_create(name, len, mode, ops);
    if (n == NULL)
        return -ENOMEM;
    n->inode.host = host;
    n->inode.parent = &dir->inode;
    n->inode.super = dir->inode.super;
    n->inode.dev = dir->inode.dev;
    if ((mode & S_IFMT) == S_IFDIR)
        dir->inode.nlink++;
    list_add_tail(&dir->children, &n->sibling);
    name_learned(&dir->inode, &(struct name){name, len, name_hash(name, len)},
                 &n->inode);
    if (made != NULL)
        *made = n;
    return 0;
}

int
tree_lookup(struct inode *dir, const char *name, size_t len,
            struct inode **found)
{
    struct node *n = tree_find(node_of(dir), name, len);

    if (n == NULL)
        return -ENOENT;
    inode_get(&n->inode);
    *found = &n->inode;
    return 0;
}

int
tree_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg)
{
    uint64_t at = 0;

    list_for_each_entry (n, &node_of(dir)->children, struct node, sibling) {
        if (at++ >= pos && !fill(arg, n->name, strlen(n->name), n->inode.ino,
                                 n->inode.mode, at))
            break;
    }
    return 0;
}
