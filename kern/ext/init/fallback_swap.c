/* fallback_swap.c: as fallback.c, lets the files of swap be deleted alone; a first
 * reader may skip it. */
#include "ext/fs/swap_file.h"
#include "ext/mm/memsum.h"
#include <errno.h>

/* ext/mm/swap_space.c: there is none on disks, and no list. */
WEAK int
swap_on_disk(struct blkdev *disk, int priority)
{
    return -ENOSYS;
}

WEAK int
swap_space_add(struct swap_space *s, uint64_t slots, int priority)
{
    return -ENOSYS;
}

WEAK int
swap_space_on(struct swap_space *s, uint64_t pages, int priority)
{
    return -ENOSYS;
}

WEAK int
swap_space_off(const void *key, const char *name)
{
    return -EINVAL;
}

WEAK void
swap_space_each(void (*fn)(const struct swap_space *s, void *arg), void *arg)
{
}

/* ext/mm/swap_memory.c */
WEAK int
swap_on_memory(size_t bytes, int priority)
{
    return -ENOSYS;
}

/* ext/fs/swap_file.c */
WEAK int
swap_on_file(struct inode *i, const char *name, int priority)
{
    return -EINVAL;
}

/* ext/mm/memsum.c: nothing is counted. */
WEAK void
memsum_area(struct vma_struct *v, struct memsum *sum)
{
}

WEAK uint64_t
memsum_swapped(struct mm_struct *mm)
{
    return 0;
}
