/* swap_ring.h: the pages of a scope as a ring with a hand, for managers.
 *
 *              .-> page --> page -.
 *           page                   page       the hand goes round; what comes is
 *              `-- page <-- page <'           put just behind it, so that it is
 *                       ^                     looked at last
 *                      hand */
#ifndef KERN_MM_SWAP_RING_H
#define KERN_MM_SWAP_RING_H

#include "mm/swap.h"

static inline void
ring_init(struct swap_scope *s)
{
    s->hand = &s->pages;
}

static inline void
ring_add(struct swap_scope *s, struct page *page)
{
    list_add_tail(s->hand, &page->lru);
}

static inline void
ring_remove(struct swap_scope *s, struct page *page)
{
    if (s->hand == &page->lru)
        s->hand = page->lru.next;
    list_del(&page->lru);
}

/* The page at the hand, which goes on.  => there is one */
static inline struct page *
ring_next(struct swap_scope *s)
{
    struct page *page;

    if (s->hand == &s->pages) /* the ring's seam */
        s->hand = s->pages.next;
    page = list_entry(s->hand, struct page, lru);
    s->hand = s->hand->next;
    return page;
}

/* PAGE is chosen (NULL: none is); the hand is behind it. */
static inline struct page *
ring_choose(struct swap_scope *s, struct page *page)
{
    if (page != NULL)
        s->hand = page->lru.next;
    return page;
}

#endif
