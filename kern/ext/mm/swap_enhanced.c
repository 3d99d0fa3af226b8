/* swap_enhanced.c: adds the enhanced clock to mm/swap.h: rather a page that need not
 * be written; a first reader may skip it.
 *
 *     turn 1   the first page that is neither used nor dirty
 *     turn 2   the first that is not used, though dirty; A=0 for those before it
 *     turn 3   as 1, and now nobody is used
 *     turn 4   as 2
 *
 * All that is known after one turn: what the first turn would take, or else the
 * first page of each of the other kinds.  What remains is A=0 for the pages before
 * the one of turn 2, or for all.  To go round again for this is not needed either:
 * A of the entries is taken when a page is looked at, and the page keeps in mind
 * until when it counts as used:
 *
 *     page->policy    0         it does not
 *                     now       it did not come behind one for turn 2: until a turn
 *                               ends without a page for turn 1
 *                     now + 1   it did: until the turn after that one
 *
 * s->now counts the turns that ended so; each of them looked at every page. */
#include "mm/swap_ring.h"

static void
enhanced_init(struct swap_scope *s)
{
    ring_init(s);
    s->now = 1;
    list_for_each_entry (page, &s->pages, struct page, lru)
        page->policy = 0;
}

static void
enhanced_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    page->policy = 0;
    ring_add(s, page);
}

/* The first page of each kind that a turn met. */
struct met {
    struct page *unused_dirty, *clean, *any;
};

/* PAGE is looked at.  True: it is neither used nor dirty. */
static bool
look(struct swap_scope *s, struct page *page, struct met *m)
{
    bool used = swap_referenced(s, page) || page->policy >= s->now;
    bool dirty = page_is_dirty(page);

    if (!used && !dirty)
        return true;
    if (!used && m->unused_dirty == NULL)
        m->unused_dirty = page;
    if (!dirty && m->clean == NULL)
        m->clean = page;
    if (m->any == NULL)
        m->any = page;
    page->policy = used ? s->now + (m->unused_dirty != NULL) : 0;
    return false;
}

static struct page *
enhanced_swap_out_victim(struct swap_scope *s, size_t most)
{
    bool whole = most >= s->nr;
    struct page *page = NULL;
    struct met m = {0};

    for (most = MIN(most, s->nr); most > 0; most--) {
        page = ring_next(s);
        if (swap_look(s, page) && look(s, page, &m))
            return page;
    }
    s->now++;
    page = m.unused_dirty;
    if (page == NULL && whole)
        page = m.clean != NULL ? m.clean : m.any;
    return ring_choose(s, page);
}

static const struct swap_manager swap_enhanced = {
    .name = "enhanced",
    .init_scope = enhanced_init,
    .map_swappable = enhanced_map_swappable,
    .set_unswappable = ring_remove,
    .swap_out_victim = enhanced_swap_out_victim,
};
TABLE_ADD(swap_manager, swap_enhanced);
