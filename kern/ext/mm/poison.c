/* poison.c: adds debug=poison to hart_pages.c: freed pages are filled with a
 * pattern, and looked at again before anybody gets them.  A first reader may
 * skip it.
 *
 * A frame that was filled is marked in a field of its descriptor that nobody
 * uses while it is free. */
#include "debug/panic.h"
#include "ext/mm/hart_pages.h"

void
poison_fill(struct page *p, unsigned order)
{
    for (struct page *q = p; q < p + (1ul << order); q++) {
        uint64_t *word = page_to_va(q);

        for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++)
            word[i] = POISON_WORD;
        q->rmap = POISON_WORD;
    }
}

void
poison_check_frame(struct page *p)
{
    const uint64_t *word = page_to_va(p);

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*word); i++)
        if (word[i] != POISON_WORD)
            panic("pfn %#lx was written after it was freed: offset %#lx holds "
                  "%#lx",
                  page_to_pfn(p), i * sizeof(*word), word[i]);
    p->rmap = 0;
}
