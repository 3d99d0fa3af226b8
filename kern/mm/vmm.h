/* vmm.h: an address space.
 *
 * So far what others must know about it to make harts forget its translations;
 * areas and page tables will build on this. */
#ifndef KERN_MM_VMM_H
#define KERN_MM_VMM_H

#include <stdint.h>

struct mm_struct {
    uint64_t harts;      /* [a] bit i: hart i may hold translations of it */
    uint64_t tlb_gen;    /* [a] incremented by each flush */
    uint64_t tlb_local;  /* [a] flushes of the hart that asked */
    uint64_t tlb_remote; /* [a] harts that were asked */
};

#endif
