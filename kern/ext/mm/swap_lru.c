/* swap_lru.c: adds "least recently used", by aging, to mm/swap.h; a first reader may
 * skip it.
 *
 *     page->policy, its age    1 0 1 1 0 0 ... 0     63 bits
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
 * Time passes with swap_tick(), and with what comes: each page that comes takes the
 * tick that is under way eight pages further, so a tick is an eighth of the pages, and
 * nobody waits while all of them are looked at.
 *
 *     the list    aged in this tick | not yet    | came, or was used, in this tick
 *     last bit    now               | now - 1    | now
 *                                     ^ hand */
#include "mm/swap_ring.h"

#define THIS_TICK (1ul << 63)
#define AT_ONCE   8u

static uint64_t
age(const struct page *page)
{
    return page->policy & ~1ul;
}

static void
set_age(struct swap_scope *s, struct page *page, uint64_t age)
{
    page->policy = (age & ~1ul) | (s->now & 1);
}

static void
lru_init(struct swap_scope *s)
{
    s->now = 0;
    s->hand = &s->pages;
    list_for_each_entry (page, &s->pages, struct page, lru)
        set_age(s, page, 0);
}

static void
to_the_end(struct swap_scope *s, struct page *page)
{
    ring_remove(s, page);
    set_age(s, page, age(page) | THIS_TICK);
    list_add_tail(&s->pages, &page->lru);
}

/* PAGE was seen in this tick: aged, used, or it came. */
static bool
seen(struct swap_scope *s, struct list *n)
{
    return n == &s->pages ||
           (list_entry(n, struct page, lru)->policy & 1) == (s->now & 1);
}

/* Go on with the tick for MOST pages.  True: it is over, and the next begins. */
static bool
lru_go_on(struct swap_scope *s, size_t most)
{
    for (; most > 0 && !seen(s, s->hand); most--) {
        struct page *page = list_entry(s->hand, struct page, lru);

        s->hand = page->lru.next;
        set_age(s, page, age(page) >> 1);
        if (swap_referenced(s, page))
            to_the_end(s, page);
    }
    if (most == 0)
        return false;
    s->now++;
    s->hand = s->pages.next;
    return true;
}

/* What is left of the tick under way, and one for all, also those that came. */
static void
lru_tick(struct swap_scope *s)
{
    (void)lru_go_on(s, SIZE_MAX);
    (void)lru_go_on(s, SIZE_MAX);
}

static void
lru_map_swappable(struct swap_scope *s, struct page *page, bool again)
{
    (void)again;
    (void)lru_go_on(s, AT_ONCE);
    set_age(s, page, THIS_TICK);
    list_add_tail(&s->pages, &page->lru);
}

/* The tick of A's last use is the one of B's, or before it. */
static bool
not_later(const struct page *a, const struct page *b)
{
    return age(a) <= age(b) || (age(a) ^ age(b)) < age(b);
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
        } else if (best == NULL || age(page) < age(best)) {
            best = page;
        }
    }
    return best != NULL ? best : used; /* all were: the first of them */
}

static const struct swap_manager swap_lru = {
    .name = "lru",
    .init_scope = lru_init,
    .map_swappable = lru_map_swappable,
    .set_unswappable = ring_remove,
    .swap_out_victim = lru_swap_out_victim,
    .tick_event = lru_tick,
};
TABLE_ADD(swap_manager, swap_lru);
