/* root.h: where the first root comes from. */
#ifndef KERN_FS_ROOT_H
#define KERN_FS_ROOT_H

#include "fs/tree.h"
#include <util.h>

struct mount {        /* TABLE_ADD(mount, ...): what else every root has */
    const char *path; /* "/proc"; made if it is missing */
    /* A new file system for it, not attached; NULL: none */
    struct super *(*create)(void);
};
TABLE_DECLARE(mount, struct mount);

/* What is in the boot archive of SIZE bytes, which stays where it is; an archive
 * that is bad in the middle gives what came before, and says so.  NULL: no
 * memory, or nobody who can read it (WEAK).  => at boot */
struct node *bootfs_create(const void *archive, size_t size);

/* Make ARCHIVE the root, with the devices in /dev and the table
 * "mount".  -ENOMEM, -ENOENT */
int root_mount(const void *archive, size_t size);

/* S covers the folder PATH, which is made if it is missing.  => at boot */
int root_mount_at(const char *path, struct super *s);

#endif
