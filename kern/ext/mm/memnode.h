/* memnode.h: memory that is nearer to some harts than to others.  Adds to mm/pmm.h
 * what the device tree calls "numa-node-id".  A machine that says nothing is one
 * node, 0. */
#ifndef KERN_EXT_MM_MEMNODE_H
#define KERN_EXT_MM_MEMNODE_H

#include "mm/pmm.h"

#define MEMNODE_ANY ~0u

unsigned memnode_count(void); /* 1 + the highest number; 1 before INIT_EARLY */
unsigned memnode_of(const struct page *page);
unsigned memnode_of_hart(unsigned cpu);

/* As alloc_pages(0), but a page of NODE, if that is not MEMNODE_ANY; NULL: it has
 * none that is free.  What harts keep in their stacks is not looked at. */
MUST_CHECK struct page *memnode_alloc(unsigned node);

#endif
