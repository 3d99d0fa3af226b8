/* swap_clock.c: a swap_manager that spares what is used (Corbato 1968).
 *
 *              .-> page --> page -.
 *             /     A=1      A=0   \
 *          page                   page        the hand looks at A: 1 becomes 0 and
 *          A=0                    A=1         is spared until the next turn, 0 goes
 *             \                    /
 *              `-- page <-- page <'
 *                   A=1  ^   A=0
 *                        hand
 *
 * A page that comes takes the place of the one that went, just behind the hand; so
 * it is looked at last.  If all are used, the hand would come back to where it began,
 * and find A=0 at the first that may go: so one turn is enough. */
#include "mm/swap_ring.h"

static void
clock_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    ring_add(s, page);
}

static struct page *
clock_swap_out_victim(struct swap_scope *s, size_t most)
{
    /* LAB 6.3: which page goes next?
     *
     * The hand goes round (ring_next()). A page that may not go is passed
     * (swap_look()). One that was used since the hand was here last is spared
     * this time: swap_referenced() says whether its A bit was set, and clears
     * it. The first that was not used goes. If all were used, the hand is back
     * where it began, and the first it saw that may go is the victim:
     * ring_choose() puts the hand behind it. Look at no page twice, and at
     * MOST pages at most: if those are fewer than s->nr, and all that may go
     * were used, nobody knows yet who goes, so NULL. */
    struct page *first = NULL;

    for (size_t n = MIN(most, s->nr); n > 0; n--) {
        struct page *page = ring_next(s);

        if (!swap_look(s, page))
            continue;
        if (!swap_referenced(s, page))
            return page;
        if (first == NULL)
            first = page;
    }
    if (most < s->nr)
        return NULL;
    return ring_choose(s, first);
    /* STUB: return NULL; */
    /* END 6.3 */
}

static const struct swap_manager swap_clock = {
    .name = "clock",
    .init_scope = ring_init,
    .map_swappable = clock_map_swappable,
    .set_unswappable = ring_remove,
    .swap_out_victim = clock_swap_out_victim,
};
TABLE_ADD(swap_manager, swap_clock);
