/* object_read.c: the contents of an object for the kernel itself: read(2), and
 * whoever looks into a file.  The same pages that mappings show. */
#include "mm/reclaim.h"

#include <errno.h>
#include <string.h>

/* PAGE, which is locked, is to be filled if it is the object's and is not. */
static int
fill_locked(struct vm_object *obj, struct page *page, struct readahead *ra)
{
    int err = 0;

    if (object_owns(obj, page) && !(atomic_load(&page->flags) & PG_UPTODATE))
        err = object_fill_ahead(obj, page, ra, false);
    page_unlock(page);
    return err;
}

/* Times that a reader without memory asks for some. */
#define READ_TRIES 8

/* The page of INDEX with a reference, its contents there.  Waits for others, and
 * fills it if nobody else does. */
static int
filled_page(struct vm_object *obj, uint64_t index, struct readahead *ra,
            struct page **page)
{
    for (unsigned tries = 0;;) {
        int err = 0;

        *page = object_find(obj, index);
        if (*page == NULL) {
            err = object_add(obj, index, page);
            if (err == -ENOMEM && tries++ < READ_TRIES &&
                (reclaim(0) > 0 || oom_rescue()))
                continue;
            if (err == -ENOMEM)
                return err;
            if (err == 0) /* ours, and locked */
                err = fill_locked(obj, *page, ra);
            else
                err = 0;
        } else if (!(atomic_load(&(*page)->flags) & PG_UPTODATE)) {
            if (page_trylock(*page))
                err = fill_locked(obj, *page, ra);
            else
                page_wait(*page);
        }
        if (err == 0 && (atomic_load(&(*page)->flags) & PG_UPTODATE)) {
            page_touch(*page);
            return 0;
        }
        page_put(*page);
        if (err != 0)
            return err;
    }
}

int
object_page_ahead(struct vm_object *obj, uint64_t index, struct readahead *ra,
                  struct page **page, char **data)
{
    paddr_t pa = obj->ops->frame == NULL ? 0 : obj->ops->frame(obj, index);
    int err;

    *page = NULL;
    if (pa != 0) {
        *data = pa_to_va(pa);
        return 0;
    }
    if (!object_has_pages(obj))
        return -EIO;
    err = filled_page(obj, index, ra, page);
    if (err != 0)
        return err;
    if (ra != NULL && readahead_due(ra, index))
        object_read_ahead(obj, ra);
    *data = page_to_va(*page);
    return 0;
}

int
object_page(struct vm_object *obj, uint64_t index, struct page **page,
            char **data)
{
    return object_page_ahead(obj, index, NULL, page, data);
}

long
object_read(struct vm_object *obj, uint64_t pos, void *buf, size_t n)
{
    uint64_t size = atomic_load(&obj->size);
    struct readahead ra = {0};
    size_t done = 0;

    n = pos >= size ? 0 : MIN(n, size - pos);
    while (done < n) {
        size_t at = (pos + done) & PAGE_MASK;
        size_t len = MIN(n - done, PAGE_SIZE - at);
        struct page *page;
        char *data;
        int err = object_page_ahead(obj, (pos + done) >> PAGE_SHIFT, &ra, &page,
                                    &data);

        if (err != 0)
            return err;
        memcpy((char *)buf + done, data + at, len);
        if (page != NULL)
            page_put(page);
        done += len;
    }
    return (long)done;
}
