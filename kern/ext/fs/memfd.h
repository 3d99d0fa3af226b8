/* memfd.h: files without names; a first reader may skip it. */
#ifndef KERN_EXT_FS_MEMFD_H
#define KERN_EXT_FS_MEMFD_H

#include "fs/inode.h"

/* A new one, with a reference.  -ENOMEM, -ENOSYS: there is no tmpfs */
int memfd_inode(struct inode **made);

#endif
