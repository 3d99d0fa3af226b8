/* explore_fault.c: page faults, and what changes a space meanwhile, over all
 * schedules with at most two preemptions.
 *
 * The whole of kern/mm runs above mm_world.h: each hart has an MMU that uses
 * what it knows until it is told to forget, so a flush that is missing or too
 * late shows as an old value or a store into a freed frame.  Each test ends
 * with what users must see, on every hart, through its own TLB; with verify();
 * and with nothing left when the spaces are gone.
 *
 * The mutants (mm_mutants.h) are the same tests with one rule of the fault path
 * broken; each must fail. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

#include "mm_stage.h"

/* --- one page of zeros: a reader and a writer --- */

static void
zero_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        (void)user_load(HERE, &saw[0][0]);
        (void)user_load(HERE, &saw[0][1]);
    } else {
        result[1] = user_store(HERE, 5);
    }
}

static void
zero_check(void)
{
    if (result[1] != 0 || saw[0][0] > saw[0][1])
        explore_fail("saw %lu, then %lu", saw[0][0], saw[0][1]);
    all_see(0, 5);
    all_gone();
}

/* --- harts of one space write a new page, each a word --- */

static void
writers_body(unsigned hart)
{
    start(hart);
    result[hart] = user_store(HERE + 8 * hart, 100 + hart);
}

static void
writers_check(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        all_see(i, 100 + i);
    if (space[0]->stat[MM_ANON] != 1 + (space[0]->stat[MM_ANON] > 1))
        explore_fail("%lu new pages", space[0]->stat[MM_ANON]);
    all_gone();
}

/* --- a page of ours comes, and its entry goes --- */

static void
unmapped_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        (void)user_load(HERE, &saw[0][0]);
        return;
    }
    result[1] = user_store(HERE, 5);
    unmap_private(space[0], HERE);
}

static void
unmapped_check(void)
{
    all_see(0, 5);
    all_gone();
}

/* --- an entry gives way to a copy, and somebody comes from the old page --- */

static struct page *old_page;

static void
give_way_setup(void)
{
    setup_relatives();
    old_page = private_page(space[0], HERE);
}

static void
give_way_body(unsigned hart)
{
    struct anon *a = (struct anon *)old_page->owner;

    start(hart);
    if (hart == 0) {
        result[0] = user_store(HERE, 5);
        return;
    }
    spin_lock(&a->lock);
    if (a->page == old_page)
        page_unmap(old_page);
    spin_unlock(&a->lock);
}

static void
give_way_check(void)
{
    page_put(old_page);
    sees(0, 0, 5);
    sees(1, 0, 7);
    all_gone();
}

/* --- a hand asks whether a page is used, and its entry, its table, or its space
 *     goes, or it is shared --- */

static struct page *asked;
static const uint64_t *asked_entry;

static void
ask_setup(void)
{
    setup_warm();
    asked = private_page(space[0], HERE);
    asked_entry = (const uint64_t *)asked->rmap;
}

/* Its table was given back; nobody has changed that frame since. */
static void
ask_check_table(void)
{
    if (*asked_entry != 0xddddddddddddddddul)
        explore_fail("the table's frame was changed after it was free");
}

static void
ask_unmap_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        (void)pages_take_accessed(&asked, 1);
    else if (do_munmap(space[0], BASE, 2 * PAGE_SIZE) != 0)
        explore_fail("munmap");
}

static void
ask_unmap_check(void)
{
    page_put(asked);
    if (user_store(HERE, 3) != VM_FAULT_SIGSEGV)
        explore_fail("it is still there");
    all_gone();
    ask_check_table();
}

static void
ask_exit_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        (void)pages_take_accessed(&asked, 1);
        return;
    }
    as(0);
    mmu_run(NULL);
    as(1);
    mmu_run(NULL);
    mm_put_user(space[0]);
    space[0] = NULL;
}

static void
ask_exit_check(void)
{
    page_put(asked);
    all_gone();
    ask_check_table();
}

static void
ask_copy_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        (void)pages_take_accessed(&asked, 1);
        return;
    }
    space[1] = mm_copy(space[0]);
    result[1] = user_store(HERE, 5);
}

static void
ask_copy_check(void)
{
    page_put(asked);
    if (result[1] != 0)
        explore_fail("the store fails");
    all_see(0, 5);
    all_gone();
}

/* --- relatives write the page they share --- */

static void
relatives_check(void)
{
    sees(0, 0, 7);
    sees(1, 0, 7);
    for (unsigned i = 0; i < 2; i++) {
        sees(i, i + 1, 100 + i);
        sees(i, 2 - i, 0);
    }
    all_gone();
}

static void
relatives_body(unsigned hart)
{
    start(hart);
    result[hart] = user_store(HERE + 8 * (hart + 1), 100 + hart);
}

static void
relatives_read_body(unsigned hart)
{
    start(hart);
    result[hart] = user_load(HERE, &saw[hart][0]);
}

static void
relatives_read_check(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        if (result[i] != 0 || saw[i][0] != 7)
            explore_fail("hart %u saw %lu (%#x)", i, saw[i][0], result[i]);
    all_gone();
}

/* Rows 32, 33: two harts of space 0, and its relative: no store is lost, and
 * space 0 copies once, or not at all if the relative was faster. */
static void
threads_check(void)
{
    uint64_t n = space[0]->stat[MM_COW];

    for (unsigned i = 0; i < 3; i += 2) {
        sees(i, 0, 7);
        sees(i, 1, 100);
        sees(i, 2, 0);
        sees(i, 3, 102);
    }
    sees(1, 1, 0);
    sees(1, 2, 101);
    sees(1, 3, 0);
    if (n > 1 || n + space[1]->stat[MM_COW] < 1)
        explore_fail("%lu and %lu copies", n, space[1]->stat[MM_COW]);
    all_gone();
}

/* --- one of them goes --- */

static void
relative_goes_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = user_store(HERE + 8, 100);
        return;
    }
    mmu_run(NULL);
    mm_put_user(space[1]);
    space[1] = NULL;
}

static void
relative_goes_check(void)
{
    sees(0, 0, 7);
    sees(0, 1, 100);
    all_gone();
}

/* --- hart 2 reads what space 0 shares; it never sees what space 1 writes --- */

static void
stale_reads(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (user_load(HERE, &saw[2][i]) == 0 && saw[2][i] == 666)
            explore_fail("read what another space wrote");
}

static void
stale_copy_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_store(HERE, 100);
    else if (hart == 1)
        result[1] = user_store(HERE, 666);
    else
        stale_reads();
}

static void
stale_unmap_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = (unsigned)do_munmap(space[0], HERE, PAGE_SIZE);
    else if (hart == 1)
        result[1] = user_store(HERE, 666);
    else
        stale_reads();
}

static void
stale_copy_check(void)
{
    sees(0, 0, 100);
    sees(1, 0, 666);
    sees(2, 0, 100);
    all_gone();
}

static void
stale_unmap_check(void)
{
    sees(1, 0, 666);
    all_gone();
}

/* --- a store while the page is unmapped, or loses W --- */

static void
unmap_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = user_store(HERE, 1);
        result[0] |= user_store(HERE, 2);
    } else if (do_munmap(space[0], BASE, 2 * PAGE_SIZE) != 0) {
        explore_fail("munmap");
    }
}

static void
unmap_check(void)
{
    if (result[0] & ~VM_FAULT_SIGSEGV)
        explore_fail("the store gives %#x", result[0]);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        if (user_store(HERE, 3) != VM_FAULT_SIGSEGV)
            explore_fail("hart %u still has it", i);
    }
    all_gone();
}

static void
protect_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = user_store(HERE, 1);
        result[0] |= user_store(HERE, 2);
        return;
    }
    if (do_mprotect(space[0], HERE, PAGE_SIZE, VM_READ) != 0)
        explore_fail("mprotect");
    (void)user_load(HERE, &saw[1][0]);
}

static void
protect_check(void)
{
    if (result[0] & ~(VM_FAULT_SIGSEGV | VM_FAULT_ACCERR))
        explore_fail("the store gives %#x", result[0]);
    all_see(0, saw[1][0]);
    all_gone();
}

/* --- stores while the last hart copies the space --- */

static void
copy_body(unsigned hart)
{
    start(hart);
    if (hart == ncpu - 1) {
        space[1] = mm_copy(space[0]);
        mmu_run(space[1]);
        (void)user_load(HERE, &saw[hart][0]);
        return;
    }
    result[hart] = user_store(HERE + 8 * hart, 101);
    if (ncpu == 2)
        result[hart] |= user_store(HERE, 102);
}

static void
copy_check(void)
{
    unsigned copier = ncpu - 1;

    if (result[0] != 0 || result[1] != 0)
        explore_fail("the store fails");
    sees(0, 0, ncpu == 2 ? 102 : 101);
    sees(copier, 0, saw[copier][0]);
    if (ncpu > 2)
        sees(0, 1, 101);
    all_gone();
}

/* --- a fault from outside while the last user goes --- */

static void
exit_setup(void)
{
    setup_layer();
    mm_get(space[0]);
    as(1);
    mmu_run(NULL);
    as(0);
    mmu_run(NULL);
}

static void
exit_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = do_pgfault(space[0], FAULT_WRITE, HERE);
        mm_put(space[0]);
    } else {
        mm_put_user(space[0]);
    }
}

static void
exit_check(void)
{
    as(0);
    if (result[0] & VM_FAULT_ERROR & ~VM_FAULT_SIGSEGV)
        explore_fail("the fault gives %#x", result[0]);
    space[0] = NULL;
    all_gone();
}

/* --- a page of the file goes out while it is used --- */

static void
evict_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_store(HERE, 5);
    else
        (void)pager_evict(&file, 0);
}

/* The same as reclaim does it: only if nobody uses the page. */
static void
reclaim_page(uint64_t index)
{
    struct page *page = object_find(&file.object, index);

    if (page == NULL)
        return;
    (void)object_evict(&file.object, page);
    page_put(page);
}

static void
reclaim_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_store(HERE, 5);
    else
        reclaim_page(0);
}

static void
evict_check(void)
{
    if (result[0] != 0)
        explore_fail("the store fails");
    all_see(0, 5);
    (void)pager_evict(&file, 0);
    if (file.word[0][0] != 5)
        explore_fail("the file has %lu", file.word[0][0]);
    all_gone();
}

/* The fault alone, as for a device that will write there. */
static void
evict_ad_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = do_pgfault(space[0], FAULT_WRITE, HERE);
    else
        (void)pager_evict(&file, 0);
}

static void
evict_ad_check(void)
{
    if (result[0] & VM_FAULT_ERROR)
        explore_fail("the fault fails");
    all_gone();
}

static void
evict_private_check(void)
{
    all_see(0, 5);
    if (file.word[0][0] != 7)
        explore_fail("the file was written");
    all_gone();
}

static void
evict_unmap_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        (void)pager_evict(&file, 0);
    else if (do_munmap(space[0], BASE, 2 * PAGE_SIZE) != 0)
        explore_fail("munmap");
}

static void
evict_exit_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        (void)pager_evict(&file, 0);
        return;
    }
    mm_put_user(space[0]);
    space[0] = NULL;
}

static void
evict_exit_setup(void)
{
    setup_file_warm();
    as(1);
    mmu_run(NULL);
    as(0);
    mmu_run(NULL);
}

/* Two harts store, the third evicts. */
static void
evict_3_body(unsigned hart)
{
    start(hart);
    if (hart < 2)
        result[hart] = user_store(HERE + 8 * hart, 5 + hart);
    else
        (void)pager_evict(&file, 0);
}

static void
evict_3_check(void)
{
    if (result[0] != 0 || result[1] != 0)
        explore_fail("a store fails");
    all_see(0, 5);
    all_see(1, 6);
    (void)pager_evict(&file, 0);
    if (file.word[0][0] != 5 || file.word[0][1] != 6)
        explore_fail("the file lost a store");
    all_gone();
}

/* --- several want a page that is not there --- */

static void
page_in_body(unsigned hart)
{
    start(hart);
    result[hart] = user_load(HERE, &saw[hart][0]);
}

static void
page_in_check(void)
{
    for (unsigned i = 0; i < ncpu; i++)
        if (result[i] != 0 || saw[i][0] != 7)
            explore_fail("hart %u saw %lu (%#x)", i, saw[i][0], result[i]);
    if (file.ins != 1)
        explore_fail("brought in %u times", file.ins);
    all_gone();
}

/* --- a page moves to another frame while it is used --- */

static void
move_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = user_load(HERE, &saw[0][0]);
        result[0] |= user_store(HERE, 5);
    } else {
        (void)migrate_range(space[0], HERE, HERE + PAGE_SIZE);
    }
}

/* The same, where the store is what faults. */
static void
move_store_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = user_store(HERE, 5);
        saw[0][0] = 7;
    } else {
        (void)migrate_range(space[0], HERE, HERE + PAGE_SIZE);
    }
}

static void
move_check(void)
{
    if (result[0] != 0 || saw[0][0] != 7)
        explore_fail("saw %lu (%#x)", saw[0][0], result[0]);
    all_see(0, 5);
    all_gone();
}

/* Hart 1 comes from the frame, as reclaim does: the newest private page. */
static struct page *
some_private_page(void)
{
    for (size_t i = frames_fresh; i-- > 0;) {
        struct page *p = &world_page[i];

        if (p->ref == 0 || p->owner == 0 || (p->owner & PAGE_OWNER_TAG) != 0 ||
            (p->flags & (PG_BUDDY | PG_ZERO)))
            continue;
        p->ref++; /* no point since the look */
        return p;
    }
    return NULL;
}

static void
move_new_body(unsigned hart)
{
    struct page *page;

    start(hart);
    if (hart == 0) {
        result[0] = user_store(HERE, 5);
        return;
    }
    EXPLORE_POINT("from the frame");
    page = some_private_page();
    if (page != NULL) {
        (void)migrate_page(page);
        page_put(page);
    }
}

static void
stored_check(void)
{
    if (result[0] != 0)
        explore_fail("the store fails");
    all_see(0, 5);
    all_gone();
}

/* Relatives: space 0 writes what space 1 shares, and the page moves. */
static void
move_shared_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_store(HERE + 8, 100);
    else if (hart == 1)
        result[1] = user_store(HERE + 16, 101);
    else
        (void)migrate_range(space[1], HERE, HERE + PAGE_SIZE);
}

/* --- neighbours are mapped, and one of them becomes private --- */

static void
around_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = user_load(HERE, &saw[0][0]);
        return;
    }
    result[1] = user_store(HERE + PAGE_SIZE, 5);
    unmap_private(space[0], HERE + PAGE_SIZE);
}

/* ... or goes out, while somebody reads it. */
static void
around_evict_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_load(HERE, &saw[0][0]);
    else
        (void)pager_evict(&file, 1);
}

static void
around_reclaim_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_load(HERE, &saw[0][0]);
    else
        reclaim_page(1);
}

static void
around_read_body(unsigned hart)
{
    start(hart);
    if (hart == 0)
        result[0] = user_load(HERE, &saw[0][0]);
}

static void
around_check(void)
{
    if (result[0] != 0 || result[1] != 0 || saw[0][0] != 7)
        explore_fail("saw %lu (%#x %#x)", saw[0][0], result[0], result[1]);
    all_see(PAGE_SIZE / 8, 5);
    all_see(0, 7);
    all_gone();
}

static void
around_evict_check(void)
{
    if (result[0] != 0 || saw[0][0] != 7)
        explore_fail("saw %lu (%#x)", saw[0][0], result[0]);
    all_see(PAGE_SIZE / 8, 8);
    all_gone();
}

/* --- the kernel reaches into the space while the page goes --- */

static void
access_body(unsigned hart)
{
    uint64_t value = 5;

    start(hart);
    if (hart == 0)
        result[0] =
            (unsigned)mm_access(space[0], HERE, &value, sizeof(value), true);
    else
        (void)pager_evict(&file, 0);
}

static void
access_move_body(unsigned hart)
{
    uint64_t value = 5;

    start(hart);
    if (hart == 0)
        result[0] =
            (unsigned)mm_access(space[0], HERE, &value, sizeof(value), true);
    else
        (void)migrate_range(space[0], HERE, HERE + PAGE_SIZE);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

#define ZERO .setup = setup_zeros, .body = zero_body, .check = zero_check
#define WRITERS \
    .setup = setup_zeros, .body = writers_body, .check = writers_check
#define ASK_UNMAP \
    .setup = ask_setup, .body = ask_unmap_body, .check = ask_unmap_check
#define ASK_EXIT \
    .setup = ask_setup, .body = ask_exit_body, .check = ask_exit_check
#define ASK_COPY \
    .setup = ask_setup, .body = ask_copy_body, .check = ask_copy_check
#define GIVE_WAY \
    .setup = give_way_setup, .body = give_way_body, .check = give_way_check
#define UNMAPPED_SHARED \
    .setup = setup_shared_cold, .body = unmapped_body, .check = unmapped_check
#define UNMAPPED_NEW \
    .setup = setup_zeros, .body = unmapped_body, .check = unmapped_check
#define UNMAPPED \
    .setup = setup_layer, .body = unmapped_body, .check = unmapped_check
#define RELATIVES \
    .setup = setup_relatives, .body = relatives_body, .check = relatives_check
#define RELATIVES_READ                                          \
    .setup = setup_relatives_cold, .body = relatives_read_body, \
    .check = relatives_read_check
#define RELATIVE_GOES                                     \
    .setup = setup_relatives, .body = relative_goes_body, \
    .check = relative_goes_check
#define THREADS \
    .setup = setup_relatives, .body = relatives_body, .check = threads_check
#define STALE_COPY \
    .setup = setup_relatives, .body = stale_copy_body, .check = stale_copy_check
#define STALE_UNMAP                                     \
    .setup = setup_relatives, .body = stale_unmap_body, \
    .check = stale_unmap_check
#define UNMAP .setup = setup_warm, .body = unmap_body, .check = unmap_check
#define UNMAP_COLD \
    .setup = setup_layer, .body = unmap_body, .check = unmap_check
#define PROTECT \
    .setup = setup_warm, .body = protect_body, .check = protect_check
#define PROTECT_COLD \
    .setup = setup_layer, .body = protect_body, .check = protect_check
#define COPY      .setup = setup_warm_but_1, .body = copy_body, .check = copy_check
#define COPY_COLD .setup = setup_cold_7, .body = copy_body, .check = copy_check
#define EVICT_3 \
    .setup = setup_file_read, .body = evict_3_body, .check = evict_3_check
#define EVICT_3_WARM \
    .setup = setup_file_warm, .body = evict_3_body, .check = evict_3_check
#define EXIT  .setup = exit_setup, .body = exit_body, .check = exit_check
#define EVICT .setup = setup_file_read, .body = evict_body, .check = evict_check
#define RECLAIM \
    .setup = setup_file_read, .body = reclaim_body, .check = evict_check
#define EVICT_WARM \
    .setup = setup_file_warm, .body = evict_body, .check = evict_check
#define EVICT_AD \
    .setup = setup_file_ad, .body = evict_ad_body, .check = evict_ad_check
#define EVICT_PRIVATE                                \
    .setup = setup_file_private, .body = evict_body, \
    .check = evict_private_check
#define EVICT_UNMAP \
    .setup = setup_file_warm, .body = evict_unmap_body, .check = all_gone
#define EVICT_EXIT \
    .setup = evict_exit_setup, .body = evict_exit_body, .check = all_gone
#define PAGE_IN \
    .setup = setup_file, .body = page_in_body, .check = page_in_check

#define MOVE .setup = setup_cold_7, .body = move_body, .check = move_check
#define MOVE_STORE \
    .setup = setup_cold_7, .body = move_store_body, .check = move_check
#define MOVE_WARM .setup = setup_warm, .body = move_body, .check = move_check
#define MOVE_NEW \
    .setup = setup_layer, .body = move_new_body, .check = stored_check
#define MOVE_SHARED \
    .setup = setup_relatives, .body = move_shared_body, .check = relatives_check
#define AROUND \
    .setup = setup_file_cached, .body = around_body, .check = around_check
#define AROUND_PRIVATE                                       \
    .setup = setup_around_private, .body = around_read_body, \
    .check = around_check
#define AROUND_RECLAIM                                       \
    .setup = setup_file_cached, .body = around_reclaim_body, \
    .check = around_evict_check
#define AROUND_EVICT                                       \
    .setup = setup_file_cached, .body = around_evict_body, \
    .check = around_evict_check
#define ACCESS \
    .setup = setup_file_warm, .body = access_body, .check = evict_check
#define ACCESS_MOVE \
    .setup = setup_warm, .body = access_move_body, .check = stored_check

#define MUTANT(m) .mutant = MUTANT_##m, .expect = ""
#define NO_GATE                                                          \
    .skip = SKIP("mm_write_begin/gate_close", "mm_write_end/gate_open"), \
    .expect = ""
#define NO_TABLE_LOCK                                                       \
    .skip = SKIP("for_each_table/spin_lock", "for_each_table/spin_unlock"), \
    .expect = ""

static const struct explore_test tests[] = {
    {"zero-then-write", 2, ZERO},
    {"two-writers", 2, WRITERS},
    {"new-layer-unmapped", 2, UNMAPPED_NEW},
    {"layer-unmapped", 2, UNMAPPED},
    {"relatives-write", 2, RELATIVES},
    {"relatives-read", 2, RELATIVES_READ},
    {"relative-goes", 2, RELATIVE_GOES},
    {"unmap", 2, UNMAP},
    {"unmap-cold", 2, UNMAP_COLD},
    {"protect", 2, PROTECT},
    {"protect-cold", 2, PROTECT_COLD},
    {"copy", 2, COPY},
    {"exit", 2, EXIT},
    {"evict", 2, EVICT},
    {"evict-warm", 2, EVICT_WARM},
    {"evict-ad", 2, EVICT_AD},
    {"evict-private", 2, EVICT_PRIVATE},
    {"evict-unmap", 2, EVICT_UNMAP},
    {"evict-exit", 2, EVICT_EXIT},
    {"page-in", 2, PAGE_IN},
    {"mutant-retire-without-flush", 2, ZERO,
     .skip = SKIP("retire_entry/gather_flush_page"), .expect = ""},
    {"mutant-new-entry-without-sfence", 2, ZERO,
     .skip = SKIP("set_entry_locked/mmu_forget", "ad_fix/mmu_forget"),
     .expect = "without end"},
    {"mutant-no-compare", 2, WRITERS, MUTANT(NO_COMPARE)},
    {"mutant-two-layers", 2, WRITERS, MUTANT(TWO_LAYERS)},
    {"mutant-table-blindly", 2, WRITERS, MUTANT(TABLE_BLINDLY)},
    {"mutant-no-second-read", 2, ZERO, MUTANT(NO_SECOND_READ)},
    {"mutant-no-layer-look", 2, UNMAPPED_NEW, MUTANT(NO_LAYER_LOOK)},
    {"mutant-below-blindly", 2, UNMAPPED, MUTANT(BELOW_BLINDLY)},
    {"mutant-never-shared", 2, RELATIVES, MUTANT(NEVER_SHARED)},
    {"mutant-unmap-no-gate", 2, UNMAP_COLD, NO_GATE},
    {"mutant-unmap-no-shootdown", 2, UNMAP, MUTANT(NO_SHOOTDOWN)},
    {"mutant-table-at-once", 2, UNMAP, MUTANT(TABLE_AT_ONCE)},
    {"mutant-node-at-once", 2, UNMAP, MUTANT(NODE_AT_ONCE)},
    {"mutant-protect-no-gate", 2, PROTECT_COLD, NO_GATE},
    {"mutant-protect-no-flush", 2, PROTECT,
     .skip = SKIP("do_mprotect/gather_finish"), .expect = ""},
    {"mutant-copy-no-flush", 2, COPY, .skip = SKIP("copy_into/gather_finish"),
     .expect = ""},
    {"mutant-exit-no-gate", 2, EXIT, NO_GATE},
    {"mutant-no-page-lock", 2, EVICT, MUTANT(NO_PAGE_LOCK)},
    {"mutant-mkwrite-unlocks", 2, EVICT, MUTANT(MKWRITE_UNLOCKS)},
    {"mutant-entry-unlocked", 2, EVICT, MUTANT(ENTRY_UNLOCKED)},
    {"mutant-evict-no-flush", 2, EVICT_WARM,
     .skip = SKIP("hull_flush/tlb_shootdown"), .expect = ""},
    {"mutant-ad-blindly", 2, EVICT_AD, MUTANT(AD_BLINDLY)},
    {"mutant-no-rmap-lock", 2, EVICT_UNMAP, MUTANT(NO_RMAP_LOCK)},
    {"mutant-no-table-lock", 2, EVICT_EXIT, NO_TABLE_LOCK},
    {"mutant-no-wake", 2, PAGE_IN, .skip = SKIP("take_bit/wait_wake_all"),
     .expect = "dead-lock"},
    {"mutant-late-announce", 2, PAGE_IN, MUTANT(LATE_ANNOUNCE)},
    {"move", 2, MOVE},
    {"move-store", 2, MOVE_STORE},
    {"move-warm", 2, MOVE_WARM},
    {"move-new", 2, MOVE_NEW},
    {"around", 2, AROUND},
    {"around-private", 2, AROUND_PRIVATE},
    {"around-evict", 2, AROUND_EVICT},
    {"around-reclaim", 2, AROUND_RECLAIM},
    {"reclaim", 2, RECLAIM},
    {"reclaim-3", 3, RECLAIM, .preemptions = 1},
    {"access", 2, ACCESS},
    {"access-move", 2, ACCESS_MOVE},
    {"mutant-read-no-anon-lock", 2, MOVE, MUTANT(READ_NO_ANON)},
    {"mutant-write-no-anon-lock", 2, MOVE_STORE, MUTANT(WRITE_NO_ANON)},
    {"shared-unmapped", 2, UNMAPPED_SHARED},
    {"mutant-read-no-layer-lock", 2, UNMAPPED_SHARED, MUTANT(READ_NO_LAYER)},
    {"mutant-put-apart", 2, RELATIVE_GOES, MUTANT(PUT_APART)},
    {"mutant-not-recorded", 2, RELATIVES_READ, MUTANT(NOT_RECORDED)},
    {"ask-unmap", 2, ASK_UNMAP},
    {"ask-exit", 2, ASK_EXIT},
    {"ask-copy", 2, ASK_COPY},
    {"mutant-ask-unlocked", 2, ASK_UNMAP, MUTANT(ASK_UNLOCKED)},
    {"give-way", 2, GIVE_WAY},
    {"mutant-retire-unlocked", 2, GIVE_WAY, MUTANT(RETIRE_UNLOCKED)},
    {"mutant-add-blindly", 2, PAGE_IN, MUTANT(ADD_BLINDLY)},
    {"mutant-visit-unlocked", 2, GIVE_WAY, MUTANT(VISIT_UNLOCKED)},
    {"mutant-old-owner", 2, MOVE_NEW, MUTANT(OLD_OWNER)},
    {"mutant-new-owned-early", 2, MOVE_NEW, MUTANT(OWNED_EARLY)},
    {"mutant-move-no-flush", 2, MOVE_WARM,
     .skip = SKIP("hull_flush/tlb_shootdown"), .expect = ""},
    {"mutant-around-no-layer-look", 2, AROUND, MUTANT(AROUND_NO_LAYER)},
    {"mutant-evict-blind", 2, AROUND_RECLAIM, MUTANT(EVICT_BLIND)},
    {"mutant-around-over-private", 2, AROUND_PRIVATE, MUTANT(AROUND_PRIVATE)},
    {"mutant-access-no-table-lock", 2, ACCESS,
     .skip = SKIP("copy_mapped/spin_lock", "copy_mapped/spin_unlock"),
     .expect = ""},
    {"stale-copy", 3, STALE_COPY},
    {"move-shared", 3, MOVE_SHARED},
    {"stale-unmap", 3, STALE_UNMAP},
    {"copy-and-writers", 3, COPY},
    {"copy-cold", 2, COPY_COLD},
    {"copy-cold-and-writers", 3, COPY_COLD},
    {"three-writers", 3, WRITERS},
    {"threads-and-relative", 3, THREADS},
    {"unmap-by-two", 3, UNMAP_COLD},
    {"protect-by-two", 3, PROTECT_COLD},
    {"page-in-3", 3, PAGE_IN},
    {"evict-3", 3, EVICT_3},
    {"evict-3-warm", 3, EVICT_3_WARM},
    {"zero-then-write-3", 3, ZERO},
    {"mutant-anon-at-once", 3, STALE_COPY, MUTANT(ANON_AT_ONCE)},
    {"mutant-late-flush", 3, COPY, MUTANT(LATE_FLUSH)},
};

int
main(int argc, char **argv)
{
    world_frames = world_new_frames();
    return explore_main(argc, argv, "explore_fault", tests, ARRAY_LEN(tests));
}
