/* pipe.h: two open files, one for each end of a row of bytes. */
#ifndef KERN_FS_PIPE_H
#define KERN_FS_PIPE_H

#include "fs/file.h"

#define PIPE_BUF  4096u  /* written as a whole */
#define PIPE_SIZE 65536u /* what fits in */

/* END[0] is read, END[1] written; each a reference.  FLAGS: O_NONBLOCK for both.
 * -ENOMEM */
int pipe_create(uint32_t flags, struct file *end[2]);

/* For kern/ext/fs/fifo.c: the inode of a pipe that nobody has open, or NULL; and
 * its operations.  Open files have it as their host, with a reference. */
struct inode *pipe_inode(void);
extern const struct inode_ops pipe_ops;
/* pipe_ops.open: waits for the other end.  -EINTR; -ENXIO: nobody would read */
int pipe_open(struct inode *i, struct file *f);

#endif
