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
 * and everybody who has an older one learns of it once.
 *
 * Objects with dirty pages are in a list, and their trees know which pages may be
 * dirty; both are only taken back when somebody comes by and finds nothing left
 * to write, because object_written() may take no lock for it. */
#include "mm/writeback.h"

#include "debug/kstat.h"
#include "mm/rmap.h"
#include <errno.h>
#include <race.h>

#define ERRNO_BITS 12

/* What of the last page lies behind the end never gets out. */
void
object_zero_tail(struct vm_object *obj, struct page *page)
{
    uint64_t size = atomic_load(&obj->size);

    if (page->index == size >> PAGE_SHIFT)
        memset((char *)page_to_va(page) + (size & PAGE_MASK), 0,
               PAGE_SIZE - (size & PAGE_MASK));
}

void
object_write_run(struct vm_object *obj, struct page **pages, unsigned n)
{
    uint64_t index = pages[0]->index;

    pages_mkclean(pages, n);
    for (unsigned i = 0; i < n; i++) {
        assert(pages[i]->index == index + i);
        object_zero_tail(obj, pages[i]);
        atomic_or(&pages[i]->flags, PG_WRITEBACK);
        object_clear_dirty(obj, pages[i]);
    }
    race_point("write-run");
    for (unsigned i = 0; i < n; i++)
        page_unlock(pages[i]);
    kstat_add(STAT_WB, n);
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
        if (!(atomic_or(&page->flags, PG_DIRTY) & PG_DIRTY))
            kstat_inc(STAT_DIRTY); /* the tree still says so */
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

/* --- many pages --- */

/* PAGE, which is locked, can be begun with. */
static bool
ready(struct vm_object *obj, struct page *page)
{
    return object_owns(obj, page) &&
           (atomic_load(&page->flags) & (PG_DIRTY | PG_WRITEBACK)) == PG_DIRTY;
}

/* Lock the next run of pages to be written, from *INDEX to LAST, and move *INDEX
 * behind it.  Its first page is waited for, also if it is on its way and WAIT;
 * the others follow it directly and are not busy.  Returns how many, each with a
 * reference. */
static unsigned
take_run(struct vm_object *obj, uint64_t *index, uint64_t last, bool wait,
         struct page **pages)
{
    unsigned n = 0;

    while (n < RUN_PAGES) {
        struct page *page = object_next(obj, *index, true);
        bool locked = page != NULL && page->index <= last &&
                      (n == 0 || page->index == *index);

        if (locked && n == 0)
            page_lock(page);
        else if (locked)
            locked = page_trylock(page);
        if (!locked) {
            if (page != NULL)
                page_put(page);
            break;
        }
        if (n == 0 && wait)
            page_wait_written(page);
        if (ready(obj, page)) {
            *index = page->index + 1;
            pages[n++] = page;
            continue;
        }
        page_unlock(page);
        if (n == 0) {
            *index = page->index + 1;
            object_settle(obj, page);
        }
        page_put(page);
        if (n > 0)
            break;
    }
    return n;
}

static void
wait_range(struct vm_object *obj, uint64_t first, uint64_t last)
{
    struct page *page;

    while ((page = object_next(obj, first, true)) != NULL) {
        bool inside = page->index <= last;

        if (inside) {
            page_wait_written(page);
            object_settle(obj, page);
        }
        first = page->index + 1;
        page_put(page);
        if (!inside)
            break;
    }
}

int
object_sync(struct vm_object *obj, uint64_t first, uint64_t last, bool wait)
{
    uint32_t seen = atomic_load(&obj->err_seq);
    struct page *pages[RUN_PAGES];
    uint64_t index = first;
    unsigned n;

    if (obj->ops->page_out == NULL)
        return 0;
    while ((n = take_run(obj, &index, last, wait, pages)) > 0) {
        object_write_run(obj, pages, n);
        while (n > 0)
            page_put(pages[--n]);
    }
    if (wait)
        wait_range(obj, first, last);
    return object_error_since(obj, &seen);
}

/* --- the dirty objects --- */

static struct spinlock dirty_lock = SPINLOCK_INIT(RANK_DIRTY);
static struct list dirty_list = LIST_INIT(dirty_list);
static uint64_t flush_round; /* [dirty_lock] */
static unsigned flushing;    /* [a] objects that flushes have references of */
static uint64_t flush_ends;  /* [a] ... that they had */

WEAK void
flusher_wake(void)
{
}

void
dirty_object(struct vm_object *obj)
{
    spin_lock(&dirty_lock);
    if (list_empty(&obj->dirty_link)) {
        if (list_empty(&dirty_list))
            flusher_wake();
        obj->dirtied_at = time_now();
        list_add_tail(&dirty_list, &obj->dirty_link);
    }
    spin_unlock(&dirty_lock);
}

void
clean_object(struct vm_object *obj)
{
    spin_lock(&dirty_lock);
    if (!list_empty(&obj->dirty_link)) {
        list_del(&obj->dirty_link);
        list_init(&obj->dirty_link);
    }
    spin_unlock(&dirty_lock);
}

bool
object_in_use(struct vm_object *obj)
{
    bool dirty;

    spin_lock(&dirty_lock);
    dirty = !list_empty(&obj->dirty_link);
    spin_unlock(&dirty_lock);
    return dirty || atomic_load(&obj->refs) > 1;
}

bool
objects_dirty(void)
{
    bool any;

    spin_lock(&dirty_lock);
    any = !list_empty(&dirty_list);
    spin_unlock(&dirty_lock);
    return any;
}

/* The next object of this round that is dirty for long enough, with a reference;
 * who was looked at goes to the end of the list. */
static struct vm_object *
next_object(uint64_t round, uint64_t before)
{
    struct vm_object *found = NULL;

    spin_lock(&dirty_lock);
    while (found == NULL && !list_empty(&dirty_list)) {
        struct vm_object *obj =
            list_first(&dirty_list, struct vm_object, dirty_link);

        if (obj->flush_round == round)
            break;
        obj->flush_round = round;
        list_del(&obj->dirty_link);
        list_add_tail(&dirty_list, &obj->dirty_link);
        if (obj->dirtied_at < before && object_try_get(obj)) {
            obj->dirtied_at = time_now();
            atomic_add(&flushing, 1);
            found = obj;
        }
    }
    spin_unlock(&dirty_lock);
    return found;
}

void
flush_objects(uint64_t before, bool wait)
{
    struct vm_object *obj;
    uint64_t round;

    spin_lock(&dirty_lock);
    round = ++flush_round;
    spin_unlock(&dirty_lock);
    while ((obj = next_object(round, before)) != NULL) {
        (void)object_sync(obj, 0, UINT64_MAX, wait);
        object_put(obj);
        (void)atomic_add_acq_rel(&flush_ends, 1);
        (void)atomic_add_acq_rel(&flushing, -1);
    }
}

uint64_t
flushes_ended(void)
{
    return atomic_load_acquire(&flush_ends);
}

bool
flushes_since(uint64_t ended)
{
    return atomic_load_acquire(&flushing) != 0 || flushes_ended() != ended;
}

void
flush_everything(void)
{
    flush_objects(UINT64_MAX, false); /* all disks at work at once */
    flush_objects(UINT64_MAX, true);
}
