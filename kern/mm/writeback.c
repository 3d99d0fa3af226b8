/* writeback.c: dirty pages go to where they belong.
 *
 *             lock                unlock
 *      dirty ------> mkclean, PG_WRITEBACK ------> page_out() ... object_written()
 *        ^           not dirty any more                               |
 *        |                                                    error   |
 *        +--------- a store faults, mkwrite() ------------------------+
 *
 * A page has PG_WRITEBACK before it is not dirty any more, and is dirty again
 * before an error takes PG_WRITEBACK away: so a page that has neither is on the
 * disk.  A store while it is on its way makes it dirty as ever, and it stays so.
 *
 * What went wrong is kept in obj->err_seq, a count above an errno:
 *
 *      [ how many errors | errno of the last ]       20 + 12 bits
 *
 * and everybody who has an older one learns of it once. */
#include "mm/object.h"
#include "mm/rmap.h"

#include <errno.h>

#define ERRNO_BITS 12

void
object_write_run(struct vm_object *obj, struct page **pages, unsigned n)
{
    uint64_t index = pages[0]->index;

    for (unsigned i = 0; i < n; i++) {
        assert(pages[i]->index == index + i);
        page_mkclean(pages[i]);
        atomic_or(&pages[i]->flags, PG_WRITEBACK);
        object_clear_dirty(obj, pages[i]);
    }
    for (unsigned i = 0; i < n; i++)
        page_unlock(pages[i]);
    obj->ops->page_out(obj, index, pages, n);
}

static void
note_error(struct vm_object *obj, int err)
{
    uint32_t old = atomic_load(&obj->err_seq), new;

    do {
        new = (((old >> ERRNO_BITS) + 1) << ERRNO_BITS) | (uint32_t)-err;
    } while (!atomic_cas(&obj->err_seq, &old, new));
}

void
object_written(struct vm_object *obj, struct page *page, int err)
{
    if (err != 0) {
        note_error(obj, err);
        object_set_dirty(obj, page);
    }
    page_written(page);
}

int
object_error_since(struct vm_object *obj, uint32_t *seen)
{
    uint32_t now = atomic_load(&obj->err_seq);

    if (now == *seen)
        return 0;
    *seen = now;
    return -(int)(now & ((1u << ERRNO_BITS) - 1));
}

int
object_clean(struct vm_object *obj, struct page *page)
{
    uint32_t seen;

    page_wait_written(page);
    if (!object_owns(obj, page) || !(atomic_load(&page->flags) & PG_DIRTY))
        return 0;
    seen = atomic_load(&obj->err_seq);
    object_write_run(obj, &page, 1);
    page_lock(page);
    page_wait_written(page);
    return atomic_load(&page->flags) & PG_DIRTY ? object_error_since(obj, &seen)
                                                : 0;
}
