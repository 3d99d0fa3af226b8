/* scn_block.h: what scenarios of lab 2 ask of a block, and of all that are free; see
 * scn_block.c and scn_census.c. */
#ifndef KERN_EXT_INIT_SCN_BLOCK_H
#define KERN_EXT_INIT_SCN_BLOCK_H

#include "ext/init/scn.h"
#include "mm/pmm_impl.h"

/* --- the allocator, without the caches in front of it --- */

/* Nobody's yet. */
static inline struct page *
block_take_bare(unsigned order, bool *raw)
{
    struct page *p;

    *raw = false;
    spin_lock(&buddy.lock);
    p = buddy_take(order, raw);
    spin_unlock(&buddy.lock);
    return p;
}

static inline struct page *
block_take(unsigned order)
{
    bool raw;
    struct page *p = block_take_bare(order, &raw);

    return block_claim(p, order, raw);
}

static inline void
block_put(struct page *p, unsigned order, bool raw)
{
    spin_lock(&buddy.lock);
    buddy_put(p, order, raw ? PG_RAW : 0);
    spin_unlock(&buddy.lock);
}

static inline void
block_give(struct page *p, unsigned order)
{
    block_unclaim(p, order);
    block_put(p, order, false);
}

/* --- one block --- */

/* How much was given out so far. */
struct block_watch {
    uint64_t given, failed;
};

struct block_watch block_watch(void);
/* Says of P (or NULL), which was given out since BEFORE, what is not as the table of
 * pmm.c has it: counters "table", "page_alloc", "alloc_fail", "untraced", 0 if all is
 * well; and "woken": reclaim was asked to begin. */
void block_judge(struct block_watch before, const struct page *p,
                 unsigned order, struct scn_answer *a);

/* Make the descriptors from P on look like a block of ORDER that may be given back,
 * but for one thing (WORD), and try.  "panic" if it was refused; the descriptors are
 * as before in any case.  ORDER is cut to BLOCK_PRETEND. */
void block_pretend(struct page *p, unsigned order, const char *word,
                   struct scn_answer *a);
#define BLOCK_PRETEND 3

/* Start with 2 GiB, as if none of it were in use; false: there are not so many. */
bool block_vast(void);

/* The owner leaves bits of its own behind, as a page of a file has them. */
void block_leave(struct page *p);

/* --- which blocks are free --- */

/* Frame FIRST is number 0; nothing is in use. */
void census_begin(pfn_t first);
/* This block is. */
void census_mark(struct page *p, unsigned order);
/* What is free, by counters "o0", "o1" ..., and as a list; "wrong" counts frames that
 * are where they cannot be.  OWNED: each block gets an owner on the way. */
void census(struct scn_answer *a, bool owned);

#endif
