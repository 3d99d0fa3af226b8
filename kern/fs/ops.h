/* ops.h: what changes names and inodes.  Every process is user 0 as yet, so what
 * Linux allows only to root and owners (sticky folders, owners' attributes) is
 * allowed. */
#ifndef KERN_FS_OPS_H
#define KERN_FS_OPS_H

#include "fs/inode.h"

#define LINK_MAX 65000u /* names of an inode, or folders in a folder */

#define RENAME_NOREPLACE 1u

/* DIR and the name as namei_parent() gives them.  All may sleep, with no lock held,
 * and return 0 or a negative errno: -ENOENT (also: DIR was removed), -EROFS, what
 * is said here, and what the file system says (-ENOSPC, -EIO, -ENOMEM).
 * MADE may be NULL; else it gets a reference.
 * -EEXIST */
int fs_create(struct inode *dir, struct name n, uint32_t mode, uint64_t rdev,
              struct inode **made);
int fs_symlink(struct inode *dir, struct name n, const char *target);
/* -EPERM: OLD is a folder; -EXDEV; -EMLINK */
int fs_link(struct inode *dir, struct name n, struct inode *old);
/* FOLDER: what rmdir() does.  -EISDIR, -ENOTDIR, -ENOTEMPTY, -EBUSY, -EINVAL */
int fs_unlink(struct inode *dir, struct name n, bool folder);
/* FOLDER: what moves must be one.  -EXDEV, -EINVAL (below itself), -ENOTEMPTY,
 * -EISDIR, -ENOTDIR, -EBUSY, -EEXIST, -EMLINK */
int fs_rename(struct inode *dir, struct name name, struct inode *to_dir,
              struct name to_name, unsigned flags, bool folder);

/* The file I has SIZE bytes now.  -EISDIR, -EINVAL: no file; -EFBIG */
int fs_truncate(struct inode *i, uint64_t size);

/* Room for [POS, END) of I; unless KEEP it becomes that long.  -EISDIR, -ENODEV,
 * -EOPNOTSUPP, -EFBIG, -ENOSPC */
int fs_allocate(struct inode *i, uint64_t pos, uint64_t end, bool keep);
/* [POS, END) becomes a hole: it reads as zeros, and the blocks that lie in it are
 * given back; the size stays.  -EISDIR, -ENODEV, -EROFS, -EOPNOTSUPP */
int fs_punch(struct inode *i, uint64_t pos, uint64_t end);

#endif
