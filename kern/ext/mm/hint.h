/* hint.h: who touches which pages, and where? */
#ifndef KERN_EXT_MM_HINT_H
#define KERN_EXT_MM_HINT_H

#include "mm/vmm.h"

#define HINT_PAGES (8 * PAGE_SIZE) /* in one window: 128 MiB */

/* Take the entries of [START, END) away, so that the next touch of each page
 * faults and is counted as MM_HINT.  A space has one window; a new one replaces
 * it, and HINT_WINDOWS spaces can have one at a time.  Returns how many entries
 * there were; -EINVAL: not whole pages, or more than HINT_PAGES of them.
 * => may sleep; closes the gate */
long hint_scan(struct mm_struct *mm, uintptr_t start, uintptr_t end);

#endif
