/* audit.h: is everything true that the allocators say about themselves?  Adds to
 * mm/pmm.c and mm/kmalloc.c, for the monitor and the tests; a first reader may
 * skip it. */
#ifndef KERN_EXT_MM_AUDIT_H
#define KERN_EXT_MM_AUDIT_H

#include "mm/kmalloc.h"

/* Walk everything and check that the lists, flags and counts agree.  Returns
 * the number of complaints, each printed.  => quiet: no hart allocates */
unsigned pmm_check(void);

/* Pages under pmm's care: free, allocated; reserved ones not. */
size_t nr_managed_pages(void);
/* Free blocks of each order.  Fills MAX_ORDER + 1 numbers. */
void pmm_stat(size_t blocks[MAX_ORDER + 1]);

/* Objects in use and pages held, all caches together. */
size_t kmalloc_in_use(void);
size_t kmalloc_pages(void);

/* As pmm_check().  => quiet: no hart uses kmalloc */
unsigned kmalloc_check(void);
/* One line per cache to the console. */
void kmalloc_print(void);

#endif
