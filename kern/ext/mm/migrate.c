/* migrate.c: adds migrate_page(), a private page moves to another frame; a first
 * reader may skip it.
 *
 *     anon ---> page        no entry shows it        anon ---> fresh
 *      ^-- owner                any more              ^--- owner
 *
 *     1  page locked (no I/O), anon locked (no fault can show it)
 *     2  the entries that map it are cleared, every hart forgets them
 *     3  copy; the anon and the fresh page point to each other
 *     4  unlock; faults find the fresh page
 *
 * Why that is safe.  The migrator comes from the page and holds neither the gate
 * nor a layer's lock; the slot keeps its anon, so the rule of fault.c is not
 * touched.  But the entry must show the anon's page, and only the lock of the
 * anon says which that is: a fault takes it before it looks at anon->page and
 * keeps it until the entry is stored.  So while we hold it
 *
 *   - no new entry for PAGE appears: after step 2 there is none, and no hart
 *     remembers one, so nobody reads or writes the frame through an entry;
 *   - who stored one before is found by the reverse map: its record is made
 *     before the entry and under the lock of its table, which we take, too.
 *
 * What else reads a frame has a reference: a fault that copies a shared page, a
 * device.  It took it under the anon's lock or with the page locked, so that
 * counting references in step 1 decides.  A shared page is never written, so
 * its copier could go on with the old frame; it is left alone all the same.
 *
 * The anon may be gone, or serve another page: see anon.c. */
#include "ext/mm/migrate.h"
#include "ext/mm/memnode.h"

#include "mm/rmap.h"
#include "mm/swap.h"
#include <errno.h>

/* Tries for a page that is busy. */
#define TRIES 100

/* Our caller's reference and the anon's: nobody else has it in hand. */
static bool
in_use(const struct page *page)
{
    return (atomic_load(&page->flags) & PG_WRITEBACK) || page->pins != 0 ||
           atomic_load(&page->ref) != 2;
}

/* => A and PAGE locked */
static void
move(struct anon *a, struct page *page, struct page *fresh)
{
    page_unmap(page);
    page_copy(page_to_va(fresh), page_to_va(page));
    fresh->flags |= PG_UPTODATE | (page->flags & PG_DIRTY);
    if (atomic_load(&page->flags) & PG_SWAPPABLE) {
        struct swap_scope *s = page->scope;

        swap_forget(page);
        swap_map_swappable(s, fresh, false);
    }
    atomic_store(&page->owner, 0ul);
    atomic_store_release(&fresh->owner, (uintptr_t)a);
    atomic_store(&a->page, fresh);
}

static int
move_locked(struct page *page, struct page *fresh)
{
    uintptr_t owner = atomic_load_acquire(&page->owner);
    struct anon *a = (struct anon *)owner;
    int err = 0;

    if (owner == 0 || (owner & PAGE_OWNER_TAG) != PAGE_OWNER_ANON)
        return -ENOENT;
    spin_lock(&a->lock);
    if (atomic_load(&a->page) != page)
        err = -ENOENT;
    else if (in_use(page))
        err = -EBUSY;
    else
        move(a, page, fresh);
    spin_unlock(&a->lock);
    return err;
}

/* Move PAGE to FRESH, which may be NULL, and is used up. */
static int
migrate_to(struct page *page, struct page *fresh)
{
    int err;

    if (fresh == NULL)
        return -ENOMEM;
    page_lock(page);
    err = move_locked(page, fresh);
    page_unlock(page);
    page_put(err == 0 ? page : fresh); /* PAGE: what was the anon's reference */
    return err;
}

int
migrate_page(struct page *page)
{
    return migrate_to(page, alloc_pages(0));
}

/* --- a range --- */

/* The private page at VA, with a reference; NULL: there is none in memory. */
static struct page *
private_page(struct mm_struct *mm, uintptr_t va)
{
    struct page *page = NULL;
    struct vma_struct *v;
    struct layer *l;
    struct anon *a;

    gate_enter(&mm->gate);
    v = find_vma(mm, va);
    l = v == NULL || v->vm_start > va ? NULL : atomic_load_acquire(&v->layer);
    if (l != NULL) {
        spin_lock(&l->lock);
        a = layer_find(l, vma_layer_index(v, va));
        if (a != NULL) {
            spin_lock(&a->lock);
            page = a->page;
            if (page != NULL)
                page_get(page);
            spin_unlock(&a->lock);
        }
        spin_unlock(&l->lock);
    }
    gate_leave(&mm->gate);
    return page;
}

/* Does the page at VA move, if it is not of NODE? */
static bool
migrate_at(struct mm_struct *mm, uintptr_t va, unsigned node)
{
    int err = -EBUSY;

    for (unsigned tries = 0; err == -EBUSY && tries < TRIES; tries++) {
        struct page *page = private_page(mm, va);

        if (page == NULL)
            return false;
        err = node != MEMNODE_ANY && memnode_of(page) == node
                  ? -EEXIST
                  : migrate_to(page, memnode_alloc(node));
        page_put(page);
    }
    if (err == 0)
        mm_count(mm, MM_MIGR);
    return err == 0;
}

long
migrate_range_to(struct mm_struct *mm, uintptr_t start, uintptr_t end,
                 unsigned node)
{
    long moved = 0;

    for (uintptr_t va = PAGE_DOWN(start); va < end; va += PAGE_SIZE)
        moved += migrate_at(mm, va, node);
    return moved;
}

long
migrate_range(struct mm_struct *mm, uintptr_t start, uintptr_t end)
{
    return migrate_range_to(mm, start, end, MEMNODE_ANY);
}

/* --- pages go where they are used --- */

/* The last ones; what is older was a guess that nobody followed in time. */
static struct touch {
    uint64_t mm_id; /* 0: none */
    uintptr_t va;
    unsigned node;
} touches[256];

static unsigned next_touch;
static struct spinlock touch_lock = SPINLOCK_INIT(RANK_TOUCH);

void
hint_touched(struct mm_struct *mm, uintptr_t va)
{
    unsigned node = memnode_of_hart(this_cpu()->id);

    if (memnode_count() == 1)
        return;
    spin_lock(&touch_lock);
    touches[next_touch++ % ARRAY_LEN(touches)] =
        (struct touch){mm->id, PAGE_DOWN(va), node};
    spin_unlock(&touch_lock);
}

/* The eldest touch in MM, which is forgotten. */
static bool
touch_take(struct mm_struct *mm, struct touch *t)
{
    bool found = false;

    spin_lock(&touch_lock);
    for (unsigned i = 0; !found && i < ARRAY_LEN(touches); i++) {
        struct touch *at = &touches[(next_touch + i) % ARRAY_LEN(touches)];

        found = at->mm_id == mm->id;
        if (found) {
            *t = *at;
            at->mm_id = 0;
        }
    }
    spin_unlock(&touch_lock);
    return found;
}

long
hint_follow(struct mm_struct *mm)
{
    struct touch t;
    long moved = 0;

    while (touch_take(mm, &t))
        moved += migrate_at(mm, t.va, t.node);
    return moved;
}
