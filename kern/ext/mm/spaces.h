/* spaces.h: all address spaces, one after another, and what those that ended
 * have counted.  Adds to mm/mm_struct.c; a first reader may skip it. */
#ifndef KERN_EXT_MM_SPACES_H
#define KERN_EXT_MM_SPACES_H

#include "mm/vmm.h"

/* The space after PREV (NULL: the first) with a reference; drops the one of
 * PREV.  NULL: that was the last.  Whoever stops early calls mm_put().  Spaces
 * that begin or end meanwhile may be met or not.
 * => may sleep: the reference may be the last */
struct mm_struct *space_next(struct mm_struct *prev);

/* Add to SUM what spaces that ended have counted. */
void spaces_ended(uint64_t sum[MMSTAT_COUNT]);

#endif
