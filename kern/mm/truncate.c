/* truncate.c: an object gets another size while it is mapped.
 *
 *   1. the page that will be the last is brought in, and made dirty: its tail
 *      will be zeros on the disk, too; this may fail, and then nothing changed
 *   2. the new size is published: whoever has a page locked from now on and looks
 *      at the size sees that it is beyond the end
 *   3. every area loses its entries beyond the end, and its private copies
 *   4. every page beyond the end: wait for its lock and its way to the disk, take
 *      it from whoever maps it, throw it out
 *   5. step 3 again: a private copy may have been made of a page before it went
 *
 * After 4 nobody can find a page beyond the end, and after 5 nobody has a copy.
 *
 * Each area is reached through its space's gate, which is taken with no lock of
 * the object held; so the list of areas may change meanwhile.  An area that was
 * cut has the number of the cut; one that came later looked at the new size for
 * all it shows, or is cut by the second pass. */
#include "mm/mmap.h"
#include "mm/rmap.h"
#include "mm/writeback.h"

#include "schedule/sched.h"
#include <errno.h>
#include <race.h>

/* Tries to get memory for nodes of a layer before truncation fails. */
#define TRIES 64

/* --- the last page --- */

int
object_page_to_write(struct vm_object *obj, uint64_t index, struct page **found)
{
    struct page *page;
    char *data;
    int err;

    for (;;) {
        err = object_page(obj, index, &page, &data);
        if (err != 0)
            return err;
        page_lock(page);
        page_wait_written(page);
        if (object_owns(obj, page))
            break;
        page_unlock(page);
        page_put(page);
    }
    if (obj->ops->mkwrite != NULL && !(atomic_load(&page->flags) & PG_DIRTY))
        err = obj->ops->mkwrite(obj, index, page);
    if (err == 0) {
        object_set_dirty(obj, page);
        *found = page;
        return 0;
    }
    page_unlock(page);
    page_put(page);
    return err;
}

static void
zero_from(struct page *page, size_t at)
{
    memset((char *)page_to_va(page) + at, 0, PAGE_SIZE - at);
}

/* What a store left behind the old end must not show. => page in any state */
static void
zero_old_tail(struct vm_object *obj, uint64_t size)
{
    /* LAB 7.5: the file ends at SIZE, within a page: what lies behind must be
     * zeros.
     *
     * A program may have stored there through a mapping, and when the file
     * grows again nobody may see it. If the object has that page in memory
     * (object_find() gives a reference), lock it, look whether it is still the
     * object's and up to date, and clear the rest: zero_from(). */
    struct page *page = object_find(obj, size >> PAGE_SHIFT);

    if (page == NULL)
        return;
    page_lock(page);
    if (object_owns(obj, page) && (atomic_load(&page->flags) & PG_UPTODATE))
        zero_from(page, size & PAGE_MASK);
    page_unlock(page);
    page_put(page);
    /* END 7.5 */
}

/* --- the areas --- */

/* The space of an area that was not cut yet, with a reference; or NULL. */
static struct mm_struct *
next_space(struct vm_object *obj, uint64_t cut)
{
    struct mm_struct *mm = NULL;

    spin_lock(&obj->lock);
    list_for_each_entry (v, &obj->areas, struct vma_struct, object_link) {
        if (v->cut != cut) {
            mm = v->vm_mm;
            mm_get(mm);
            break;
        }
    }
    spin_unlock(&obj->lock);
    return mm;
}

/* => gate closed */
static int
cut_area(struct vma_struct *v, uint64_t first, uint64_t cut)
{
    /* LAB 7.6: area V shows nothing of its object from page FIRST on any more.
     *
     * The area's first page is number vm_pgoff of the object. From page FIRST
     * to the end of the area (all of it, if it begins behind FIRST; nothing,
     * if it ends before) discard_range() takes entries and private copies
     * away, as what they are copies of is not there any more. A gather,
     * started before and finished afterwards, collects what is to be forgotten
     * and freed. An area of a device (VM_PFNMAP) is left alone.
     *
     * Return what discard_range() says. Unless that is an error, CUT goes into
     * v->cut, under the object's lock: of every area that was looked at, also
     * where nothing had to go. The caller comes again until all have it. */
    uint64_t skip = first - MIN(first, v->vm_pgoff);
    struct gather g;
    int err = 0;

    if (skip < vma_pages(v) && !(v->vm_flags & VM_PFNMAP)) {
        gather_start(&g, v->vm_mm);
        err = discard_range(v->vm_mm, v->vm_start + skip * PAGE_SIZE, v->vm_end,
                            &g);
        gather_finish(&g);
    }
    if (err == 0) {
        spin_lock(&v->vm_object->lock);
        v->cut = cut;
        spin_unlock(&v->vm_object->lock);
    }
    return err;
    /* STUB: spin_lock(&v->vm_object->lock); */
    /* STUB: v->cut = cut; */
    /* STUB: spin_unlock(&v->vm_object->lock); */
    /* STUB: return 0; */
    /* END 7.6 */
}

/* All areas of MM that show OBJ. */
static int
cut_space(struct mm_struct *mm, struct vm_object *obj, uint64_t first,
          uint64_t cut)
{
    int err = 0;

    mm_write_begin(mm);
    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->vm_object == obj && v->cut != cut && err == 0)
            err = cut_area(v, first, cut);
    }
    mm_write_end(mm);
    return err;
}

/* From every area what it shows from page FIRST on. */
static int
cut_areas(struct vm_object *obj, uint64_t first)
{
    struct mm_struct *mm;
    unsigned tries = 0;
    uint64_t cut;

    spin_lock(&obj->lock);
    cut = ++obj->cuts;
    spin_unlock(&obj->lock);
    while ((mm = next_space(obj, cut)) != NULL) {
        int err = cut_space(mm, obj, first, cut);

        mm_put(mm);
        if (err != 0 && ++tries == TRIES)
            return -ENOMEM;
        if (err != 0)
            sched_yield();
    }
    return 0;
}

/* --- the pages --- */

static void
cut_pages(struct vm_object *obj, uint64_t first)
{
    struct page *page;
    swp_t slot;

    while (object_next_any(obj, &first, &page, &slot)) {
        race_point("cut-page");
        if (page == NULL) {
            object_drop_slot(obj, first);
            continue; /* it may have become a page */
        }
        page_lock(page);
        page_wait_written(page);
        if (object_owns(obj, page)) {
            page_unmap(page);
            object_remove(obj, page);
        }
        page_unlock(page);
        page_put(page);
    }
}

static int
cut_from(struct vm_object *obj, uint64_t first)
{
    int err = cut_areas(obj, first), again;

    cut_pages(obj, first);
    again = cut_areas(obj, first);
    return err != 0 ? err : again;
}

/* What was never there of an object that has nothing behind it, is zeros. */
static bool
all_zeros(struct vm_object *obj, uint64_t size)
{
    return obj->ops->zeros && object_is_hole(obj, size >> PAGE_SHIFT);
}

int
object_truncate(struct vm_object *obj, uint64_t size)
{
    uint64_t old = atomic_load(&obj->size);
    struct page *last = NULL;
    int err;

    if (size >= old) {
        if (old & PAGE_MASK)
            zero_old_tail(obj, old);
        atomic_store(&obj->size, size);
        return 0;
    }
    if ((size & PAGE_MASK) && object_has_pages(obj) && !all_zeros(obj, size)) {
        err = object_page_to_write(obj, size >> PAGE_SHIFT, &last);
        if (err != 0)
            return err;
    }
    atomic_store(&obj->size, size);
    if (last != NULL) {
        zero_from(last, size & PAGE_MASK);
        page_unlock(last);
        page_put(last);
    }
    return cut_from(obj, PAGE_UP(size) >> PAGE_SHIFT);
}
