/* swap_fifo.c: first in, first out; the simplest swap_manager.
 *
 *     out <-- [ eldest ] [ ... ] [ youngest ] <-- in
 *
 * Who is always used goes, too, when its turn comes.  And more memory may mean more
 * faults: with the accesses 1 2 3 4 1 2 5 1 2 3 4 5, nine faults in three frames, ten
 * in four (Belady, Nelson, Shedler, CACM 12, 1969). */
#include "mm/swap.h"

static void
fifo_init(struct swap_scope *s)
{
    (void)s; /* whatever order the pages have, is theirs */
}

static void
fifo_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    /* LAB 6.1: PAGE came into the scope S: it goes to the end of the queue.
     *
     * That is the tail of s->pages: at the head is the eldest, with every
     * policy, as another one may take the list over as it is. A page is linked
     * by page->lru. One that was chosen but could not go (AGAIN) is off the
     * list by now, and goes to the end as if it had just come. The scope's
     * lock is held. */
    (void)again;
    list_add_tail(&s->pages, &page->lru);
    /* STUB: (void)s; */
    /* STUB: (void)again; */
    /* STUB: list_init(&page->lru); */
    /* END 6.1 */
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
    /* LAB 6.2: which page goes next?
     *
     * The one that came first; but swap_look() says whether a page may go at
     * all, or is pinned or locked in memory: then it is the next one's turn,
     * and this one keeps its place. Look at MOST pages at most. NULL: none may
     * go. Leave the page on the list, the caller takes it off. */
    list_for_each_entry (page, &s->pages, struct page, lru) {
        if (most-- == 0)
            break;
        if (swap_look(s, page))
            return page;
    }
    return NULL;
    /* STUB: return NULL; */
    /* END 6.2 */
}

static const struct swap_manager swap_fifo = {
    .name = "fifo",
    .init_scope = fifo_init,
    .map_swappable = fifo_map_swappable,
    .set_unswappable = fifo_set_unswappable,
    .swap_out_victim = fifo_swap_out_victim,
};
TABLE_ADD(swap_manager, swap_fifo);
