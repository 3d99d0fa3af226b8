/* anon.c: one private page, wherever it is.
 *
 *        slots of layers            (ref counts these)
 *           \  |  /
 *            anon  <--------- page->owner
 *           /    \                ^
 *        page     swap slot       |  reclaim comes this way,
 *                                    holding only the page
 *
 * An anon lives from anon_new(), which gives it a page, until the last slot lets
 * go of it.  Who comes from the page has no reference: the anon may be
 * given back, or even serve another page, by the time it is locked.  So its
 * memory is only ever an anon (a type-stable cache), its lock is initialised
 * once, by the constructor, and whoever locks it compares:
 *
 *     a = page->owner;  spin_lock(&a->lock);
 *     atomic_load(&a->page) == page ? ours : gone
 *
 * That is why the end detaches the page under the lock.  The beginning needs no
 * lock: the page is new, and leads here only when all else is done. */
#include "mm/anon.h"

#include "debug/kstat.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/pageref.h"

struct kmem_cache *anon_cache;

void (*anon_slot_free)(swp_t slot);
void (*anon_page_forget)(struct page *page);

static void
anon_construct(void *obj)
{
    struct anon *a = obj;

    *a = (struct anon){.lock = SPINLOCK_INIT(RANK_ANON)};
}

void
anon_init(void)
{
    anon_cache = kmem_cache_create("anon", sizeof(struct anon), 0,
                                   KMEM_TYPE_STABLE, anon_construct);
    assert(anon_cache != NULL);
    layer_init();
}

struct anon *
anon_new(struct page *page, uint32_t epoch)
{
    struct anon *a = fail_now(FAIL_ANON) ? NULL : kmem_cache_alloc(anon_cache);

    if (a == NULL)
        return NULL;
    a->ref = 1;
    a->epoch = epoch;
    page->owner = 0; /* not whose the frame was before */
    atomic_store(&a->page, page);
    kstat_inc(STAT_ANON);
    return a;
}

/* A tree lets go of A: was it the last one? */
static inline bool
anon_last_put(struct anon *a)
{
    int32_t before = atomic_add_acq_rel(&a->ref, -1);

    assert(before > 0);
    return before == 1;
}

/* What was detached has a SLOT (0: none), or its PAGE (or NULL) may go to one. */
static NOINLINE void
leave_swap(struct page *page, swp_t slot)
{
    if (slot != 0) {
        if (page == NULL && slot != SWP_ZEROS)
            kstat_add(STAT_SWAPPED, -1ul);
        anon_slot_free(slot);
    }
    if (page != NULL && (atomic_load(&page->flags) & PG_SWAPPABLE))
        anon_page_forget(page);
}

/* Nobody points to A any more.  Returns its page, which has no owner now, so that
 * reclaim leaves it alone; NULL: there was none.  => interrupts off */
static inline struct page *
anon_detach(struct anon *a)
{
    struct page *page;
    uint64_t swap;
    swp_t slot;

    spin_lock_off(&a->lock, RANK_ANON);
    page = a->page;
    swap = slot = a->slot;
    a->page = NULL;
    a->slot = 0;
    if (likely(page != NULL)) {
        atomic_store(&page->owner, 0ul);
        swap |= atomic_load(&page->flags) & PG_SWAPPABLE;
    }
    spin_unlock_off(&a->lock, RANK_ANON);
    if (unlikely(swap != 0))
        leave_swap(page, slot);
    return page;
}

void
anon_put(struct anon *a)
{
    struct page *page;

    if (!anon_last_put(a))
        return;
    irq_off();
    page = anon_detach(a);
    if (page != NULL)
        page_put(page);
    kstat_add(STAT_ANON, -1ul);
    kmem_cache_free(anon_cache, a);
    irq_restore();
}

void
anon_put_all(struct anon **anons, unsigned live)
{
    struct page *pages[LNODE_SLOTS];
    unsigned npages = 0, gone = 0;

    irq_off();
    for (struct anon **at = anons; live > 0; at++) {
        struct anon *a = *at;

        if (a == NULL)
            continue;
        live--;
        if (!anon_last_put(a))
            continue;
        pages[npages] = anon_detach(a);
        npages += pages[npages] != NULL;
        anons[gone++] = a;
    }
    kstat_add(STAT_ANON, -(uint64_t)gone);
    irq_restore();
    page_put_all(pages, npages);
    kmem_cache_free_all(anon_cache, (void **)anons, gone);
}

size_t
anon_count(void)
{
    return kstat_read(STAT_ANON);
}
