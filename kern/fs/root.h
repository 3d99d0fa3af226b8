/* root.h: where the first root comes from. */
#ifndef KERN_FS_ROOT_H
#define KERN_FS_ROOT_H

#include "fs/tree.h"

/* What is in the boot archive of SIZE bytes, which stays where it is; an archive
 * that is bad in the middle gives what came before, and says so.  NULL: no
 * memory, or nobody who can read it (WEAK).  => at boot */
struct node *bootfs_create(const void *archive, size_t size);

/* Make ARCHIVE the root, with the devices in /dev.  -ENOMEM, -ENOENT */
int root_mount(const void *archive, size_t size);

#endif
