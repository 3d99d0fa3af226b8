/* swap_global.c: the private pages of the machine, and which of them go.
 *
 *     frames      . . P . F P . T P P . .      the walk goes round and round
 *                         ^
 *     swap_global     the private pages that the walk has met, in the order of the
 *                     chosen swap_manager
 *
 * So nothing is done for a page when it comes, nor, while memory is not short, when
 * it goes.  What the walk has not met yet is safe for a while; it walks on with each
 * page that is wanted, and until half of all are known.
 *
 * Pages of a space with a quota are its scope's: they go if nothing else can.
 *
 * A policy that looks at A cannot tell who is used if it comes round faster than pages
 * are used.  So while files can give, too, a turn takes its time: each moment allows
 * looks at some more pages. */
#include "mm/kmalloc.h"
#include "mm/swap.h"
#include "schedule/timeout.h"

#define TURN_MS 50u

/* Frames looked at for each page that is wanted. */
#define FRAMES_EACH 16u

static pfn_t walk; /* [reclaimer] */

/* PAGE is in use as a single one; note it, if it is private.  A frame says whose it
 * was until it is said anew, and some owners never do: so it is looked whether that
 * is an anon at all. */
static void
meet(struct page *page)
{
    uint32_t flags = atomic_load(&page->flags);
    struct anon *a;

    if ((flags & (PG_UPTODATE | PG_SWAPPABLE | PG_ZERO)) != PG_UPTODATE ||
        !page_may_go(page) ||
        !kmem_cache_has(anon_cache, atomic_load(&page->owner)))
        return;
    a = anon_lock_of(page);
    if (a == NULL)
        return;
    swap_map_swappable(&swap_global, page, false);
    spin_unlock(&a->lock);
}

/* Look at N frames, or at all if fewer than half of the private pages are known. */
static void
meet_some(size_t n)
{
    bool seam = walk == 0;

    while (n > 0 || swap_global.nr < anon_count() / 2) {
        struct page *page = frame_next(&walk);

        if (page != NULL)
            meet(page);
        else if (seam)
            break; /* once round */
        seam |= page == NULL;
        n -= n > 0;
    }
}

/* Replaced by kern/ext/mm/spaces.c, which knows them all. */
WEAK size_t
swap_out_quotas(size_t n)
{
    return 0;
}

/* How many more pages may be looked at than at the last time. */
static size_t
looks_due(void)
{
    static uint64_t last; /* [reclaimer] */
    uint64_t now = time_now(), turn = timebase_hz / 1000 * TURN_MS;
    size_t due = swap_global.nr * MIN(now - last, turn) / turn;

    if (due > 0)
        last = now;
    return due;
}

size_t
swap_out_slowly(size_t n)
{
    static size_t looks; /* [reclaimer] */
    size_t done;

    if (n == 0 || swap_slots() == 0)
        return 0;
    meet_some(n * FRAMES_EACH);
    looks = MIN(looks + looks_due(), swap_global.nr);
    swap_global.looks = looks;
    done = swap_out(&swap_global, n);
    looks = swap_global.looks;
    swap_global.looks = SIZE_MAX;
    return done;
}

size_t
swap_out_global(size_t n)
{
    size_t done;

    if (n == 0 || swap_slots() == 0)
        return 0;
    meet_some(n * FRAMES_EACH);
    done = swap_out(&swap_global, n);
    return done > 0 ? done : swap_out_quotas(n);
}
