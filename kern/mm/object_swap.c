/* object_swap.c: shared memory where kern/ext/mm/pager_swap.c, which replaces all of
 * this, is not linked: it stays in memory, and has no slots. */
#include "mm/object.h"
#include "mm/swap.h"

WEAK int
shared_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    (void)obj, (void)index;
    page_zero(page_to_va(page));
    return 0;
}

WEAK void
shared_forget(struct vm_object *obj)
{
    (void)obj;
}

WEAK int
swap_bring_shared(struct swap_dev *dev)
{
    (void)dev;
    return 0;
}
