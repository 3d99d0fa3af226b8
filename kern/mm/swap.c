/* swap.c: private pages leave memory, and come back.
 *
 *   out   chosen        off its scope's list, with a reference of ours
 *         locked        nobody brings, moves or writes it now
 *         anon locked   unmapped everywhere, every hart forgets it; so no fault
 *                       shows it, and whoever wrote to it made it dirty
 *           clean, has a slot      the anon lets go of it: done
 *           dirty                  it gets a slot, counts as clean and on its way
 *         written       no lock but the page's; faults may show it again
 *         anon locked   mapped again, dirty again, or needed by somebody?  It
 *                       stays, and its slot is as good as what was written;
 *                       else the anon lets go of it
 *
 *   in    a fault finds an anon without a page: it puts a fresh one there, locked
 *         and without contents, and reads outside of the gate; others find it
 *         and wait, so there is one read.  fault_swap.c
 *
 * The anon may end at any of these moments: then it let go of the page (we have a
 * reference) and of the slot (given to nobody while it is written). */
#include "mm/swap.h"

#include "debug/kstat.h"
#include <errno.h>
#include <race.h>

#define BATCH 32u

bool
swap_slots_scarce(void)
{
    return swap_slots_used() * 2 > swap_slots();
}

struct anon *
anon_lock_of(struct page *page)
{
    uintptr_t owner = atomic_load_acquire(&page->owner);
    struct anon *a = (struct anon *)owner;

    if (owner == 0 || (owner & PAGE_OWNER_TAG) != PAGE_OWNER_ANON)
        return NULL;
    spin_lock(&a->lock);
    if (atomic_load(&a->page) == page)
        return a;
    spin_unlock(&a->lock);
    return NULL;
}

/* A has no page in memory any more.  => locked; the caller puts its reference */
static void
anon_let_go(struct anon *a, struct page *page)
{
    atomic_store(&page->owner, 0ul);
    atomic_store(&a->page, NULL);
    if (a->slot != SWP_ZEROS)
        kstat_inc(STAT_SWAPPED);
}

/* --- out --- */

enum fate { STAYS, WENT, TO_WRITE, NO_SLOT };

/* Pages on their way out. */
struct outgoing {
    struct swap_scope *scope;
    unsigned wanted; /* at most so many together */
    unsigned n;
    struct page *page[BATCH]; /* locked, with a reference */
    swp_t slot[BATCH];
    struct swap_run run;
};

/* Only A and we know PAGE, and no entry shows it. */
static bool
only_ours(struct page *page)
{
    return atomic_load(&page->ref) == 2 && page_may_go(page) &&
           atomic_load(&page->mapcount) == 0;
}

/* => A and PAGE locked */
static enum fate
begin_out(struct outgoing *out, struct anon *a, struct page *page)
{
    /* LAB 6.4: PAGE of A was chosen to go. Can it, and must it be written?
     *
     * It stays if somebody else has a reference to it (the anon has one and we
     * have one; an entry has none), or else if try_to_evict() could not take it
     * from all who map it. After that nobody can write to it, and whoever did
     * made it dirty. A clean page that its program gave up (PG_LAZYFREE) goes
     * without a write: a slot that it had is given back, as it may be older
     * than what was given up, and it has the slot SWP_ZEROS. So does a clean
     * page whose contents a slot has, and keeps. In both cases: anon_let_go(),
     * count STAT_DROPPED, WENT.
     *
     * Any other page needs a slot: swap_slot_alloc(), if it has none yet;
     * NO_SLOT if swap is full. From now on it counts as clean and as being
     * written (PG_DIRTY, PG_LAZYFREE, PG_WRITEBACK): a store from now on makes
     * it dirty again, and that is how we learn of it. swap_slot_writing()
     * keeps the slot from being given to others meanwhile. TO_WRITE. */
    uint32_t flags;

    if (atomic_load(&page->ref) != 2 || !try_to_evict(page))
        return STAYS;
    flags = atomic_load(&page->flags);
    if (!(flags & PG_DIRTY) && (a->slot != 0 || (flags & PG_LAZYFREE))) {
        if (flags & PG_LAZYFREE) {
            swap_slot_free(a->slot);
            a->slot = SWP_ZEROS;
        }
        anon_let_go(a, page);
        kstat_inc(STAT_DROPPED);
        return WENT;
    }
    if (a->slot == 0)
        a->slot = swap_slot_alloc(a, &out->run, out->wanted);
    if (a->slot == 0)
        return NO_SLOT;
    swap_slot_writing(a->slot);
    atomic_and(&page->flags, ~(PG_DIRTY | PG_LAZYFREE));
    atomic_or(&page->flags, PG_WRITEBACK);
    return TO_WRITE;
    /* STUB: return STAYS; */
    /* END 6.4 */
}

/* PAGE was written to SLOT, or not: ERR.  True: it left memory. */
static bool
end_out(struct page *page, swp_t slot, int err)
{
    /* LAB 6.5: PAGE was written to SLOT, or ERR says why not. Did it leave
     * memory?
     *
     * The disk took long. The anon may be gone (anon_lock_of() finds none):
     * nothing to do. If the write failed the page is dirty again and has no
     * slot. If nobody mapped, took or changed the page meanwhile (only_ours(),
     * PG_DIRTY) the anon lets go of it; else it stays, and the slot is as good
     * as what was written.
     *
     * In any case the slot (swap_slot_written(), which wants to know whether
     * it is bad) and those who wait for the page (page_written()) hear of it. */
    struct anon *a = anon_lock_of(page);
    bool went = false;

    race_point("swap-written");
    if (a != NULL) {
        if (err != 0) {
            atomic_or(&page->flags, PG_DIRTY);
            a->slot = 0;
        } else if (only_ours(page) && !(atomic_load(&page->flags) & PG_DIRTY)) {
            anon_let_go(a, page);
            went = true;
        }
        spin_unlock(&a->lock);
    }
    swap_slot_written(slot, err != 0);
    page_written(page);
    return went;
    /* STUB: swap_slot_written(slot, err != 0); */
    /* STUB: page_written(page); */
    /* STUB: return false; */
    /* END 6.5 */
}

/* PAGE, which was chosen, stays: its scope may choose it again. */
static void
put_back(struct swap_scope *s, struct page *page)
{
    struct anon *a = anon_lock_of(page);

    if (a != NULL) {
        swap_map_swappable(s, page, true);
        spin_unlock(&a->lock);
    }
}

static void
settle(struct swap_scope *s, struct page *page, bool went)
{
    page_unlock(page);
    if (went)
        page_put(page); /* what was the anon's */
    else
        put_back(s, page);
    page_put(page);
}

static bool
end_one(void *scope, struct page *page, swp_t slot, int err)
{
    struct swap_scope *s = scope;
    bool went = end_out(page, slot, err);

    assert(!(atomic_load(&page->flags) & PG_WRITEBACK)); /* page_written() */
    settle(s, page, went);
    if (err == 0 && s->mm != NULL)
        mm_count(s->mm, MM_SWPOUT);
    return went;
}

size_t
swap_write(struct page **pages, const swp_t *slot, unsigned n,
           swap_end_fn *ended, void *arg)
{
    size_t went = 0;
    int all, err;

    for (unsigned i = 0, first = 0, end = 0; i < n; first = end) {
        while (end < n && slot[end] == slot[first] + (end - first))
            end++;
        err = all = swap_io(true, slot[i], &pages[i], end - i);
        for (; i < end; i++) {
            if (all != 0 && end - first > 1)
                err = swap_io(true, slot[i], &pages[i], 1);
            kstat_add(STAT_SWPOUT, err == 0);
            went += ended(arg, pages[i], slot[i], err);
        }
    }
    return went;
}

static size_t
write_all(struct outgoing *out)
{
    size_t went = swap_write(out->page, out->slot, out->n, end_one, out->scope);

    out->n = 0;
    return went;
}

/* PAGE is chosen.  What is to be written is added to OUT, and stays locked. */
static enum fate
choose(struct outgoing *out, struct page *page)
{
    enum fate fate = STAYS;
    struct anon *a;

    if (!page_trylock(page)) {
        put_back(out->scope, page);
        page_put(page);
        return STAYS;
    }
    race_point("swap-chosen");
    a = anon_lock_of(page);
    if (a != NULL) {
        fate = begin_out(out, a, page);
        if (fate == TO_WRITE) {
            out->page[out->n] = page;
            out->slot[out->n++] = a->slot;
        }
        spin_unlock(&a->lock);
    }
    if (fate != TO_WRITE)
        settle(out->scope, page, fate == WENT);
    return fate;
}

size_t
swap_out(struct swap_scope *s, size_t n)
{
    struct outgoing out = {.scope = s};
    size_t went = 0, tries = atomic_load(&s->nr) + 1;

    while (went + out.n < n && tries > 0) {
        struct page *page = swap_take_victim(s, tries);
        enum fate fate;

        if (page == NULL)
            break;
        out.wanted = (unsigned)MIN(n - went - out.n, BATCH - out.n);
        fate = choose(&out, page);
        went += fate == WENT;
        if (fate == NO_SLOT)
            break;
        tries -= fate == STAYS;
        if (out.n == BATCH || went + out.n >= n)
            went += write_all(&out);
    }
    went += write_all(&out);
    swap_run_end(&out.run);
    return went;
}

size_t
swap_out_these(struct swap_scope *s, struct page **pages, unsigned n)
{
    struct outgoing out = {.scope = s};
    size_t went = 0;

    assert(n <= BATCH);
    for (unsigned i = 0; i < n; i++) {
        swap_forget(pages[i]);
        out.wanted = n - i;
        went += choose(&out, pages[i]) == WENT;
    }
    went += write_all(&out);
    swap_run_end(&out.run);
    return went;
}

/* --- in --- */

void
swap_begin_in(struct anon *a, struct page *page)
{
    atomic_or(&page->flags, PG_LOCKED); /* nobody knows it */
    page_get(page);
    atomic_store(&a->page, page);
    anon_own(a, page);
    if (a->slot != SWP_ZEROS)
        kstat_add(STAT_SWAPPED, -1ul);
}

/* PAGE could not be read.  False: nobody needs it any more, so that is no error. */
static bool
swap_give_up(struct page *page)
{
    struct anon *a = anon_lock_of(page);

    if (a == NULL)
        return false;
    anon_let_go(a, page);
    spin_unlock(&a->lock);
    swap_forget(page);
    page_put(page);
    return true;
}

/* PAGE came from SLOT, which is given back. */
static void
take_from_slot(struct page *page, swp_t slot)
{
    struct anon *a = anon_lock_of(page);

    if (a == NULL)
        return;
    if (a->slot == slot) {
        a->slot = 0;
        atomic_or(&page->flags, PG_DIRTY);
        swap_slot_free(slot);
    }
    spin_unlock(&a->lock);
}

/* PAGE was read from SLOT, or not: ERR. */
static int
end_in(struct page *page, swp_t slot, int err)
{
    /* LAB 6.6: PAGE was read from SLOT, or ERR says why not.
     *
     * After an error swap_give_up() puts the anon back on its slot; false
     * means that nobody needs the page any more, and then it is no error. Else
     * count STAT_SWPIN (zeros come from no disk). The slot keeps its contents:
     * if the page is not changed, it may go again without a write. But where
     * slots are scarce (swap_slots_scarce()), or there is none to keep
     * (SWP_ZEROS), take_from_slot() gives it back. Then the page is up to
     * date. */
    race_point("swap-read");
    if (err != 0)
        return swap_give_up(page) ? err : 0;
    if (slot != SWP_ZEROS)
        kstat_inc(STAT_SWPIN);
    if (slot == SWP_ZEROS || swap_slots_scarce())
        take_from_slot(page, slot);
    atomic_or(&page->flags, PG_UPTODATE);
    return 0;
    /* STUB: (void)take_from_slot; */
    /* STUB: return swap_give_up(page) ? -EIO : err; */
    /* END 6.6 */
}

int
swap_in(struct page *page, swp_t slot)
{
    int err = 0;

    if (slot == SWP_ZEROS)
        page_zero(page_to_va(page));
    else
        err = swap_io(false, slot, &page, 1);
    return end_in(page, slot, err);
}

int
swap_in_run(struct page **pages, unsigned n, swp_t slot)
{
    int err = swap_io(false, slot, pages, n), first = 0;

    for (unsigned i = 0; i < n; i++, slot++) {
        int one = err == 0 ? 0 : swap_io(false, slot, &pages[i], 1);

        one = end_in(pages[i], slot, one);
        if (i == 0) {
            first = one;
        } else {
            page_unlock(pages[i]);
            page_put(pages[i]);
        }
    }
    return first;
}
