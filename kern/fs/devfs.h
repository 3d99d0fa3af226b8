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

/* What the terminal is asked beyond the usual.  WEAK: -ENOTTY.  => may sleep */
long console_control(unsigned cmd, uintptr_t arg);

#endif
