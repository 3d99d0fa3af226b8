/* swap_fifo.c: first in, first out; the simplest swap_manager.
 *
 *     out <-- [ eldest ] [ ... ] [ youngest ] <-- in
 *
 * Whether a page is used does not matter, so a page that is always used goes, too,
 * when its turn comes.  And more memory may mean more faults: with the accesses
 * 1 2 3 4 1 2 5 1 2 3 4 5, nine faults in three frames, ten in four (Belady,
 * Nelson, Shedler, CACM 12, 1969). */
#include "mm/swap.h"

static void
fifo_init(struct swap_scope *s)
{
    (void)s; /* whatever order the pages have, is theirs */
}

static void
fifo_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    list_add_tail(&s->pages, &page->lru);
}

static void
fifo_set_unswappable(struct swap_scope *s, struct page *page)
{
    (void)s;
    list_del(&page->lru);
}

static struct page *
fifo_swap_out_victim(struct swap_scope *s, size_t most)
{
    list_for_each_entry (page, &s->pages, struct page, lru) {
        if (most-- == 0)
            break;
        if (swap_look(s, page))
            return page;
    }
    return NULL;
}

static const struct swap_manager swap_fifo = {
    .name = "fifo",
    .init_scope = fifo_init,
    .map_swappable = fifo_map_swappable,
    .set_unswappable = fifo_set_unswappable,
    .swap_out_victim = fifo_swap_out_victim,
};
TABLE_ADD(swap_manager, swap_fifo);
