/* memsum.h: how much memory an area takes, and of which kind; adds to mm/vmm.h, a
 * first reader may skip it. */
#ifndef KERN_EXT_MM_MEMSUM_H
#define KERN_EXT_MM_MEMSUM_H

#include "mm/vmm.h"

/* Pages, but for the two shares: those are in 1/4096 of one. */
struct memsum {
    uint64_t size, rss, shared_clean, shared_dirty, private_clean,
        private_dirty, referenced, anonymous, lazy_free, huge, swap, locked;
    uint64_t share, swap_share; /* of each page, divided by who has it */
};

/* What V takes is added to SUM.  => gate closed */
void memsum_area(struct vma_struct *v, struct memsum *sum);
/* How many pages of [FIRST, LAST] of OBJ are only on swap.  => gates as they are */
uint64_t memsum_object(struct vm_object *obj, uint64_t first, uint64_t last);
/* Private pages of MM that are only on swap.  => gate open */
uint64_t memsum_swapped(struct mm_struct *mm);

#endif
