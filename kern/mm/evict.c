/* evict.c: one clean page of an object leaves memory.
 *
 *     locked: nobody begins to map it, or to bring it
 *     unmapped everywhere, and every hart forgets it; who wrote to it made it dirty
 *     under the object's lock: nobody has a reference, nobody maps it -> out
 * Who maps it needs no reference, so after the entries are gone the object's lock is
 * the only way to the page.  It is dropped, not written: see writeback.c. */
#include "mm/reclaim.h"

#include "debug/kstat.h"
#include "mm/rmap.h"
#include <race.h>

bool
object_evict(struct vm_object *obj, struct page *page)
{
    uint32_t busy = PG_DIRTY | PG_WRITEBACK;
    bool done = false;

    if (!page_trylock(page))
        return false;
    race_point("evict");
    if (object_owns(obj, page) && !(atomic_load(&page->flags) & busy) &&
        try_to_evict(page) && !(atomic_load(&page->flags) & busy))
        done = object_remove_unused(obj, page);
    page_unlock(page);
    if (done)
        kstat_inc(STAT_DROPPED);
    return done;
}

size_t
object_drop_clean(struct vm_object *obj)
{
    struct page *page;
    uint64_t index = 0;
    size_t n = 0;

    for (; (page = object_next(obj, index, false)) != NULL; page_put(page)) {
        index = page->index + 1;
        n += object_evict(obj, page);
    }
    return n;
}

/* Replaced by kern/ext/mm/pager_swap.c, which can write some. */
WEAK size_t
object_evict_some(struct vm_object *obj, struct page **pages, unsigned n)
{
    size_t done = 0;

    for (unsigned i = 0; i < n; i++)
        done += object_evict(obj, pages[i]);
    return done;
}
