/* kmap.h: the kernel's own half of the address space. */
#ifndef KERN_MM_KMAP_H
#define KERN_MM_KMAP_H

#include "mm/pmm.h"

/* Map SIZE bytes of device registers (or, before the direct map exists, of
 * memory) at PA into the device window, for ever.  Returns NULL when there is
 * no memory for tables, or for a size of 0 or of more than 128 MiB.
 * => any time, also first thing at boot */
void *kmap_device(paddr_t pa, size_t size);

/* Map all RAM outside RESERVED ranges at dmap_base, and the frame descriptors
 * of all RAM, with memory from bootmem.  -ENOMEM if there is too little. */
MUST_CHECK int kmap_init(const struct pmm_range *reserved, unsigned n);

/* Map or unmap one page of the VMAP area.  kmap_unmap() returns the frame that
 * was mapped and does not flush: the caller does, before he frees it.
 * => lock RANK_KMAP held */
MUST_CHECK int kmap_page(uintptr_t va, paddr_t pa, uint64_t flags);
paddr_t kmap_unmap(uintptr_t va);

/* The entry that maps VA, of whatever level (*LEVEL); NULL if none does. */
pte_t *kmap_find(uintptr_t va, unsigned *level);

/* Table pages in use for the kernel's half, for the monitor. */
extern size_t kmap_tables;

#endif
