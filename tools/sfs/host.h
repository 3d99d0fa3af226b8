/* host.h: the kernel's file system on this computer.
 *
 *     mksfs, fsck.sfs, sfs, tests
 *     kern/fs/sfs, kern/fs/inode icache mount, kern/mm/object ...   as they are
 *     host.c     frames, kmalloc, no threads    disk.c    disks in files
 *     lab-tests/host/shim    a hart, locks that are always free
 *
 * => the first include of every file, by -include: the C library has a
 * sched_yield(), too, and the kernel's is meant below */
#ifndef TOOLS_SFS_HOST_H
#define TOOLS_SFS_HOST_H

#include "arch/riscv/cpu.h"
#define sched_yield kernel_sched_yield

#include "driver/blk.h"
#include <string.h>

size_t strlcpy(char *to, const char *from, size_t size); /* not all have it */

/* Memory of so many frames. */
void host_start(size_t frames);
size_t host_frames_used(void);
size_t host_objects(void); /* from kmalloc(), not freed */
/* What wall_ns() says. */
extern int64_t host_clock;

/* --- disk.c --- */

struct disk {
    struct blkdev dev;
    int (*read)(struct disk *d, uint64_t pos, void *buf, size_t n);
    int (*write)(struct disk *d, uint64_t pos, const void *buf, size_t n);
    int (*flush)(struct disk *d);
    int fd;
    char *data;  /* of disk_memory() */
    char **over; /* of disk_overlay(): blocks that were written */
};

/* The disk in the file open as FD, of SIZE bytes. */
struct disk *disk_file(int fd, uint64_t size, const char *name, bool readonly);
/* The same, but what is written stays in memory. */
struct disk *disk_overlay(int fd, uint64_t size, const char *name);
/* In memory; DATA is the caller's. */
struct disk *disk_memory(char *data, uint64_t size, const char *name);
void disk_free(struct disk *d);

/* --- format.c --- */

struct sfs_format {
    uint64_t nblocks, ninodes; /* 0: as many as fit NBLOCKS */
    const char *label;
    uint8_t uuid[16];
};
/* An empty file system on D, which reads as zeros.  0 or a negative errno */
int sfs_format(struct disk *d, const struct sfs_format *f);

#endif
