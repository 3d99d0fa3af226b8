/* explore_shared.c: shared memory that leaves memory and comes back, while others use
 * it, cut it, end it, or take the device away: over all schedules with at most two
 * preemptions.
 *
 * The stage is that of explore_swap.c, with mm/truncate.c and ext/mm/pager_swap.c as
 * they are, and an object of two pages, 7 and 8.  What must hold: whoever looks sees
 * what was written last, or zeros, if it was cut off; a page is read once for all;
 * and no slot is left of what is gone.  The mutants break one rule each. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

#define WORLD_SHARED_SWAP
#include "mm_stage.h"

#include "kern/mm/object_read.c"

#undef TRIES
static uint64_t first; /* where it is no parameter */
#define object_owns(o, p)   \
    ((object_owns)(o, p) || \
     (explore_mutant() == MUTANT_CUT_PASSES && (first++, false)))
#include "kern/mm/truncate.c"
#undef object_owns

#include "swap_stage.h"

/* --- the object --- */

/* What ends is of no use to who still looks at it. */
static void
released(struct vm_object *obj)
{
    file.released++;
    obj->height = 7;
    obj->root = NULL;
    obj->ops = NULL;
}

static const struct pager_ops shared_ops = {.name = "shared",
                                            .at_once = true,
                                            .swap = true,
                                            .page_in = shared_page_in,
                                            .release = released};

/* Both harts run space 0; the object has no other reference. */
static void
setup_shared(void)
{
    boot();
    dev_on();
    pager_init(&file, &shared_ops, 2);
    space[0] = mm_create();
    (void)do_mmap(space[0], BASE, 2 * P, VM_READ | VM_WRITE,
                  MAP_FIXED | MAP_SHARED, &file.object, 0);
    object_put(&file.object);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        mmu_run(space[0]);
        (void)user_store(HERE, 7);
        (void)user_store(HERE + P, 8);
    }
    as(0);
}

static void
throw_out(uint64_t index)
{
    struct page *page = object_find(&file.object, index);

    if (page == NULL)
        return;
    (void)object_evict_some(&file.object, &page, 1);
    page_put(page);
}

static void
setup_shared_out(void)
{
    setup_shared();
    throw_out(0);
    throw_out(1);
    if (file.object.npages != 0)
        explore_fail("they do not go");
}

/* --- the end --- */

static void
over(void)
{
    dev_off();
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        mmu_run(NULL);
    }
    if (space[0] != NULL)
        mm_put_user(space[0]);
    if (file.released != 1 || kstat_read(STAT_CACHE) != 0 ||
        kstat_read(STAT_SHMEM) != 0)
        explore_fail("released %u times, %lu pages left", file.released,
                     kstat_read(STAT_CACHE));
    if (frames_used != 0 || world_objects != 0)
        explore_fail("left: %zu frames, %zu objects", frames_used,
                     world_objects);
}

/* --- a store while the page is on its way --- */

static void
store_check(void)
{
    if (result[1] != 0)
        explore_fail("the store gives %#x", result[1]);
    as(0);
    throw_out(0);
    all_see(0, 5);
    as(0);
    sees_at(HERE + P, 8);
    over();
}

/* --- the object is cut --- */

static void
cut_out_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        throw_out(0);
    else
        result[1] = (unsigned)object_truncate(&file.object, 0);
}

/* Nothing is there any more, whether it was in memory or not. */
static void
cut_check(void)
{
    if (result[1] != 0)
        explore_fail("truncate gives %d", (int)result[1]);
    if (file.object.npages != 0 || swap_slots_used() != 0)
        explore_fail("%zu pages and %lu slots are left", file.object.npages,
                     swap_slots_used());
    as(0);
    if (object_truncate(&file.object, 2 * P) != 0)
        explore_fail("it does not grow");
    sees_at(HERE, 0);
    sees_at(HERE + P, 0);
    over();
}

static void
cut_in_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_load(HERE, &saw[0][0]);
    else
        result[1] = (unsigned)object_truncate(&file.object, 0);
}

static void
cut_in_check(void)
{
    if ((result[0] == 0) != (saw[0][0] == 7))
        explore_fail("saw %lu (%#x)", saw[0][0], result[0]);
    cut_check();
}

/* ... and the page that comes cannot be read. */
static void
setup_cut_bad(void)
{
    setup_shared_out();
    bad_reads = true;
}

static void
cut_bad_check(void)
{
    if (result[0] == 0)
        explore_fail("what cannot be read is seen");
    cut_check();
}

/* --- swapoff --- */

static void
off_end_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = (unsigned)swap_off(&dev);
    else
        (void)do_munmap(space[0], BASE, 2 * P);
}

static void
off_end_check(void)
{
    off_went();
    over();
}

static void
off_cut_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = (unsigned)swap_off(&dev);
    else
        result[1] = (unsigned)object_truncate(&file.object, 0);
}

static void
off_cut_check(void)
{
    off_went();
    cut_check();
}

#define STORE   .setup = setup_shared, .body = store_body, .check = store_check
#define TWO     .setup = setup_shared_out, .body = two_body, .check = two_check
#define CUT_OUT .setup = setup_shared, .body = cut_out_body, .check = cut_check
#define CUT_IN \
    .setup = setup_shared_out, .body = cut_in_body, .check = cut_in_check
#define CUT_BAD \
    .setup = setup_cut_bad, .body = cut_in_body, .check = cut_bad_check
#define OFF_FAULT \
    .setup = setup_shared_out, .body = off_fault_body, .check = off_fault_check
#define OFF_WRITE \
    .setup = setup_shared, .body = off_write_body, .check = off_check
#define OFF_END \
    .setup = setup_shared_out, .body = off_end_body, .check = off_end_check
#define OFF_CUT \
    .setup = setup_shared_out, .body = off_cut_body, .check = off_cut_check

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MUTANT(m) .mutant = MUTANT_##m, .expect = ""

static const struct explore_test tests[] = {
    {"store-while-written", 2, STORE},
    {"two-readers", 2, TWO},
    {"cut-while-written", 2, CUT_OUT},
    {"cut-while-read", 2, CUT_IN},
    {"cut-while-read-in-vain", 2, CUT_BAD},
    {"swapoff-fault", 2, OFF_FAULT},
    {"swapoff-write", 2, OFF_WRITE},
    {"swapoff-end", 2, OFF_END},
    {"swapoff-cut", 2, OFF_CUT},
    {"mutant-no-flush-before-the-write", 2, STORE,
     .skip = SKIP("hull_flush/tlb_shootdown"), .expect = ""},
    {"mutant-busy-page-used", 2, TWO, MUTANT(NO_PAGE_LOCK)},
    {"mutant-end-tells-nobody", 2, OFF_END,
     .skip = SKIP("object_put/shared_forget"), .expect = ""},
    {"mutant-cut-passes-what-backs-out", 2, CUT_BAD, MUTANT(CUT_PASSES)},
};

int
main(int argc, char **argv)
{
    world_frames = world_new_frames();
    return explore_main(argc, argv, "explore_shared", tests, ARRAY_LEN(tests));
}
