/* swap_file.h: swap in a file; adds to ext/mm/swap_space.h, a first reader may skip
 * it. */
#ifndef KERN_EXT_FS_SWAP_FILE_H
#define KERN_EXT_FS_SWAP_FILE_H

#include "ext/mm/swap_space.h"
#include "fs/inode.h"

/* The regular file I, called NAME, which cannot be changed from now on.  -EBUSY: it is
 * in use so; -EINVAL: of such a file system, or with holes; or as
 * swap_space_on().  => may sleep */
MUST_CHECK int swap_on_file(struct inode *i, const char *name, int priority);

#endif
