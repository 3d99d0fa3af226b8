/* swap_scope.c: the pages among which a victim is chosen.
 *
 *     swap_global     every private page but those below; nothing is done for it
 *                     when a page comes: reclaim finds them, see reclaim.c
 *     mm->scope       those of a space with a quota: noted in the fault, so that
 *                     the manager sees them come in order
 *
 * A page is of one scope at most, the first that notes it, and says which:
 * PG_SWAPPABLE and page->scope.  Both change under the scope's lock, and so does the
 * list.  Who lets go of a private page takes it off the list first, under that
 * lock; so whoever finds a page on a list may take a reference there.
 *
 * A scope ends with its space, while relatives may still have pages of it.  Its
 * memory stays a scope (a type-stable cache), so that who has read page->scope
 * may lock it, and then looks again whether it is still the page's. */
#include "mm/swap.h"

#include "debug/kstat.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <printfmt.h>
#include <string.h>

struct swap_scope swap_global;
static struct kmem_cache *scope_cache;

static void
scope_construct(void *obj)
{
    struct swap_scope *s = obj;

    *s = (struct swap_scope){.lock = SPINLOCK_INIT(RANK_SCOPE),
                             .hull = UNMAP_HULL,
                             .looks = SIZE_MAX,
                             .quota = SIZE_MAX};
    list_init(&s->pages);
    s->hand = &s->pages;
}

void
swap_init(void)
{
    scope_cache = kmem_cache_create("swap_scope", sizeof(struct swap_scope), 0,
                                    KMEM_TYPE_STABLE, scope_construct);
    assert(scope_cache != NULL);
    anon_slot_free = object_slot_free = swap_slot_free;
    anon_page_forget = swap_forget_slow;
    scope_construct(&swap_global);
    swap_global.end = UINTPTR_MAX;
    swap_select(&swap_global, swap_manager_find("clock", 5));
}

const struct swap_manager *
swap_manager_find(const char *name, size_t n)
{
    TABLE_FOR_EACH (swap_manager, struct swap_manager, m) {
        if (strlen((*m)->name) == n && memcmp((*m)->name, name, n) == 0)
            return *m;
    }
    return NULL;
}

void
swap_manager_names(char *buf, size_t n)
{
    size_t at = 0;

    TABLE_FOR_EACH (swap_manager, struct swap_manager, m)
        at += (size_t)snprintf(buf + MIN(at, n), n - MIN(at, n), "%s%s",
                               at > 0 ? ", " : "", (*m)->name);
}

void
swap_select(struct swap_scope *s, const struct swap_manager *sm)
{
    spin_lock(&s->lock);
    s->sm = sm;
    sm->init_scope(s);
    spin_unlock(&s->lock);
}

void
swap_tick(struct swap_scope *s)
{
    struct unmap_hull hull;

    spin_lock(&s->lock);
    if (s->sm->tick_event != NULL)
        s->sm->tick_event(s);
    hull = s->hull;
    s->hull = (struct unmap_hull)UNMAP_HULL;
    spin_unlock(&s->lock);
    hull_flush(&hull);
}

/* --- a page comes and goes --- */

void
swap_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    spin_lock(&s->lock);
    if (s->sm != NULL &&
        !(atomic_or(&page->flags, PG_SWAPPABLE) & PG_SWAPPABLE)) {
        atomic_store(&page->scope, s);
        s->sm->map_swappable(s, page, again);
        s->nr++;
    }
    spin_unlock(&s->lock);
}

/* => s->lock held, PAGE is of S */
static void
leave(struct swap_scope *s, struct page *page)
{
    s->sm->set_unswappable(s, page);
    s->nr--;
    atomic_and(&page->flags, ~PG_SWAPPABLE);
}

void
swap_forget_slow(struct page *page)
{
    while (atomic_load_acquire(&page->flags) & PG_SWAPPABLE) {
        struct swap_scope *s = atomic_load(&page->scope);

        spin_lock(&s->lock);
        if ((atomic_load(&page->flags) & PG_SWAPPABLE) && page->scope == s)
            leave(s, page);
        spin_unlock(&s->lock);
    }
}

struct page *
swap_take_victim(struct swap_scope *s, size_t most)
{
    struct unmap_hull hull;
    struct page *page;
    uint64_t before;

    spin_lock(&s->lock);
    before = s->looked;
    page = s->sm->swap_out_victim(s, MIN(most, s->looks));
    if (s->looks != SIZE_MAX)
        s->looks -= MIN(s->looks, s->looked - before);
    kstat_add(STAT_RESCAN, s->looked - before);
    if (s->mm != NULL)
        mm_count_n(s->mm, MM_RESCAN, s->looked - before);
    if (page != NULL) {
        page_get(page); /* before the flag goes: who frees it looks there */
        leave(s, page);
    }
    hull = s->hull;
    s->hull = (struct unmap_hull)UNMAP_HULL;
    spin_unlock(&s->lock);
    hull_flush(&hull);
    return page;
}

static bool
entry_dirty(struct page *page, pte_t *pte, void *dirty)
{
    *(bool *)dirty |= (pte_load(pte) & PTE_D) != 0;
    return false;
}

bool
page_is_dirty(struct page *page)
{
    bool dirty = (atomic_load(&page->flags) & PG_DIRTY) != 0;

    if (!dirty && atomic_load(&page->mapcount) > 0)
        (void)rmap_look(page, entry_dirty, &dirty);
    return dirty;
}

/* --- a space with a quota --- */

/* => s->lock held */
static void
let_all_go(struct swap_scope *s)
{
    while (!list_empty(&s->pages))
        leave(s, list_first(&s->pages, struct page, lru));
}

int
swap_quota(struct mm_struct *mm, uintptr_t start, uintptr_t end, size_t quota,
           const struct swap_manager *sm)
{
    struct swap_scope *s = mm->scope;

    if (s == NULL) {
        s = fail_now(FAIL_AREA) ? NULL : kmem_cache_alloc(scope_cache);
        if (s == NULL)
            return -ENOMEM;
        s->mm = mm;
    }
    spin_lock(&s->lock);
    if (s->start != start || s->end != end)
        let_all_go(s);
    s->start = start;
    s->end = end;
    s->soft = sm == NULL;
    s->sm = sm == NULL ? swap_global.sm : sm;
    s->sm->init_scope(s);
    atomic_store(&s->quota, quota);
    spin_unlock(&s->lock);
    atomic_store_release(&mm->scope, s);
    return 0;
}

void
swap_scope_end(struct mm_struct *mm)
{
    struct swap_scope *s = mm->scope;

    if (s == NULL)
        return;
    mm->scope = NULL;
    spin_lock(&s->lock);
    let_all_go(s); /* relatives have them */
    s->quota = SIZE_MAX;
    s->soft = false;
    s->sm = NULL;
    spin_unlock(&s->lock);
    kmem_cache_free(scope_cache, s);
}
