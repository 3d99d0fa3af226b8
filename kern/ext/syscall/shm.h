/* shm.h: what is known of a segment of shared memory; a first reader may skip it. */
#ifndef KERN_EXT_SYSCALL_SHM_H
#define KERN_EXT_SYSCALL_SHM_H

#include "arch/riscv/memlayout.h"
#include <stdbool.h>
#include <stdint.h>

#define SHM_BYTES_MOST (INT64_MAX & ~PAGE_MASK) /* of one segment */
#define SHM_SEGMENTS   4096

/* As programs get it: Linux's. */
#define SHM_DEST   01000u /* in a mode: it goes with its last area */
#define SHM_LOCKED 02000u /* ... it stays in memory */
struct shmid_ds {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t seq, pad;
    uint64_t unused[2];
    uint64_t size;
    int64_t atime, dtime, ctime;
    int32_t cpid, lpid;
    uint64_t nattch, unused2[2];
};
_Static_assert(sizeof(struct shmid_ds) == 112, "Linux's");

struct shminfo {
    uint64_t max, min, mni, seg, all, unused[4];
};

struct shm_info {
    int32_t used_ids;
    uint64_t tot, rss, swp, swap_attempts, swap_successes;
};

struct shm_about {
    int id;
    struct shmid_ds ds;
    uint64_t pages, rss, swapped; /* of its pages, in memory, on swap only */
};

/* All about the segment in place PLACE of their list; false: it ends before.
 * => may sleep */
bool shm_about(unsigned place, struct shm_about *about);

#endif
