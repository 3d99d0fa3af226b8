/* huge.h: pages of 2 MiB and 1 GiB; adds to mm/huge.h, a first reader may skip
 * it.  LEVEL is that of the leaf: 1 is 2 MiB, 2 is 1 GiB. */
#ifndef KERN_EXT_MM_HUGE_H
#define KERN_EXT_MM_HUGE_H

#include "mm/mmap.h"

#define VM_HUGE_1G 0x40000000u /* 1 GiB leaves; only by do_mmap_1g() */

/* As do_mmap() of private anonymous memory, at a multiple of 1 GiB and filled at
 * once, with leaves of 1 GiB where there are such blocks of memory; elsewhere
 * faults bring 2 MiB or 4 KiB.  LEN is rounded up to 1 GiB.  A leaf of 1 GiB is
 * unmapped, protected, moved as a whole or not at all (-EINVAL).  => may sleep */
long do_mmap_1g(struct mm_struct *mm, size_t len, uint32_t prot);

struct fault;

/* The pieces, for huge_1g.c.  A block of zeros, whose pages each have an anon of
 * EPOCH; NULL: no memory.  => nothing locked */
struct page *huge_page_alloc(unsigned level, uint32_t epoch);
void huge_page_free(struct page *first, size_t pages); /* it was not mapped */
/* Map it at F->va; False: something is there, or no memory.
 * => gate held, F has mm, va, vma, layer */
bool huge_page_map(struct fault *f, struct page *first, unsigned level);
/* May a leaf at BASE be mapped in V? */
bool huge_area(const struct vma_struct *v, uintptr_t base, unsigned level);

#endif
