/* devfs.h: devices by name. */
#ifndef KERN_FS_DEVFS_H
#define KERN_FS_DEVFS_H

#include "fs/tree.h"
#include <util.h>

struct device { /* TABLE_ADD(device, ...) */
    const char *name;
    unsigned major, minor;
    const struct inode_ops *ops;
};
TABLE_DECLARE(device, struct device);

/* The folder of all devices; NULL: no memory.  => at boot */
struct node *devfs_create(void);

/* The disks, too, and links.  WEAK: none.  => at boot */
void devfs_add_disks(struct node *folder);
void devfs_add_links(struct node *folder);

/* The terminal.  What it is asked beyond reading and writing, and whether the
 * caller may write: 0, -EINTR (it has a signal that says why), -EIO.  May it
 * read: tty_may_read().  WEAK: -ENOTTY, 0.  => may sleep */
extern const struct inode_ops console_ops;
long console_control(unsigned cmd, uintptr_t arg);
int console_may_write(void);

#endif
