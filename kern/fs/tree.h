/* tree.h: folders that live in memory only: the boot archive, /dev, /proc.
 * They are made at boot and never go away. */
#ifndef KERN_FS_TREE_H
#define KERN_FS_TREE_H

#include "fs/inode.h"

struct node {
    struct inode inode;
    struct list children, sibling; /* [I] after boot, in order of names added */
    char name[];
};

/* An empty folder, the root of a file system of TYPE; NULL: no memory.  KEEP: as
 * super_ops.keep_names. */
struct node *tree_create(const char *type, bool keep);
/* A new node NAME in DIR: a folder (OPS NULL), or what OPS make of it.
 * -EEXIST, -ENOMEM, -ENAMETOOLONG.  => at boot */
int tree_add(struct node *dir, const char *name, size_t len, uint32_t mode,
             const struct inode_ops *ops, void *host, struct node **made);
/* The child of that name, or NULL. */
struct node *tree_find(struct node *dir, const char *name, size_t len);

/* What the folders do; for those that add to it. */
int tree_lookup(struct inode *dir, const char *name, size_t len,
                struct inode **found);
int tree_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg);

#endif
