/* partition.h: the pieces a disk is cut into. */
#ifndef KERN_DRIVER_PARTITION_H
#define KERN_DRIVER_PARTITION_H

#include "driver/blk.h"

/* Register the partitions of DEV's GUID partition table, "vda1" and so on; BUF is
 * a page for our use.  Returns how many, 0 if there is no table; one that cannot
 * be right is refused with a line that says why.  => once per disk, at boot; one
 * thread; sleeps */
unsigned partition_scan(struct blkdev *dev, void *buf);

#endif
