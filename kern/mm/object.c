/* object.c: pages by index, and how their contents come.
 *
 *     vm_object --> radix tree, 64 slots a node --> struct page
 *                                               --> or a slot of swap, and a mark
 *
 * A page is added locked and not up to date; whoever added it brings the
 * contents and unlocks it, or has a pager do both (object_fill.c).  Everybody else
 * who needs it waits for the lock and looks again.  The tree grows by levels as
 * indexes need it.
 *
 * A page takes the slot that stood in its place along, as page->policy, and leaves
 * it there when it is thrown out: so nothing has to be allocated for that. */
#include "mm/object_tree.h"

#include "debug/kstat.h"
#include <errno.h>
#include <race.h>

void (*object_slot_free)(swp_t slot);

void
object_init(struct vm_object *obj, const struct pager_ops *ops, uint64_t size,
            void *host)
{
    *obj =
        (struct vm_object){.refs = 1, .size = size, .ops = ops, .host = host};
    spin_init(&obj->lock, RANK_OBJECT);
    list_init(&obj->areas);
    list_init(&obj->dirty_link);
    list_init(&obj->cached_link);
    list_init(&obj->swap_link);
}

/* --- pages and slots --- */

struct page *
object_next(struct vm_object *obj, uint64_t from, bool dirty)
{
    struct page *page;

    spin_lock(&obj->lock);
    page = next_entry(obj, &from, dirty || obj->ops->swap);
    if (page != NULL)
        page_get(page);
    spin_unlock(&obj->lock);
    return page;
}

static swp_t
entry_slot(const void *entry)
{
    return (uintptr_t)entry >> 1;
}

static void *
slot_entry(swp_t slot)
{
    return (void *)(slot << 1 | OBJECT_ON_SWAP);
}

bool
object_next_any(struct vm_object *obj, uint64_t *from, struct page **page,
                swp_t *slot)
{
    void *entry;

    spin_lock(&obj->lock);
    entry = next_entry(obj, from, false);
    *page = object_entry_page(entry) ? entry : NULL;
    *slot = *page == NULL ? entry_slot(entry) : object_slot(obj, *page);
    if (*page != NULL)
        page_get(*page);
    spin_unlock(&obj->lock);
    return entry != NULL;
}

bool
object_is_hole(struct vm_object *obj, uint64_t index)
{
    bool hole;
    void **slot;

    spin_lock(&obj->lock);
    slot = slot_find(obj, index);
    hole = slot == NULL || *slot == NULL;
    spin_unlock(&obj->lock);
    return hole;
}

/* Nobody needs the contents on SLOT.  => obj->lock held, or OBJ ends */
static void
contents_end(struct vm_object *obj, swp_t slot)
{
    object_slot_free(slot);
    if (obj->ops->dropped != NULL)
        obj->ops->dropped(obj);
}

struct page *
object_find_off(struct vm_object *obj, uint64_t index)
{
    struct page *page;
    void **slot;

    spin_lock_off(&obj->lock, RANK_OBJECT);
    slot = slot_find(obj, index);
    page = slot == NULL || !object_entry_page(*slot) ? NULL : *slot;
    if (page != NULL)
        page_get(page);
    spin_unlock_off(&obj->lock, RANK_OBJECT);
    return page;
}

/* Of N slots at SLOT, how many are as the first: on swap, or not. */
static unsigned
alike(void *const *slot, unsigned n)
{
    uintptr_t on_swap = (uintptr_t)slot[0] & OBJECT_ON_SWAP;
    unsigned i = 1;

    while (i < n && ((uintptr_t)slot[i] & OBJECT_ON_SWAP) == on_swap)
        i++;
    return i;
}

void **
object_slots(struct vm_object *obj, uint64_t first, unsigned *n)
{
    uint64_t end = object_pages(obj);
    void **slot;

    *n = (unsigned)MIN(*n, end - MIN(end, first));
    *n = MIN(*n, NODE_SLOTS - slot_at(first, 1));
    slot = *n == 0 ? NULL : slot_find(obj, first);
    if (slot != NULL && !list_empty(&obj->swap_link)) { /* it had slots */
        *n = alike(slot, *n);
        return (uintptr_t)*slot & OBJECT_ON_SWAP ? NULL : slot;
    }
    return slot;
}

/* OBJ has a page more.  What is lost without power, or swap, may be thrown out. */
static void
count_page(struct vm_object *obj, uint64_t index, struct page *page, void *old)
{
    if (obj->ops->swap) {
        page->policy = entry_slot(old);
        kstat_add(STAT_SWAPPED, old == NULL ? 0 : -1ul);
        kstat_inc(STAT_SHMEM);
        tag(obj, index);
    }
    if (obj->npages++ == 0 && (obj->ops->page_out != NULL || obj->ops->swap))
        reclaim_object(obj);
    kstat_inc(STAT_CACHE);
}

/* PAGE gets its owner, and a second reference for the caller. */
static int
add_locked(struct vm_object *obj, uint64_t index, struct page *page,
           struct page **found)
{
    struct onode *leaf = leaf_make(obj, index);
    void **slot, *old;

    if (leaf == NULL)
        return -ENOMEM;
    slot = &leaf->slot[index & (NODE_SLOTS - 1)];
    old = *slot;
    if (object_entry_page(old)) {
        *found = old;
        page_get(*found);
        return -EEXIST;
    }
    page->owner = (uintptr_t)obj | PAGE_OWNER_OBJECT;
    page->index = index;
    atomic_or(&page->flags, PG_LOCKED);
    page_get(page);
    *slot = page;
    leaf->live |= 1ul << slot_at(index, 1);
    count_page(obj, index, page, old);
    return 0;
}

int
object_add(struct vm_object *obj, uint64_t index, struct page **page)
{
    struct page *fresh = alloc_pages(0);
    int err;

    if (fresh == NULL)
        return -ENOMEM;
    race_point("object-add");
    spin_lock(&obj->lock);
    err = add_locked(obj, index, fresh, page);
    spin_unlock(&obj->lock);
    if (err == 0)
        *page = fresh;
    else
        page_put(fresh);
    return err;
}

/* PAGE is not OBJ's any more: what only OBJ knows about it ends here, but KEEP: not
 * what its slot holds. */
static void
disown(struct vm_object *obj, struct page *page, bool keep)
{
    swp_t slot = object_slot(obj, page);

    if (slot != 0 && !keep)
        contents_end(obj, slot);
    else if (slot == 0 && obj->ops->dropped != NULL &&
             (atomic_load(&page->flags) & PG_DIRTY))
        obj->ops->dropped(obj);
    object_clear_dirty(obj, page);
    page->owner = 0;
    kstat_add(STAT_CACHE, -1ul);
    if (obj->ops->swap)
        kstat_add(STAT_SHMEM, -1ul);
}

/* Nothing is at INDEX any more.  => obj->lock held */
static void
clear_locked(struct vm_object *obj, uint64_t index)
{
    obj->leaf = NULL; /* it may be freed */
    if (slot_clear(obj->root, obj->height, index)) {
        kfree(obj->root);
        obj->root = NULL;
        obj->height = 0;
    }
}

/* => obj->lock held */
static void
remove_locked(struct vm_object *obj, struct page *page, bool keep)
{
    swp_t slot = keep ? object_slot(obj, page) : 0;

    assert(object_owns(obj, page));
    assert(!(atomic_load(&page->flags) & PG_WRITEBACK));
    disown(obj, page, keep);
    obj->npages--;
    untag(obj->root, obj->height, page->index);
    if (slot == 0) {
        clear_locked(obj, page->index);
    } else {
        *slot_find(obj, page->index) = slot_entry(slot);
        kstat_inc(STAT_SWAPPED);
    }
}

void
object_drop_slot(struct vm_object *obj, uint64_t index)
{
    void **at;

    spin_lock(&obj->lock);
    at = slot_find(obj, index);
    if (at != NULL && *at != NULL && !object_entry_page(*at)) {
        contents_end(obj, entry_slot(*at));
        kstat_add(STAT_SWAPPED, -1ul);
        clear_locked(obj, index);
    }
    spin_unlock(&obj->lock);
}

void
object_remove(struct vm_object *obj, struct page *page)
{
    spin_lock(&obj->lock);
    remove_locked(obj, page, false);
    spin_unlock(&obj->lock);
    page_put(page);
}

void
object_back_out(struct vm_object *obj, struct page *page)
{
    spin_lock(&obj->lock);
    remove_locked(obj, page, true);
    spin_unlock(&obj->lock);
    page_put(page);
}

/* References are given out under the lock, or by who has one, or by who finds an
 * entry that maps the page.  Without a reference only fault-around maps it, under
 * the lock, if it saw the page before we locked it. */
bool
object_remove_unused(struct vm_object *obj, struct page *page)
{
    bool unused;

    spin_lock(&obj->lock);
    unused = atomic_load_acquire(&page->ref) == 2 && /* the tree's and ours */
             atomic_load(&page->users) == 0;
    if (unused)
        remove_locked(obj, page, true);
    spin_unlock(&obj->lock);
    if (unused)
        page_put(page);
    return unused;
}

/* What has nothing behind it is neither counted nor looked for.  An object with a
 * tag is in the list of dirty ones: clean_object() takes only those without. */
void
object_set_dirty(struct vm_object *obj, struct page *page)
{
    if ((atomic_or(&page->flags, PG_DIRTY) & PG_DIRTY) ||
        obj->ops->page_out == NULL)
        return;
    kstat_inc(STAT_DIRTY);
    spin_lock(&obj->lock);
    if (obj->root->marked == 0)
        dirty_object(obj);
    tag(obj, page->index);
    spin_unlock(&obj->lock);
}

void
object_clear_dirty(struct vm_object *obj, struct page *page)
{
    if ((atomic_and(&page->flags, ~PG_DIRTY) & PG_DIRTY) &&
        obj->ops->page_out != NULL)
        kstat_add(STAT_DIRTY, -1ul);
}

void
object_settle(struct vm_object *obj, struct page *page)
{
    spin_lock(&obj->lock);
    if (object_owns(obj, page) &&
        !(atomic_load(&page->flags) & (PG_DIRTY | PG_WRITEBACK)))
        untag(obj->root, obj->height, page->index);
    if (obj->root == NULL || obj->root->marked == 0)
        clean_object(obj);
    spin_unlock(&obj->lock);
}

void
object_get(struct vm_object *obj)
{
    if (atomic_add(&obj->refs, 1) == 1 && obj->ops->pin != NULL)
        obj->ops->pin(obj);
}

bool
object_try_get(struct vm_object *obj)
{
    int32_t refs = atomic_load(&obj->refs);

    while (refs > 0 && !atomic_cas(&obj->refs, &refs, refs + 1))
        ;
    if (refs == 1 && obj->ops->pin != NULL)
        obj->ops->pin(obj);
    return refs > 0;
}

/* Nobody but a pager that was asked in time can still be at work on it. */
static void
drop_page(struct vm_object *obj, struct page *page)
{
    page_lock(page);
    page_wait_written(page);
    disown(obj, page, false);
    page_unlock(page);
    page_put(page);
}

static void
drop_tree(struct vm_object *obj, struct onode *n, unsigned height)
{
    for (unsigned i = 0; n != NULL && i < NODE_SLOTS; i++) {
        if (n->slot[i] == NULL)
            continue;
        if (height > 1) {
            drop_tree(obj, n->slot[i], height - 1);
        } else if (object_entry_page(n->slot[i])) {
            drop_page(obj, n->slot[i]);
        } else {
            contents_end(obj, entry_slot(n->slot[i]));
            kstat_add(STAT_SWAPPED, -1ul);
        }
    }
    kfree(n);
}

void
object_put(struct vm_object *obj)
{
    int32_t old = atomic_add_acq_rel(&obj->refs, -1); /* 0: was retired */

    if (old == 2 && obj->ops->unpin != NULL)
        obj->ops->unpin(obj); /* may be the end of OBJ */
    if (old > 1)
        return;
    spin_lock(&obj->lock);
    clean_object(obj);
    spin_unlock(&obj->lock);
    reclaim_forget(obj);
    if (obj->ops->swap)
        shared_forget(obj);
    drop_tree(obj, obj->root, obj->height);
    obj->root = obj->leaf = NULL;
    obj->height = 0;
    obj->npages = 0;
    if (obj->ops->release != NULL)
        obj->ops->release(obj);
}
