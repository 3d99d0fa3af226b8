/* scn_block.h: what scenarios of lab 2 ask of a single block; see scn_block.c. */
#ifndef KERN_EXT_INIT_SCN_BLOCK_H
#define KERN_EXT_INIT_SCN_BLOCK_H

#include "ext/init/scn.h"
#include "mm/pmm.h"

/* How much was given out so far. */
struct block_watch {
    uint64_t given, failed;
};

struct block_watch block_watch(void);
/* Says of P (or NULL), which was given out since BEFORE, what is not as the table of
 * pmm.c has it: counters "table", "page_alloc", "alloc_fail", 0 if all is well. */
void block_judge(struct block_watch before, const struct page *p,
                 unsigned order, struct scn_answer *a);

/* Make the descriptors from P on look like a block of ORDER that may be given back,
 * but for one thing (WORD), and try.  "panic" if it was refused; the descriptors are
 * as before in any case.  ORDER is cut to BLOCK_PRETEND. */
void block_pretend(struct page *p, unsigned order, const char *word,
                   struct scn_answer *a);
#define BLOCK_PRETEND 3

/* The owner leaves bits of its own behind, as a page of a file has them. */
void block_leave(struct page *p);

#endif
