/* readahead.c: reading more than was asked for, if the reader goes forward.
 *
 *        start              mark                end = start + size
 *          |  the window      |                    |
 *     -----[==================.====================]---------------> index
 *          read together      whoever comes here has the next one begun
 *
 * A reader who misses right behind the window, or at the beginning of the
 * object, goes forward: the next window is twice as long as the last.  Anybody
 * else gets the one page, and so do random readers: what is read in vain is at
 * most what a reader who stops leaves behind, one window and the one begun.
 *
 * The next window is begun when the reader has come half-way through the first,
 * or into one that was begun so: he never waits then, if the disk is as fast as
 * he is.  All numbers are guesses: who shares a struct readahead with others may
 * guess wrong, and nothing else. */
#include "mm/object.h"

#include <errno.h>
#include <race.h>

#define FIRST_WINDOW 4u

static uint64_t
left_from(struct vm_object *obj, uint64_t index)
{
    uint64_t pages = object_pages(obj);

    return index < pages ? pages - index : 0;
}

/* PAGE's index is not in memory: how many pages to read from there on. */
static unsigned
window(struct vm_object *obj, struct readahead *ra, uint64_t index)
{
    uint64_t end = atomic_load(&ra->end);
    uint64_t size = end - atomic_load(&ra->start);

    if (index == 0)
        size = FIRST_WINDOW;
    else if (index == end)
        size = MIN(MAX(2 * size, FIRST_WINDOW), RUN_PAGES);
    else
        size = 1;
    size = MAX(MIN(size, left_from(obj, index)), 1);
    atomic_store(&ra->start, index);
    atomic_store(&ra->end, index + size);
    atomic_store(&ra->mark, size > 1 ? index + size / 2 : READAHEAD_NONE);
    return (unsigned)size;
}

/* Add up to N pages from INDEX on to PAGES, until one is there already.  Returns
 * how many: locked, with a reference.  Who truncates publishes the size and then
 * looks for pages: either he finds ours, or we see his size. */
static unsigned
add_pages(struct vm_object *obj, uint64_t index, struct page **pages,
          unsigned n)
{
    unsigned got = 0;

    while (got < n) {
        int err = object_add(obj, index + got, &pages[got]);

        if (err == -EEXIST)
            page_put(pages[got]);
        if (err != 0)
            break;
        if (index + got >= object_pages(obj)) {
            object_remove(obj, pages[got]);
            page_unlock(pages[got]);
            page_put(pages[got]);
            break;
        }
        got++;
    }
    return got;
}

static void
put_pages(struct page **pages, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        page_put(pages[i]);
}

int
object_fill_ahead(struct vm_object *obj, struct page *page,
                  struct readahead *ra, bool killable)
{
    struct page *pages[RUN_PAGES] = {page};
    unsigned n = 1;
    int err;

    if (ra != NULL && obj->ops->page_in == NULL) {
        n = window(obj, ra, page->index);
        n = 1 + add_pages(obj, page->index + 1, pages + 1, n - 1);
    }
    err = object_fill_run(obj, pages, n, killable);
    put_pages(pages + 1, n - 1);
    return err;
}

/* Read what is missing of the N pages from INDEX on, and do not wait. */
static void
begin_run(struct vm_object *obj, uint64_t index, unsigned n)
{
    struct page *pages[RUN_PAGES];

    while (n > 0) {
        unsigned got = add_pages(obj, index, pages, n);

        if (got > 0)
            obj->ops->read_run(obj, index, pages, got);
        put_pages(pages, got);
        got += got < n; /* the one that is there, or could not be had */
        index += got;
        n -= got;
    }
}

void
object_read_ahead(struct vm_object *obj, struct readahead *ra)
{
    uint64_t mark = atomic_load(&ra->mark), end = atomic_load(&ra->end);
    uint64_t size = end - atomic_load(&ra->start);

    if (mark == READAHEAD_NONE || !atomic_cas(&ra->mark, &mark, READAHEAD_NONE))
        return; /* another one was faster */
    race_point("read-ahead");
    size = MIN(2 * size, RUN_PAGES);
    size = MIN(size, left_from(obj, end));
    if (size == 0)
        return;
    atomic_store(&ra->start, end);
    atomic_store(&ra->end, end + size);
    atomic_store(&ra->mark, end);
    begin_run(obj, end, (unsigned)size);
}
