/* object_fill.c: a pager brings the contents of a page.
 *
 *     page_in     at once: the page stays locked
 *     read_run    later, and of several together: each page is unlocked when its
 *                 contents are there, and whoever waits for one locks it again
 *
 * A page that could not be brought leaves the object, so that the next who asks tries
 * again; what is on its slot of swap stays there. */
#include "mm/object.h"

#include <errno.h>

void
object_filled(struct vm_object *obj, struct page *page, int err)
{
    assert(object_owns(obj, page));
    if (err == 0) {
        object_note_page(obj, page->index);
        atomic_or(&page->flags, PG_UPTODATE);
    } else if (err != -ENOMEM) {
        atomic_or(&page->flags, PG_ERROR);
    }
    page_unlock(page);
}

/* How the pager ended with PAGE, which is locked again: somebody may have thrown
 * it out meanwhile, or even tried again. */
static int
fill_result(struct vm_object *obj, const struct page *page)
{
    uint32_t flags = atomic_load(&page->flags);

    if (!object_owns(obj, page) || (flags & PG_UPTODATE))
        return 0;
    return flags & PG_ERROR ? -EIO : -ENOMEM;
}

/* A run ends with its pages unlocked: before this one is locked again it may be
 * mapped and written.  Then who cuts the object removes it.  => PAGE locked */
static bool
others_had(struct page *page)
{
    return atomic_load(&page->mapcount) != 0 ||
           (atomic_load(&page->flags) & PG_WRITEBACK) != 0;
}

int
object_fill_run(struct vm_object *obj, struct page **pages, unsigned n,
                bool killable)
{
    struct page *page = pages[0];
    int err;

    atomic_and(&page->flags, ~PG_ERROR);
    if (obj->ops->page_in != NULL) {
        assert(n == 1);
        err = obj->ops->page_in(obj, page->index, page);
        if (err == 0)
            atomic_or(&page->flags, PG_UPTODATE);
    } else {
        obj->ops->read_run(obj, page->index, pages, n);
        if (page_lock_killable(page, killable) != 0)
            return -EINTR; /* whoever asks next looks how it ended */
        err = fill_result(obj, page);
        /* Perhaps another page of the run is the bad one. */
        if (err == -EIO && n > 1)
            return object_fill_run(obj, pages, 1, killable);
    }
    if (!object_owns(obj, page))
        return 0;
    if (err == 0 && page->index >= object_pages(obj))
        err = -ENODATA; /* truncated meanwhile */
    if (err == -ENODATA && !others_had(page))
        object_remove(obj, page);
    else if (err != 0 && !others_had(page))
        object_back_out(obj, page);
    return err;
}

int
object_fill(struct vm_object *obj, struct page *page)
{
    return object_fill_run(obj, &page, 1, false);
}
