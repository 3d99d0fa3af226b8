/* object.c: pages by index, and how their contents come.
 *
 *     vm_object --> radix tree, 64 slots a node --> struct page
 *
 * A page is added locked and not up to date; whoever added it brings the
 * contents and unlocks it, or has a pager do both (read_run).  Everybody else
 * who needs it waits for the lock and looks again.  The tree grows by levels as
 * indexes need it. */
#include "mm/object.h"

#include "debug/kstat.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <race.h>

#define NODE_BITS  6
#define NODE_SLOTS (1u << NODE_BITS)

struct onode {
    uint64_t live; /* slots that hold something */
    uint64_t
        dirty; /* of those: pages that may have to be written, or above one */
    void *slot[NODE_SLOTS];
};
_Static_assert(NODE_SLOTS == 64, "bits of a word");

/* --- the tree --- */

static struct onode *
node_create(void)
{
    return fail_now(FAIL_NODE) ? NULL : kzalloc(sizeof(struct onode));
}

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
}

static bool
fits(const struct vm_object *obj, uint64_t index)
{
    return obj->height > 0 && index >> (obj->height * NODE_BITS) == 0;
}

/* Which slot of a node HEIGHT levels above nothing leads to INDEX. */
static unsigned
slot_at(uint64_t index, unsigned height)
{
    return index >> ((height - 1) * NODE_BITS) & (NODE_SLOTS - 1);
}

/* The leaf of INDEX, remembered; or NULL. */
static NOINLINE struct onode *
leaf_find(struct vm_object *obj, uint64_t index)
{
    struct onode *n = fits(obj, index) ? obj->root : NULL;

    for (unsigned h = obj->height; n != NULL && h > 1; h--)
        n = n->slot[slot_at(index, h)];
    if (n != NULL) {
        obj->leaf = n;
        obj->leaf_at = ROUND_DOWN(index, NODE_SLOTS);
    }
    return n;
}

/* The slot of INDEX, or NULL if its leaf is missing. */
static inline void **
slot_find(struct vm_object *obj, uint64_t index)
{
    struct onode *n = obj->leaf;

    if (n == NULL || index - obj->leaf_at >= NODE_SLOTS)
        n = leaf_find(obj, index);
    return n == NULL ? NULL : &n->slot[index & (NODE_SLOTS - 1)];
}

/* The leaf of INDEX; what is missing is made, and stays if the rest fails.
 * NULL: no memory. */
static struct onode *
leaf_make(struct vm_object *obj, uint64_t index)
{
    struct onode *n;

    for (; !fits(obj, index); obj->height++) {
        if (obj->root == NULL)
            continue;
        n = node_create();
        if (n == NULL)
            return NULL;
        n->slot[0] = obj->root;
        n->live = 1;
        n->dirty = obj->root->dirty != 0;
        obj->root = n;
    }
    if (obj->root == NULL)
        obj->root = node_create();
    if (obj->root == NULL)
        return NULL;
    n = obj->root;
    for (unsigned h = obj->height; h > 1; h--) {
        void **slot = &n->slot[slot_at(index, h)];

        if (*slot == NULL) {
            *slot = node_create();
            if (*slot == NULL)
                return NULL;
            n->live |= 1ul << slot_at(index, h);
        }
        n = *slot;
    }
    return n;
}

/* Say that the page of INDEX may have to be written. */
static void
tag(struct vm_object *obj, uint64_t index)
{
    struct onode *n = obj->root;

    for (unsigned h = obj->height; h > 0; h--) {
        n->dirty |= 1ul << slot_at(index, h);
        n = n->slot[slot_at(index, h)];
    }
}

/* That of INDEX, below N, has not. */
static void
untag(struct onode *n, unsigned height, uint64_t index)
{
    struct onode *below = n->slot[slot_at(index, height)];

    if (height > 1)
        untag(below, height - 1, index);
    if (height == 1 || below->dirty == 0)
        n->dirty &= ~(1ul << slot_at(index, height));
}

/* Empty the slot of INDEX below N, and free the nodes that become empty with
 * it.  True: N is one. */
static bool
slot_clear(struct onode *n, unsigned height, uint64_t index)
{
    void **slot = &n->slot[slot_at(index, height)];

    if (height > 1) {
        if (!slot_clear(*slot, height - 1, index))
            return false;
        kfree(*slot);
    }
    *slot = NULL;
    n->live &= ~(1ul << slot_at(index, height));
    return n->live == 0;
}

/* The first page below N from index FROM on, FROM counted from N's first. */
static struct page *
first_from(struct onode *n, unsigned height, uint64_t from, bool dirty)
{
    uint64_t bits = dirty ? n->dirty : n->live;
    unsigned i = slot_at(from, height);

    for (bits &= ~0ul << i; bits != 0; bits &= bits - 1) {
        unsigned at = (unsigned)__builtin_ctzl(bits);
        struct page *page = n->slot[at];

        if (height > 1) {
            uint64_t span = 1ul << ((height - 1) * NODE_BITS);

            page = first_from(n->slot[at], height - 1,
                              at == i ? from & (span - 1) : 0, dirty);
        }
        if (page != NULL)
            return page;
    }
    return NULL;
}

struct page *
object_next(struct vm_object *obj, uint64_t from, bool dirty)
{
    struct page *page = NULL;

    spin_lock(&obj->lock);
    if (fits(obj, from) && obj->root != NULL) /* NULL: the first page failed */
        page = first_from(obj->root, obj->height, from, dirty);
    if (page != NULL)
        page_get(page);
    spin_unlock(&obj->lock);
    return page;
}

struct page *
object_find_off(struct vm_object *obj, uint64_t index)
{
    struct page *page;
    void **slot;

    spin_lock_off(&obj->lock, RANK_OBJECT);
    slot = slot_find(obj, index);
    page = slot == NULL ? NULL : *slot;
    if (page != NULL)
        page_get(page);
    spin_unlock_off(&obj->lock, RANK_OBJECT);
    return page;
}

void **
object_slots(struct vm_object *obj, uint64_t first, unsigned *n)
{
    uint64_t end = object_pages(obj);

    *n = (unsigned)MIN(*n, end - MIN(end, first));
    *n = MIN(*n, NODE_SLOTS - slot_at(first, 1));
    return *n == 0 ? NULL : slot_find(obj, first);
}

/* PAGE gets its owner, and a second reference for the caller. */
static int
add_locked(struct vm_object *obj, uint64_t index, struct page *page,
           struct page **found)
{
    struct onode *leaf = leaf_make(obj, index);
    void **slot;

    if (leaf == NULL)
        return -ENOMEM;
    slot = &leaf->slot[index & (NODE_SLOTS - 1)];
    if (*slot != NULL) {
        *found = *slot;
        page_get(*found);
        return -EEXIST;
    }
    page->owner = (uintptr_t)obj | PAGE_OWNER_OBJECT;
    page->index = index;
    atomic_or(&page->flags, PG_LOCKED);
    page_get(page);
    *slot = page;
    leaf->live |= 1ul << slot_at(index, 1);
    if (obj->npages++ == 0 && obj->ops->page_out != NULL)
        reclaim_object(obj);
    kstat_inc(STAT_CACHE);
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

/* PAGE is not OBJ's any more: what only OBJ knows about it ends here. */
static void
disown(struct vm_object *obj, struct page *page)
{
    if (obj->ops->dropped != NULL && (atomic_load(&page->flags) & PG_DIRTY))
        obj->ops->dropped(obj, page);
    object_clear_dirty(obj, page);
    page->owner = 0;
    kstat_add(STAT_CACHE, -1ul);
}

/* => obj->lock held */
static void
remove_locked(struct vm_object *obj, struct page *page)
{
    assert(object_owns(obj, page));
    assert(!(atomic_load(&page->flags) & PG_WRITEBACK));
    disown(obj, page);
    obj->npages--;
    untag(obj->root, obj->height, page->index);
    obj->leaf = NULL; /* it may be freed */
    if (slot_clear(obj->root, obj->height, page->index)) {
        kfree(obj->root);
        obj->root = NULL;
        obj->height = 0;
    }
}

void
object_remove(struct vm_object *obj, struct page *page)
{
    spin_lock(&obj->lock);
    remove_locked(obj, page);
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
        remove_locked(obj, page);
    spin_unlock(&obj->lock);
    if (unused)
        page_put(page);
    return unused;
}

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
    if (err != 0 && !others_had(page))
        object_remove(obj, page);
    return err;
}

int
object_fill(struct vm_object *obj, struct page *page)
{
    return object_fill_run(obj, &page, 1, false);
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
    if (obj->root->dirty == 0)
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
    if (obj->root == NULL || obj->root->dirty == 0)
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
    disown(obj, page);
    page_unlock(page);
    page_put(page);
}

static void
drop_tree(struct vm_object *obj, struct onode *n, unsigned height)
{
    for (unsigned i = 0; n != NULL && i < NODE_SLOTS; i++) {
        if (n->slot[i] == NULL)
            continue;
        if (height > 1)
            drop_tree(obj, n->slot[i], height - 1);
        else
            drop_page(obj, n->slot[i]);
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
    drop_tree(obj, obj->root, obj->height);
    obj->root = obj->leaf = NULL;
    obj->height = 0;
    obj->npages = 0;
    if (obj->ops->release != NULL)
        obj->ops->release(obj);
}
