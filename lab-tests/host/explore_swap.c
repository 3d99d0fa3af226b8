/* explore_swap.c: private pages that leave memory and come back, while others use
 * them, free them, or take the device away: over all schedules with at most two
 * preemptions.
 *
 * The disk does what it is told between two steps of others, so two writes of one
 * slot may come in either order, as on a real one.  What must hold: whoever looks
 * sees what was written last; a page that is needed again is read once; nothing is
 * left of a device that was taken off.  The mutants (mm_mutants.h) break one rule
 * each, and each must fail. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

#include "mm_stage.h"

#include "swap_stage.h"

/* A mutant: the slot is free at once, though it is being written. */
static void
free_early(swp_t swp)
{
    uint64_t slot;
    struct swap_dev *d;

    spin_lock(&slots);
    d = place_of_slot(swp, &slot);
    give_back(d, slot, NULL);
    spin_unlock(&slots);
}

/* --- the stage --- */

/* Two pages of a scope, 7 and 8, on space 0, which all harts run. */
static void
setup_in(void)
{
    setup_zeros();
    dev_on();
    if (explore_mutant() == MUTANT_SLOT_EARLY)
        anon_slot_free = free_early;
    gate_close(&space[0]->gate);
    if (swap_quota(space[0], BASE, BASE + 2 * P, 8,
                   swap_manager_find("fifo", 4)) != 0)
        explore_fail("no quota");
    gate_open(&space[0]->gate);
    (void)user_store(HERE, 7);
    (void)user_store(HERE + P, 8);
}

/* ... which are known to all harts. */
static void
setup_swap_warm(void)
{
    setup_in();
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        (void)user_store(HERE, 7);
    }
    as(0);
}

/* ... which are on the disk. */
static void
setup_out(void)
{
    setup_in();
    if (swap_out(space[0]->scope, 2) != 2)
        explore_fail("they do not go");
}

static void
throw_out(uint64_t index)
{
    (void)index;
    (void)swap_out(space[0]->scope, 1); /* the first that came is 0 */
}

static void
over(void)
{
    dev_off();
    all_gone();
}

/* --- a store while the page is on its way --- */

static void
store_check(void)
{
    if (result[1] != 0)
        explore_fail("the store gives %#x", result[1]);
    all_see(0, 5);
    as(0);
    sees_at(HERE + P, 8);
    over();
}

/* ... and the entries go again before the write ends. */
static void
store_unmap_body(unsigned hart)
{
    struct page *page;
    struct anon *a;

    start(hart);
    if (hart == 0) {
        throw_out(0);
        return;
    }
    result[1] = user_store(HERE, 5);
    page = private_page(space[0], HERE);
    if (page == NULL)
        return;
    a = (struct anon *)page->owner;
    page_put(page);
    if (a == NULL)
        return;
    spin_lock(&a->lock);
    if (a->page == page)
        page_unmap(page);
    spin_unlock(&a->lock);
}

/* --- the page is freed, and its slot wanted by another --- */

static void
freed_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        throw_out(0);
        return;
    }
    (void)do_munmap(space[0], HERE, P);
    throw_out(0);
}

static void
freed_check(void)
{
    as(0);
    throw_out(0);
    sees_at(HERE + P, 8);
    over();
}

static void
freed_in_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_load(HERE, &saw[0][0]);
    else
        (void)do_munmap(space[0], HERE, P);
}

static void
freed_in_check(void)
{
    if ((result[0] == 0) != (saw[0][0] == 7))
        explore_fail("saw %lu (%#x)", saw[0][0], result[0]);
    freed_check();
}

/* --- two want it, and it brings the next one along --- */

static void
setup_neighbours(void)
{
    struct page *pages[2];

    setup_zeros();
    dev_on();
    (void)user_store(HERE, 7);
    (void)user_store(HERE + P, 8);
    pages[0] = private_page(space[0], HERE);
    pages[1] = private_page(space[0], HERE + P);
    if (swap_out_these(&swap_global, pages, 2) != 2)
        explore_fail("they do not go");
}

static void
ahead_body(unsigned hart)
{
    start(hart);
    result[hart] = user_load(HERE + hart * P, &saw[hart][0]);
}

static void
ahead_check(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (result[i] != 0 || saw[i][0] != 7 + i)
            explore_fail("hart %u saw %lu (%#x)", i, saw[i][0], result[i]);
    if (reads != 2)
        explore_fail("%u pages were read", reads);
    over();
}

/* ... which is freed just now. */
static void
ahead_freed_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_load(HERE, &saw[0][0]);
    else
        (void)do_munmap(space[0], HERE + P, P);
}

static void
ahead_freed_check(void)
{
    if (result[0] != 0 || saw[0][0] != 7)
        explore_fail("saw %lu (%#x)", saw[0][0], result[0]);
    over();
}

/* --- the scope ends while a relative lets go of a page of it --- */

static void
setup_scope(void)
{
    setup_in();
    space[1] = mm_copy(space[0]);
    as(0);
    mmu_run(NULL);
    as(1);
    mmu_run(space[1]);
    as(0);
}

static void
scope_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        mm_put_user(space[0]);
    else
        (void)do_munmap(space[1], HERE, P);
}

static void
scope_check(void)
{
    space[0] = NULL;
    as(1);
    sees_at(HERE + P, 8);
    over();
}

/* --- a victim is chosen while it is freed --- */

static void
victim_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        (void)swap_out(space[0]->scope, 2);
    else
        (void)do_munmap(space[0], HERE, 2 * P);
}

static void
victim_check(void)
{
    over();
}

/* --- swapoff --- */

static void
off_free_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = (unsigned)swap_off(&dev);
    else
        (void)do_munmap(space[0], HERE, P);
}

/* ... what is being written when it is freed. */
static void
off_writing_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        (void)do_munmap(space[0], HERE, P);
        result[0] = (unsigned)swap_off(&dev);
    } else {
        throw_out(0);
    }
}

static void
off_free_check(void)
{
    off_went();
    as(0);
    sees_at(HERE + P, 8);
    over();
}

#define STORE .setup = setup_swap_warm, .body = store_body, .check = store_check
#define STORE_UNMAP \
    .setup = setup_in, .body = store_unmap_body, .check = store_check
#define FREED .setup = setup_in, .body = freed_body, .check = freed_check
#define FREED_IN \
    .setup = setup_out, .body = freed_in_body, .check = freed_in_check
#define TWO .setup = setup_out, .body = two_body, .check = two_check
#define AHEAD \
    .setup = setup_neighbours, .body = ahead_body, .check = ahead_check
#define AHEAD_FREED                                      \
    .setup = setup_neighbours, .body = ahead_freed_body, \
    .check = ahead_freed_check
#define AHEAD_OFF \
    .setup = setup_neighbours, .body = off_fault_body, .check = off_fault_check
#define SCOPE  .setup = setup_scope, .body = scope_body, .check = scope_check
#define VICTIM .setup = setup_in, .body = victim_body, .check = victim_check
#define OFF_FAULT \
    .setup = setup_out, .body = off_fault_body, .check = off_fault_check
#define OFF_WRITE .setup = setup_in, .body = off_write_body, .check = off_check
#define OFF_FREE \
    .setup = setup_out, .body = off_free_body, .check = off_free_check

#define OFF_WRITING \
    .setup = setup_in, .body = off_writing_body, .check = off_free_check

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MUTANT(m) .mutant = MUTANT_##m, .expect = ""

static const struct explore_test tests[] = {
    {"store-while-written", 2, STORE},
    {"store-and-unmap-while-written", 2, STORE_UNMAP},
    {"freed-while-written", 2, FREED},
    {"freed-while-read", 2, FREED_IN},
    {"two-readers", 2, TWO},
    {"ahead", 2, AHEAD},
    {"ahead-freed", 2, AHEAD_FREED},
    {"ahead-swapoff", 2, AHEAD_OFF},
    {"scope-ends", 2, SCOPE},
    {"victim-freed", 2, VICTIM},
    {"swapoff-fault", 2, OFF_FAULT},
    {"swapoff-write", 2, OFF_WRITE},
    {"swapoff-free", 2, OFF_FREE},
    {"swapoff-while-written", 2, OFF_WRITING},
    {"mutant-no-flush-before-the-write", 2, STORE,
     .skip = SKIP("hull_flush/tlb_shootdown"), .expect = ""},
    {"mutant-slot-free-while-written", 2, FREED, MUTANT(SLOT_EARLY)},
    {"mutant-dirty-not-looked-at-again", 2, STORE_UNMAP, MUTANT(DIRTY_UNSEEN)},
    {"mutant-victim-without-reference", 2, VICTIM, MUTANT(VICTIM_LATE)},
    {"mutant-swapoff-waits-for-nobody", 2, OFF_WRITING, MUTANT(OFF_AT_ONCE)},
};

int
main(int argc, char **argv)
{
    world_frames = world_new_frames();
    return explore_main(argc, argv, "explore_swap", tests, ARRAY_LEN(tests));
}
