/* race_object.c: see race_object.h. */
#include "race_object.h"

#include "mm/rmap.h"

struct vm_object race_object;
uint64_t race_disk[SET][4];
static void (*filled_hook)(unsigned index);

static int
disk_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    page_zero(page_to_va(page));
    memcpy(page_to_va(page), race_disk[index], sizeof(race_disk[index]));
    return 0;
}

static void
slow_disk_read(struct vm_object *obj, uint64_t index, struct page **pages,
               unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sched_yield();
        object_filled(obj, pages[i], disk_in(obj, index + i, pages[i]));
    }
    if (filled_hook != NULL)
        filled_hook((unsigned)index);
}

static const struct pager_ops slow_disk = {.name = "slow disk",
                                           .read_run = slow_disk_read};
static const struct pager_ops fast_disk = {
    .name = "fast disk", .at_once = true, .page_in = disk_in};

void
race_object_map(bool at_once, void (*filled)(unsigned index))
{
    memset(race_disk, 0, sizeof(race_disk));
    for (unsigned i = 0; i < SET; i++)
        race_disk[i][0] = 1000 + i;
    filled_hook = filled;
    object_init(&race_object, at_once ? &fast_disk : &slow_disk,
                SET * PAGE_SIZE, NULL);
    race_mm[0] = mm_create();
    RCHECK(do_mmap(race_mm[0], RACE_AT, SET * PAGE_SIZE, VM_READ | VM_WRITE,
                   MAP_SHARED | MAP_FIXED, &race_object, 0) == (long)RACE_AT);
    RCHECK(do_mmap(race_mm[0], race_page_at(SET), SET * PAGE_SIZE,
                   VM_READ | VM_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                   NULL, 0) > 0);
    race_mm[1] = mm_copy(race_mm[0]);
    RCHECK(race_mm[1] != NULL);
}

struct page *
race_lock_page(unsigned index)
{
    struct page *page = object_find(&race_object, index);

    if (page == NULL)
        return NULL;
    page_lock(page);
    if (object_owns(&race_object, page))
        return page;
    race_unlock_page(page);
    return NULL;
}

void
race_unlock_page(struct page *page)
{
    page_unlock(page);
    page_put(page);
}

void
race_write_page(struct page *page)
{
    if (!(atomic_load(&page->flags) & PG_DIRTY))
        return;
    object_clear_dirty(&race_object, page);
    memcpy(race_disk[page->index], page_to_va(page), sizeof(race_disk[0]));
}

void
race_clean(unsigned index, bool out)
{
    struct page *page = race_lock_page(index);

    if (page == NULL)
        return;
    if (out)
        page_unmap(page);
    else
        page_mkclean(page);
    race_still(page, out, STILL);
    race_write_page(page);
    if (out)
        object_remove(&race_object, page);
    race_unlock_page(page);
}
