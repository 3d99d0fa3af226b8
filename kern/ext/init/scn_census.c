/* scn_census.c: which blocks are free, in scenarios of lab 2; a first reader may skip
 * it.
 *
 * It is found out by nothing but what a buddy allocator promises: take blocks of the
 * largest order until there are no more, then of the next smaller one, and so on;
 * then give all back.  A block that is free at order k is found at order k, and if
 * free buddies are always joined, there is only one way for the frames that are in
 * use.
 *
 * On the way each block gets an owner, and loses it, in a scenario that wants large
 * blocks itself.  One of single frames needs no block_claim() that knows more. */
#include "ext/init/scn_block.h"
#include <printfmt.h>
#include <string.h>

#define FRAMES    ((size_t)SCN_FRAMES)
#define TOP_ORDER 12 /* all of them in one block */
#define NOTHING   0xff
#define SHOWN     100 /* bytes of a list of blocks */

struct block {
    struct page *page;
    unsigned order;
};

static uint8_t free_order[SCN_FRAMES]; /* of the block that begins here */
static bool seen[SCN_FRAMES];
static unsigned wrong;
static pfn_t base; /* of the frames that scenarios number */

void
census_mark(struct page *p, unsigned order)
{
    pfn_t at = page_to_pfn(p) - base;

    if (at >= FRAMES || at % (1ul << order) != 0 ||
        at + (1ul << order) > FRAMES) {
        wrong++;
        return;
    }
    for (unsigned long i = at; i < at + (1ul << order); i++) {
        wrong += seen[i];
        seen[i] = true;
    }
    free_order[at] = (uint8_t)order;
}

void
census_begin(pfn_t first)
{
    base = first;
    wrong = 0;
    memset(seen, 0, sizeof(seen));
}

/* "0:3,16:4": as many as there is room for; then a sum of all. */
static void
list_blocks(struct scn_answer *a)
{
    uint64_t sum = 0;
    size_t n = 0;

    strlcpy(a->thing, "free", sizeof(a->thing));
    for (unsigned i = 0; i < FRAMES; i++) {
        if (free_order[i] == NOTHING)
            continue;
        sum = sum * 31 + i * 16 + free_order[i];
        if (n < SHOWN)
            n += (size_t)snprintf(a->state + n, sizeof(a->state) - n, "%s%u:%u",
                                  n > 0 ? "," : "", i, free_order[i]);
    }
    if (n == 0)
        strlcpy(a->state, "none", sizeof(a->state));
    if (n >= SHOWN)
        snprintf(a->state + n, sizeof(a->state) - n, "+%lx", sum & 0xffffffff);
}

void
census(struct scn_answer *a, bool owned)
{
    static struct block found[SCN_FRAMES + 1];
    static bool raw[SCN_FRAMES + 1];
    unsigned n = 0, nth;
    char name[8];

    memset(free_order, NOTHING, sizeof(free_order));
    for (unsigned order = TOP_ORDER + 1; order-- > 0;) {
        struct page *p;

        for (nth = n; n < ARRAY_LEN(found); n++) {
            p = owned ? block_take(order) : block_take_bare(order, &raw[n]);
            if (p == NULL)
                break;
            found[n] = (struct block){p, order};
            census_mark(p, order);
        }
        snprintf(name, sizeof(name), "o%u", order);
        scn_count(a, name, n - nth);
    }
    for (unsigned i = 0; i < n; i++) {
        if (owned)
            block_give(found[i].page, found[i].order);
        else
            block_put(found[i].page, found[i].order, raw[i]);
    }
    scn_count(a, "wrong", wrong);
    list_blocks(a);
}
