/* ramdisk.h: memory as a disk. */
#ifndef KERN_DRIVER_RAMDISK_H
#define KERN_DRIVER_RAMDISK_H

#include "driver/blk.h"

#define RAMDISK_PIECE (2ul << 20)
#define RAMDISK_MAX   (1ul << 30)

/* A new disk, "ram0" and so on, of SIZE bytes (whole sectors of them, at most
 * RAMDISK_MAX): piece i, the last one perhaps shorter, lies at PIECES[i]; the
 * memory is the disk's for ever.  NULL: there are enough of them. */
struct blkdev *ramdisk_create(char *const *pieces, size_t size);

/* What a disk of moving parts would take, in microseconds: for a chain of
 * requests, and for each 4 KiB; 0 and 0: nothing.  One chain after the other, so
 * the times of a run with a counting clock do not depend on the host. */
extern unsigned ramdisk_chain_us, ramdisk_page_us;

#endif
