/* quota.h: how many private pages a range may have in memory, and whose choice it
 * is which; adds to mm/swap.h, a first reader may skip it. */
#ifndef KERN_EXT_MM_QUOTA_H
#define KERN_EXT_MM_QUOTA_H

#include "mm/swap.h"

/* As swap_quota(); and what of [START, END) is in memory now counts, too, and goes
 * if it is too much.  QUOTA may be 0: everything goes, and nothing may come.
 * => may sleep; gate open.  -ENOMEM */
MUST_CHECK int quota_set(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                         size_t quota, const struct swap_manager *sm);
/* SM chooses for the machine from now on, and for all who go with it. */
void quota_choose(const struct swap_manager *sm);

#endif
