/* swap_second.c: adds "second chance" to mm/swap.h; a first reader may skip it.
 *
 *     out <-- [ eldest, A=0 ] [ ... ] [ youngest ] <-- in
 *                  |                        ^
 *                  A=1: A=0, and  ----------'
 *
 * First in, first out, but who is used when its turn comes queues up again.  It
 * chooses as the clock does; the clock moves a hand, and no pages. */
#include "mm/swap.h"

static void
second_init(struct swap_scope *s)
{
    (void)s; /* whatever order the pages have, is theirs */
}

static void
second_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    list_add_tail(&s->pages, &page->lru);
}

static void
second_set_unswappable(struct swap_scope *s, struct page *page)
{
    (void)s;
    list_del(&page->lru);
}

static struct page *
second_swap_out_victim(struct swap_scope *s, size_t most)
{
    struct page *first = NULL; /* who would be, after a turn of used ones */

    for (size_t n = MIN(most, s->nr); n > 0; n--) {
        struct page *page = list_first(&s->pages, struct page, lru);
        bool may_go = swap_look(s, page);

        if (may_go && !swap_referenced(s, page))
            return page;
        if (may_go && first == NULL)
            first = page;
        list_del(&page->lru);
        list_add_tail(&s->pages, &page->lru);
    }
    return most < s->nr ? NULL : first;
}

static const struct swap_manager swap_second = {
    .name = "second",
    .init_scope = second_init,
    .map_swappable = second_map_swappable,
    .set_unswappable = second_set_unswappable,
    .swap_out_victim = second_swap_out_victim,
};
TABLE_ADD(swap_manager, swap_second);
