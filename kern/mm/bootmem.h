/* bootmem.h: memory before there is an allocator: which of it is free, and a
 * few pages off its edge. */
#ifndef KERN_MM_BOOTMEM_H
#define KERN_MM_BOOTMEM_H

#include "mm/pmm.h"

/* RAM exists at [START, END).  => ascending, not overlapping */
void bootmem_add(paddr_t start, paddr_t end);
/* [START, END) is in use; parts outside RAM do not matter. Returns -ENOSPC if
 * the memory is cut into too many pieces. */
MUST_CHECK int bootmem_reserve(paddr_t start, paddr_t end);

/* SIZE bytes aligned to ALIGN (powers of two, at least a page); 0: none left.
 * Not cleared. */
paddr_t bootmem_alloc(size_t size, size_t align);

/* Bytes that are RAM, and that are free. */
size_t bootmem_total(void);
size_t bootmem_free(void);

/* RAM as added, and what is free of it.  Returns how many ranges. */
unsigned bootmem_ram(const struct pmm_range **ranges);
unsigned bootmem_free_ranges(const struct pmm_range **ranges);

#endif
