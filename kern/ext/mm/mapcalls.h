/* mapcalls.h: the rarer calls on address spaces; adds to mm/mmap.h, a first
 * reader may skip it.  Linux's semantics, numbers and errors (mremap(2),
 * madvise(2), mincore(2), mlock(2)).  All: => may sleep, no lock held. */
#ifndef KERN_EXT_MM_MAPCALLS_H
#define KERN_EXT_MM_MAPCALLS_H

#include "mm/mmap.h"

#define MREMAP_MAYMOVE   1u
#define MREMAP_FIXED     2u
#define MREMAP_DONTUNMAP 4u

/* The new address or a negative errno. */
long do_mremap(struct mm_struct *mm, uintptr_t addr, size_t old_len,
               size_t new_len, uint32_t flags, uintptr_t new_addr);

/* The entries of VMA show the same at the addresses from TO on, where nothing is
 * mapped; those there is no memory for, are cleared: they are faulted in anew.
 * => gate closed, no lock held */
void move_ptes(struct vma_struct *vma, uintptr_t to, struct gather *g);

#define MADV_NORMAL      0
#define MADV_RANDOM      1
#define MADV_SEQUENTIAL  2
#define MADV_WILLNEED    3
#define MADV_DONTNEED    4
#define MADV_FREE        8
#define MADV_DONTFORK    10
#define MADV_DOFORK      11
#define MADV_MERGEABLE   12
#define MADV_UNMERGEABLE 13
#define MADV_HUGEPAGE    14
#define MADV_NOHUGEPAGE  15
#define MADV_DONTDUMP    16
#define MADV_DODUMP      17
#define MADV_COLD        20
#define MADV_PAGEOUT     21

int do_madvise(struct mm_struct *mm, uintptr_t addr, size_t len, int advice);

/* The private pages of [START, END), which only anonymous private areas fill, may
 * be dropped from now on.  -ENOMEM: nothing changed.
 * => between mm_write_begin() and mm_write_end() */
MUST_CHECK int free_range(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                          struct gather *g);

/* Private pages of [ADDR, END) leave memory, if there is swap space.
 * => may sleep, gate open */
void page_out_range(struct mm_struct *mm, uintptr_t addr, uintptr_t end);

/* One byte per page into VEC, a kernel buffer: bit 0 says that it is in
 * memory. */
int do_mincore(struct mm_struct *mm, uintptr_t addr, size_t len,
               unsigned char *vec);

#define MLOCK_ONFAULT 1u
#define MCL_CURRENT   1u
#define MCL_FUTURE    2u
#define MCL_ONFAULT   4u

int do_mlock(struct mm_struct *mm, uintptr_t addr, size_t len, uint32_t flags);
int do_munlock(struct mm_struct *mm, uintptr_t addr, size_t len);
int do_mlockall(struct mm_struct *mm, uint32_t flags);
int do_munlockall(struct mm_struct *mm);

/* --- ext/syscall/sys_msync.c --- */

/* Write the dirty pages of what is mapped shared in [START, END); SYNC: until
 * they are on the disk for good.  INVALIDATE: -EBUSY if any of it is locked.
 * -ENOMEM: there is a hole, all else was done.  => may sleep */
int do_msync(struct mm_struct *mm, uintptr_t start, uintptr_t end, bool sync,
             bool invalidate);

#endif
