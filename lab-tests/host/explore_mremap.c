/* explore_mremap.c: entries that move to another address while somebody comes
 * from the page, through its records, over all schedules with at most two
 * preemptions.
 *
 * mremap() keeps faults out (the gate), but not who comes from the page: he
 * needs the rmap lock and the lock of the table his record names.  What must
 * hold: he finds the page's one entry wherever it is just now; when he took it
 * away no hart remembers it at either address; no table is touched that was
 * given back.
 *
 * Each move is tried in both orders of the two tables, because they are locked in
 * the order of addresses. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "mm_stage.h"

#include "ext/mm/mapcalls.h"

#define P      PAGE_SIZE
#define THERE  (HERE + (2ul << 20) + P) /* in another table */
#define BESIDE (HERE + 5 * P)           /* in the same one */

static uintptr_t goal;
static struct page *victim; /* the private page of HERE, with a reference */

/* Two pages, known to all harts; PAGES of them will move to TO. */
static void
setup_at(uintptr_t to, bool table_first)
{
    setup_zeros();
    goal = to;
    if (table_first) {
        (void)do_mmap(space[0], to + 2 * P, P, VM_READ | VM_WRITE,
                      MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
        (void)user_store(to + 2 * P, 9);
    }
    (void)user_store(HERE + P, 8);
    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        (void)user_store(HERE, 7);
    }
    as(0);
    victim = private_page(space[0], HERE);
}

static void
setup_up(void)
{
    setup_at(THERE, false);
}

static void
setup_down(void)
{
    setup_at(THERE, true);
}

static void
setup_beside(void)
{
    setup_at(BESIDE, false);
}

/* A page of a file that all may write; it moves to a new table. */
static void
setup_shared(void)
{
    setup_file_warm();
    goal = THERE;
}

static unsigned
move_pages(unsigned n)
{
    return do_mremap(space[0], HERE, n * P, n * P,
                     MREMAP_MAYMOVE | MREMAP_FIXED, goal) != (long)goal;
}

/* Word WORD of what was HERE; every hart sees VALUE there. */
static void
all_see_there(unsigned word, uint64_t value)
{
    all_see((unsigned)((goal - HERE) / 8) + word, value);
}

static void
nobody_sees_here(void)
{
    uint64_t v;

    for (unsigned i = 0; i < ncpu; i++) {
        as(i);
        if (user_load(HERE, &v) != VM_FAULT_SIGSEGV)
            explore_fail("hart %u still sees it", i);
    }
}

/* --- the page gets another frame --- */

static void
move_one_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = move_pages(1);
        result[0] |= user_store(goal + 8, 100);
    } else {
        (void)migrate_page(victim);
    }
}

/* Nothing is left in the old table, which goes. */
static void
move_both_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = move_pages(2);
        result[0] |= user_store(goal + 8, 100);
    } else {
        (void)migrate_page(victim);
    }
}

static void
moved_check(void)
{
    if (result[0] != 0)
        explore_fail("mremap, or the store");
    page_put(victim);
    all_see_there(0, 7);
    all_see_there(1, 100);
    nobody_sees_here();
    all_gone();
}

/* Hart 2 stores at the old address for as long as it can. */
static void
stale_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = move_pages(1);
    } else if (hart == 1) {
        (void)migrate_page(victim);
    } else {
        for (unsigned n = 1; n <= 2 && user_store(HERE + 8, n) == 0; n++)
            saw[2][0] = n;
    }
}

static void
stale_check(void)
{
    if (result[0] != 0)
        explore_fail("mremap");
    page_put(victim);
    all_see_there(1, saw[2][0]);
    nobody_sees_here();
    all_gone();
}

/* --- the page of a file is thrown out --- */

static void
evict_body(unsigned hart)
{
    start(hart);
    if (hart == 0) {
        result[0] = move_pages(2);
        result[0] |= user_store(goal, 5);
    } else {
        (void)pager_evict(&file, 0);
    }
}

static void
evict_check(void)
{
    if (result[0] != 0)
        explore_fail("mremap, or the store");
    all_see_there(0, 5);
    nobody_sees_here();
    (void)pager_evict(&file, 0);
    if (file.word[0][0] != 5)
        explore_fail("the file has %lu", file.word[0][0]);
    all_gone();
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})

#define UP     .setup = setup_up, .body = move_one_body, .check = moved_check
#define DOWN   .setup = setup_down, .body = move_one_body, .check = moved_check
#define BOTH   .setup = setup_up, .body = move_both_body, .check = moved_check
#define NEAR   .setup = setup_beside, .body = move_one_body, .check = moved_check
#define SHARED .setup = setup_shared, .body = evict_body, .check = evict_check
#define STALE  .setup = setup_up, .body = stale_body, .check = stale_check

/* Of two tables, the one with the lower address. */
#define ONE_LOCK                                                            \
    .skip =                                                                 \
        SKIP("lock_two/spin_lock_nested", "unlock_two/spin_unlock_nested"), \
    .expect = ""
#define NO_LOCK                                                                \
    .skip = SKIP("lock_two/spin_lock_nested", "unlock_two/spin_unlock_nested", \
                 "lock_two/spin_lock", "unlock_two/spin_unlock"),              \
    .expect = ""

static const struct explore_test tests[] = {
    {"up", 2, UP},
    {"down", 2, DOWN},
    {"both", 2, BOTH},
    {"near", 2, NEAR},
    {"shared", 2, SHARED},
    {"stale", 3, STALE},
    {"mutant-only-from-locked", 2, UP, ONE_LOCK},
    {"mutant-only-to-locked", 2, DOWN, ONE_LOCK},
    {"mutant-none-locked", 2, NEAR, NO_LOCK},
    {"mutant-record-stays", 2, UP, .skip = SKIP("move_one/rmap_replace"),
     .expect = ""},
    {"mutant-record-late", 2, UP, .mutant = MUTANT_RECORD_LATE, .expect = ""},
    {"mutant-record-late-shared", 2, SHARED, .mutant = MUTANT_RECORD_LATE,
     .expect = ""},
    {"mutant-flush-late", 3, STALE, .skip = SKIP("move_run/gather_flush"),
     .expect = "sees"},
};

int
main(int argc, char **argv)
{
    world_frames = world_new_frames();
    return explore_main(argc, argv, "explore_mremap", tests, ARRAY_LEN(tests));
}
