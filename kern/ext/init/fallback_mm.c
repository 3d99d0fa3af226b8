/* fallback_mm.c: as fallback.c, lets files of kern/ext/mm be deleted alone; a
 * first reader may skip it. */
#include "ext/mm/spaces.h"
#include "mm/failpoint.h"
#include <errno.h>

/* ext/mm/spaces.c: no space is known. */
WEAK struct mm_struct *
space_next(struct mm_struct *prev)
{
    return NULL;
}

WEAK void
spaces_ended(uint64_t sum[MMSTAT_COUNT])
{
}

/* ext/mm/failpoint.c: nothing can be let fail. */
WEAK int
fail_set(const char *site, uint64_t nth)
{
    return -EINVAL;
}
