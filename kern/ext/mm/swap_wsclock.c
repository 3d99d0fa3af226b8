/* swap_wsclock.c: adds the working-set clock to mm/swap.h (R. W. Carr, J. L.
 * Hennessy, SOSP 1981); a first reader may skip it.
 *
 * The hand looks at A and at when it found A=1 last:
 *
 *     used since                          that was now: on.  If all were, the first
 *                                         goes
 *     not used for WINDOW, clean          goes
 *     not used for WINDOW, dirty          goes if a turn finds no clean one
 *     not used, but not for so long       belongs to what its program works with:
 *                                         goes if there is nothing else, the one
 *                                         with the earliest use
 *
 * Time is what comes, and what swap_tick() adds.  WINDOW is as many as there are
 * pages: what is not used while all others come anew is not worked with. */
#include "mm/swap_ring.h"

static void
ws_init(struct swap_scope *s)
{
    ring_init(s);
    s->now = 0;
    list_for_each_entry (page, &s->pages, struct page, lru)
        page->policy = 0;
}

static void
ws_tick(struct swap_scope *s)
{
    s->now++;
}

static void
ws_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    page->policy = ++s->now;
    ring_add(s, page);
}

static struct page *
ws_swap_out_victim(struct swap_scope *s, size_t most)
{
    struct page *dirty = NULL, *eldest = NULL, *used = NULL;

    for (size_t n = MIN(most, s->nr); n > 0; n--) {
        struct page *page = ring_next(s);

        if (!swap_look(s, page))
            continue;
        if (swap_referenced(s, page)) {
            page->policy = s->now;
            used = used == NULL ? page : used;
            continue;
        }
        if (s->now - page->policy >= s->nr && !page_is_dirty(page))
            return page;
        if (s->now - page->policy >= s->nr && dirty == NULL)
            dirty = page;
        if (eldest == NULL || page->policy < eldest->policy)
            eldest = page;
    }
    if (eldest == NULL && most >= s->nr)
        eldest = used; /* all are */
    return ring_choose(s, dirty != NULL ? dirty : eldest);
}

static const struct swap_manager swap_wsclock = {
    .name = "wsclock",
    .init_scope = ws_init,
    .map_swappable = ws_map_swappable,
    .set_unswappable = ring_remove,
    .swap_out_victim = ws_swap_out_victim,
    .tick_event = ws_tick,
};
TABLE_ADD(swap_manager, swap_wsclock);
