/* fallback_mm.c: as fallback.c, lets files of kern/ext/mm be deleted alone; a
 * first reader may skip it. */
#include "ext/mm/huge.h"
#include "ext/mm/memnode.h"
#include "ext/mm/migrate.h"
#include "ext/mm/observe.h"
#include "ext/mm/pagers.h"
#include "ext/mm/quota.h"
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

/* ext/init/memnode.c: there is one node. */
WEAK unsigned
memnode_count(void)
{
    return 1;
}

WEAK unsigned
memnode_of(const struct page *page)
{
    return 0;
}

WEAK unsigned
memnode_of_hart(unsigned cpu)
{
    return 0;
}

WEAK struct page *
memnode_alloc(unsigned node)
{
    return alloc_pages(0);
}

/* ext/mm/quota.c: it stays as it is. */
WEAK int
quota_set(struct mm_struct *mm, uintptr_t start, uintptr_t end, size_t quota,
          const struct swap_manager *sm)
{
    return 0;
}

/* ext/mm/migrate.c: nobody asks. */
WEAK void
hint_touched(struct mm_struct *mm, uintptr_t va)
{
}

/* ext/mm/failpoint.c: nothing can be let fail. */
WEAK int
fail_set(const char *site, uint64_t nth)
{
    return -EINVAL;
}

/* ext/mm/huge.c: there is no block of memory large enough. */
WEAK struct page *
huge_page_alloc(unsigned level, uint32_t epoch)
{
    return NULL;
}

WEAK void
huge_page_free(struct page *first, size_t pages)
{
}

WEAK bool
huge_page_map(struct fault *f, struct page *first, unsigned level)
{
    return false;
}

WEAK bool
huge_area(const struct vma_struct *v, uintptr_t base, unsigned level)
{
    return false;
}

/* ext/mm/pager_image.c: no file of the boot archive has contents. */
WEAK struct vm_object *
image_object(paddr_t base, size_t size)
{
    return NULL;
}

/* ext/mm/mmstat.c: nobody compares the counters. */
WEAK int64_t
mmstat_lost_faults(struct mm_struct *mm)
{
    return 0;
}
