/* link_move_mutants.c: kern/ext/mm/move_ptes.c for explore_mremap.c, with the
 * holes of its mutants. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "ext/mm/mapcalls.h"
#include "mm/rmap.h"
#include "mm_mutant.h"

static struct {
    struct page *page;
    pte_t *from, *to;
} late; /* a record that is replaced after the tables were unlocked */

static void
replace(struct page *page, pte_t *from, pte_t *to)
{
    late.page = page;
    late.from = from;
    late.to = to;
}

static void
replace_late(void)
{
    struct page *page = late.page;

    late.page = NULL;
    if (page == NULL)
        return;
    EXPLORE_POINT("unlocked");
    rmap_replace(page, late.from, late.to);
}

#undef spin_unlock
#define spin_unlock(l)                   \
    do {                                 \
        EXPLORE_CALL(spin_unlock, l, l); \
        replace_late();                  \
    } while (0)
#define gather_flush(g) EXPLORE_CALL(gather_flush, g, g)
#define rmap_replace(page, from, to)                          \
    do {                                                      \
        if (explore_mutant() == MUTANT_RECORD_LATE)           \
            replace(page, from, to);                          \
        else                                                  \
            EXPLORE_CALL(rmap_replace, page, page, from, to); \
    } while (0)
#include "kern/ext/mm/move_ptes.c"
