/* swap_lru.c: adds "least recently used", by aging, to mm/swap.h; a first reader may
 * skip it.
 *
 *     page->policy, its age    1 0 1 1 0 0 ... 0     64 bits
 *                              ^                     used in the last tick?
 *                                ^                   in the one before?
 *
 * At each tick every age moves on by a bit, and A of the entries comes in at the
 * front.  Who has the smallest age goes; of equal ones who is first on the list.
 *
 * What was used in a tick moves to the end of the list then.  So the list is in the
 * order of the last use, also of those whose last use has left the age; a smallest
 * age is found at the front; and with a tick after each access this is LRU exactly.
 *
 * Time passes with swap_tick(), and with what comes: each eighth of the pages is a
 * tick, so that looking at all of them costs eight looks for each that comes. */
#include "mm/swap.h"

#define THIS_TICK (1ul << 63)

static void
lru_init(struct swap_scope *s)
{
    s->now = 0;
    list_for_each_entry (page, &s->pages, struct page, lru)
        page->policy = 0;
}

static void
to_the_end(struct swap_scope *s, struct page *page)
{
    page->policy |= THIS_TICK;
    list_del(&page->lru);
    list_add_tail(&s->pages, &page->lru);
}

static void
lru_tick(struct swap_scope *s)
{
    struct list *n = s->pages.next, *next, *last = s->pages.prev;
    bool more = n != &s->pages;

    for (; more; n = next) {
        struct page *page = list_entry(n, struct page, lru);

        next = n->next;
        more = n != last; /* behind it are those that moved */
        page->policy >>= 1;
        if (swap_referenced(s, page))
            to_the_end(s, page);
    }
}

static void
lru_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    if (++s->now > s->nr / 8) {
        s->now = 0;
        lru_tick(s);
    }
    page->policy = THIS_TICK;
    list_add_tail(&s->pages, &page->lru);
}

static void
lru_set_unswappable(struct swap_scope *s, struct page *page)
{
    (void)s;
    list_del(&page->lru);
}

/* The tick of A's last use is the one of B's, or before it. */
static bool
not_later(const struct page *a, const struct page *b)
{
    return a->policy <= b->policy || (a->policy ^ b->policy) < b->policy;
}

static struct page *
lru_swap_out_victim(struct swap_scope *s, size_t most)
{
    struct list *n = s->pages.next, *next, *last = s->pages.prev;
    struct page *best = NULL, *used = NULL;
    bool more = n != &s->pages;

    for (; more && most > 0; most--, n = next) {
        struct page *page = list_entry(n, struct page, lru);

        next = n->next;
        more = n != last;
        if (best != NULL && !not_later(page, best))
            break;
        if (!swap_look(s, page))
            continue;
        if (swap_referenced(s, page)) { /* since the last tick */
            to_the_end(s, page);
            used = used == NULL ? page : used;
        } else if (best == NULL || page->policy < best->policy) {
            best = page;
        }
    }
    return best != NULL ? best : used; /* all were: the first of them */
}

static const struct swap_manager swap_lru = {
    .name = "lru",
    .init_scope = lru_init,
    .map_swappable = lru_map_swappable,
    .set_unswappable = lru_set_unswappable,
    .swap_out_victim = lru_swap_out_victim,
    .tick_event = lru_tick,
};
TABLE_ADD(swap_manager, swap_lru);
