/* tree.h: files of this computer into a file system, and back. */
#ifndef TOOLS_SFS_TREE_H
#define TOOLS_SFS_TREE_H

#include "tools/sfs/host.h"

#include "fs/sfs/impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What a tree needs. */
struct tree_size {
    uint64_t blocks, inodes, bytes;
};

struct tree_options {
    bool keep_times; /* else host_clock */
    bool keep_owner; /* else root */
};

/* Say what went wrong and return false. */
bool complain(const char *what, int err);

/* The inode of PATH in FS with a reference; links are not followed. */
int tree_walk(struct sfs *fs, const char *path, struct inode **found);
/* The folder of the last component of PATH, which is copied to NAME. */
int tree_parent(struct sfs *fs, const char *path, struct inode **dir,
                char *name);
/* Add up what is below the folder PATH of the host. */
bool tree_measure(const char *path, struct tree_size *size);
/* Copy the file PATH of the host, or all that is in the folder, to DIR. */
bool tree_put(struct inode *dir, const char *name, const char *path,
              const struct tree_options *o);
bool tree_put_all(struct inode *dir, const char *path,
                  const struct tree_options *o);
/* Write N bytes from POS on; the file grows. */
int tree_write(struct inode *i, uint64_t pos, const void *buf, size_t n);
/* Copy the inode I to PATH on the host. */
bool tree_get(struct inode *i, const char *path);
/* All entries of DIR in the order of their names; the caller frees. */
struct tree_entry {
    char name[NAME_MAX + 1];
    uint64_t ino;
    uint32_t mode;
};
int tree_list(struct inode *dir, struct tree_entry **entries, size_t *n);
/* The inode NAME of DIR, by the VFS's operations. */
int tree_lookup(struct inode *dir, const char *name, struct inode **found);
/* The lock that operations want to be held; nobody else is here. */
void tree_lock(struct inode *i);
void tree_unlock(struct inode *i);

#endif
