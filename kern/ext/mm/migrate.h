/* migrate.h: the contents of a page move to another frame. */
#ifndef KERN_EXT_MM_MIGRATE_H
#define KERN_EXT_MM_MIGRATE_H

#include "mm/vmm.h"

/* Move the private page PAGE to a fresh frame; those who use it only notice a
 * fault.  Returns 0; -EBUSY: it is being written to disk, pinned, or somebody
 * is just using it: try again; -ENOENT: it is no private page (any more);
 * -ENOMEM.
 * => PAGE has a reference of the caller's, which the caller still drops; may
 *    sleep, no lock held */
int migrate_page(struct page *page);

/* Move every private page in memory of [START, END); counts MM_MIGR in MM for
 * each.  Returns how many; those that stayed busy are left where they are.
 * => may sleep, no lock held */
long migrate_range(struct mm_struct *mm, uintptr_t start, uintptr_t end);

/* The same to pages of NODE (memnode.h), for those that are of another one. */
long migrate_range_to(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                      unsigned node);

/* The page at VA was touched by this hart, as hint_scan() wanted to know.
 * => as hint_hook() */
void hint_touched(struct mm_struct *mm, uintptr_t va);
/* Move each page of MM that was touched so since the last time to the node of who
 * touched it last.  Returns how many.  => may sleep, no lock held */
long hint_follow(struct mm_struct *mm);

#endif
