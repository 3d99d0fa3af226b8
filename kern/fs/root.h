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

/* Make S the root, with the devices in /dev and the table "mount".  => at boot.
 * 0, -ENOMEM, or what a folder that must be made says */
int root_mount(struct super *s);
/* ... ARCHIVE; also -ENOENT: it is none. */
int root_mount_archive(const void *archive, size_t size);
/* root_disk.c: ... what the disk NAME holds; "": the first disk that holds a file
 * system, else ARCHIVE; "archive".  -ENOENT: there is neither.  Refuses to boot if
 * NAME holds none, or one that cannot be mounted. */
int root_find(const char *name, const void *archive, size_t size);

/* S covers the folder PATH, which is made if it is missing.  => at boot */
int root_mount_at(const char *path, struct super *s);

#endif
