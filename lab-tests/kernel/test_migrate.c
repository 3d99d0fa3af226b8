/* test_migrate.c: pages that move to another frame: row 93 of
 * docs/design/mm.md, and what row 36 is for. */
#include "ad_test.h"
#include "ext/mm/hint.h"
#include "ext/mm/memnode.h"
#include "ext/mm/migrate.h"
#include "ext/mm/observe.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "schedule/sched.h"
#include "ublob.h"
#include <errno.h>

/* Who looks after nodes asks who touches a page, and moves it there; but a device
 * may write to a pinned page, and that one stays. */
KTEST(vm_row_36_a_page_moves_when_it_was_touched)
{
    static paddr_t was[20];
    uintptr_t at;
    struct mm_struct *mm = space_with(20, &at);
    struct page *pinned;

    fill(mm, at, 20);
    for (size_t i = 0; i < 20; i++)
        was[i] = pte_pa(entry(mm, at + i * P));
    pinned = page_at(mm, at + 19 * P);
    pinned->pins++;
    CHECK(hint_scan(mm, at, at + 20 * P) == 20);
    for (size_t i = 0; i < 20; i++) {
        uintptr_t va = at + i * P;

        CHECK(i % 2 ? get(mm, va) == 1000 + i : put(mm, va, i) == 0);
        CHECK(mm->stat[MM_HINT] == i + 1 && mm->stat[MM_MIGR] == i);
        CHECK(pte_pa(entry(mm, va)) == was[i]);
        CHECK(migrate_range(mm, va, va + P) == (i < 19));
        CHECK(get(mm, va) == (i % 2 ? 1000 + i : i));
        CHECK((pte_pa(entry(mm, va)) == was[i]) == (i == 19));
    }
    CHECK(mm->stat[MM_HINT] == 20 && mm->stat[MM_MIGR] == 19);
    CHECK(mm->stat[MM_ANON] == 20 && mm->stat[MM_COW] == 0);
    pinned->pins--;
    mm_put_user(mm);
}

/* --- two nodes: row numa-2 of tools/ktest_rows.py --- */

#define NEAR_PAGES 24ul

static struct mm_struct *near_mm;
static uintptr_t near_at;

/* A hart of the other node than the one all pages are of touches every third
 * page, and writes to some of them; harts of this one touch those behind them. */
static void
touch_from_nodes(unsigned hart)
{
    bool away = memnode_of_hart(hart) == 1;

    if (hart != 0 && (!away || memnode_of_hart(hart - 1) == 1))
        return; /* the first of each node */
    for (size_t i = away ? 0 : 1; i < NEAR_PAGES; i += 3) {
        CHECK(get(near_mm, near_at + i * P) == 1000 + i);
        if (i % 2)
            CHECK(put(near_mm, near_at + i * P + 8, i) == 0);
    }
}

static unsigned
node_at(size_t i)
{
    struct pginfo info;

    CHECK(pginfo(near_mm, near_at + i * P, &info) == 0);
    CHECK(info.flags & PGINFO_PRESENT);
    return info.node;
}

/* Every page is in memory of NODE.  => no hart holds others that are free */
static void
settle_in(unsigned node)
{
    (void)migrate_range_to(near_mm, near_at, near_at + NEAR_PAGES * P, node);
    for (size_t i = 0; i < NEAR_PAGES; i++) {
        CHECK(get(near_mm, near_at + i * P) == 1000 + i);
        CHECK(node_at(i) == node);
    }
}

KTEST(vm_row_36_a_page_moves_to_the_node_of_who_touches_it)
{
    static paddr_t was[NEAR_PAGES];
    uint64_t before;

    if (memnode_count() != 2 || memnode_of_hart(0) != 0 ||
        memnode_of_hart(ncpu - 1) != 1) {
        ktest_skip("needs two nodes with a hart each");
        return;
    }
    near_mm = space_with(NEAR_PAGES, &near_at);
    fill(near_mm, near_at, NEAR_PAGES);
    settle_in(1);
    settle_in(0);
    before = near_mm->stat[MM_MIGR];
    CHECK(before >= NEAR_PAGES && before <= 2 * NEAR_PAGES);
    for (size_t i = 0; i < NEAR_PAGES; i++)
        was[i] = pte_pa(entry(near_mm, near_at + i * P));
    CHECK(hint_scan(near_mm, near_at, near_at + NEAR_PAGES * P) == NEAR_PAGES);
    ktest_parallel(ncpu, true, touch_from_nodes);
    CHECK(near_mm->stat[MM_HINT] == 2 * NEAR_PAGES / 3);
    CHECK(near_mm->stat[MM_MIGR] == before); /* a touch only tells */
    CHECK(hint_follow(near_mm) == NEAR_PAGES / 3);
    CHECK(near_mm->stat[MM_MIGR] == before + NEAR_PAGES / 3);
    CHECK(hint_scan(near_mm, near_at, near_at) == 0); /* no more of it */
    for (size_t i = 0; i < NEAR_PAGES; i++) {
        uintptr_t va = near_at + i * P;

        CHECK(get(near_mm, va) == 1000 + i);
        CHECK(get(near_mm, va + 8) == (i % 2 && i % 3 != 2 ? i : 0));
        CHECK(node_at(i) == (i % 3 == 0));
        CHECK((pte_pa(entry(near_mm, va)) == was[i]) == (i % 3 != 0));
    }
    CHECK(hint_follow(near_mm) == 0); /* each touch counts once */
    CHECK(near_mm->stat[MM_ANON] == NEAR_PAGES && near_mm->stat[MM_COW] == 0);
    /* What may not be touched has no entry, gets no hint, and does not move. */
    CHECK(do_mprotect(near_mm, near_at, P, 0) == 0);
    CHECK(hint_scan(near_mm, near_at, near_at + P) == 0);
    CHECK(do_pgfault(near_mm, FAULT_READ | FAULT_USER, near_at) ==
          (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    CHECK(hint_follow(near_mm) == 0);
    mm_put_user(near_mm);
}

KTEST(vm_row_36_a_page_of_a_node_or_none)
{
    static struct page *got[200];

    if (memnode_count() != 2) {
        ktest_skip("needs two nodes");
        return;
    }
    pmm_drain();
    for (unsigned i = 0; i < ARRAY_LEN(got); i++) {
        got[i] = memnode_alloc(i % 2);
        CHECK(got[i] != NULL && memnode_of(got[i]) == i % 2);
        CHECK(got[i]->ref == 1);
    }
    for (unsigned i = 0; i < ARRAY_LEN(got); i++)
        free_pages(got[i], 0);
    CHECK(memnode_alloc(2) == NULL); /* nothing is of that one */
    CHECK(fail_set("page", 1) == 0 && memnode_alloc(1) == NULL);
    CHECK(fail_set("page", 0) == 0);
}

KTEST(vm_row_93_pages_move_and_stay_the_same)
{
    static paddr_t was[100];
    uintptr_t at;
    struct mm_struct *mm = space_with(100, &at), *child;
    size_t anons = anon_count();

    fill(mm, at, 100);
    child = mm_copy(mm);
    CHECK(child != NULL);
    for (size_t i = 0; i < 100; i++) {
        CHECK(get(child, at + i * P) == 1000 + i);
        was[i] = pte_pa(entry(mm, at + i * P));
    }
    CHECK(put(child, at, 7) == 0); /* its own */
    CHECK(migrate_range(mm, at, at + 100 * P) == 100);
    CHECK(mm->stat[MM_MIGR] == 100 && mm->rss == 0 && child->rss == 1);
    CHECK(anon_count() - anons == 101);
    for (size_t i = 0; i < 100; i++) {
        CHECK(get(mm, at + i * P) == 1000 + i);
        CHECK(get(child, at + i * P) == (i == 0 ? 7 : 1000 + i));
        CHECK(pte_pa(entry(mm, at + i * P)) != was[i]);
    }
    CHECK(page_at(mm, at + P) == page_at(child, at + P));
    mm_put_user(child);
    for (size_t i = 0; i < 100; i++)
        CHECK(put(mm, at + i * P, i) == 0);
    CHECK(mm->stat[MM_REUSE] == 100 && mm->stat[MM_COW] == 0);
    mm_put_user(mm);
}

KTEST(vm_row_93_only_private_pages_that_rest)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(2, &at);
    struct page *page;

    CHECK(get(mm, at) == 0);
    page = page_at(mm, at); /* the zero page */
    page_get(page);
    CHECK(migrate_page(page) == -ENOENT);
    page_put(page);
    CHECK(put(mm, at, 1) == 0);
    page = page_at(mm, at);
    page_get(page);
    page_get(page); /* somebody's transfer */
    CHECK(migrate_page(page) == -EBUSY);
    page_put(page);
    CHECK(do_munmap(mm, at, P) == 0);
    CHECK(migrate_page(page) == -ENOENT);
    page_put(page);
    mm_put_user(mm);
}

/* A page moves between a fault's look at it and the store of its entry.  It asks
 * for a spare record of the reverse map in between, at a fail point: there
 * thread 0 lets thread 1 move the page, and unless this hart keeps it from doing
 * so, waits until it has.  The frame in the entry must be the anon's.  (A write
 * in place asks for nothing: vm_order_99_page_moves_while_reused.) */
static struct mm_struct *window_mm;
static struct page *window_page;
static uintptr_t window_at;
static unsigned window; /* [a] 1: the fault is there; 2: the page has moved */

static bool
wait_in_window(enum fail_site site)
{
    unsigned expected = 0;

    if (site == FAIL_RMAP && atomic_cas(&window, &expected, 1u)) {
        struct anon *a = (struct anon *)window_page->owner;

        while (!spin_held(&a->lock) && atomic_load(&window) != 2)
            cpu_wait();
    }
    return false;
}

static void
fault_and_move(unsigned i)
{
    if (i == 1) {
        while (atomic_load(&window) == 0)
            sched_yield();
        CHECK(migrate_page(window_page) == 0);
        atomic_store(&window, 2u);
        return;
    }
    fail_hook = wait_in_window;
    atomic_store(&fail_armed, true);
    CHECK(get(window_mm, window_at) == 1000);
    fail_set("any", 0);
    CHECK(atomic_load(&window) != 0); /* it went through there */
}

static void
move_in_window(struct mm_struct *mm, uintptr_t at)
{
    window_mm = mm;
    window_at = at;
    window = 0;
    page_get(window_page);
    ktest_parallel(2, true, fault_and_move);
    page_put(window_page);
}

KTEST(vm_row_93_no_move_between_look_and_entry)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(1, &at), *child, *other;

    fill(mm, at, 1);
    child = mm_copy(mm);
    other = mm_copy(mm); /* the third record needs a block */
    CHECK(get(child, at) == 1000 && get(other, at) == 1000);
    window_page = page_at(child, at);
    CHECK(hint_scan(mm, at, at + P) == 1);
    move_in_window(mm, at); /* do_private_read */
    CHECK(get(child, at) == 1000 && get(mm, at) == 1000);
    CHECK(page_at(mm, at) == page_at(child, at));
    mm_put_user(child);
    mm_put_user(other);

    CHECK(put(mm, at, 5) == 0);                /* do_wp_page, in place */
    CHECK(migrate_range(mm, at, at + P) == 1); /* entry gone: ask the anon */
    CHECK(get(mm, at) == 5);
    mm_put_user(mm);
}

/* Threads 1 to 4 each count in a word of their own in every page, and add up
 * what they find; thread 0 moves the pages under them. */
#define MOVED   48ul
#define ROUNDS  60ul
#define WORKERS 4u

static struct mm_struct *moved_mm;
static uintptr_t moved_at;
static uint64_t moves;
static unsigned working; /* [a] */

static void
count_and_move(unsigned i)
{
    uintptr_t word = moved_at + 8 * i;

    if (i == 0) {
        for (unsigned turn = 0; atomic_load(&working) > 0; turn++)
            moves += (uint64_t)migrate_range_to(
                moved_mm, moved_at, moved_at + MOVED * P,
                memnode_count() == 2 ? turn % 2 : MEMNODE_ANY);
        return;
    }
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t sum = 0;

        for (size_t n = 0; n < MOVED; n++) {
            uint64_t v = get(moved_mm, word + n * P);

            sum += v;
            CHECK(put(moved_mm, word + n * P, v + 1) == 0);
        }
        CHECK(sum == MOVED * round);
    }
    atomic_add(&working, -1u);
}

/* The same with user programs, which add while translations are taken away. */
KTEST(vm_row_93_pages_move_under_programs)
{
    static struct urun r[3];
    uintptr_t at;
    struct mm_struct *mm = space_with(4, &at);
    uint64_t moved = 0;

    fill(mm, at, 4);
    CHECK(ublob_map(mm));
    for (unsigned i = 0; i < 3; i++) {
        r[i] = (struct urun){0};
        ublob_start(&r[i], mm, i % ncpu, UBLOB_ADD, at + i * P + 8, 200000, 0);
    }
    /* Back and forth between the nodes, if there are two. */
    for (unsigned turn = 0; moved < 400; turn++) {
        moved += (uint64_t)migrate_range_to(
            mm, at, at + 4 * P, memnode_count() == 2 ? turn % 2 : MEMNODE_ANY);
        sched_yield();
    }
    for (unsigned i = 0; i < 3; i++) {
        ublob_wait(&r[i]);
        CHECK(r[i].signo == 0 && get(mm, at + i * P + 8) == 200000);
        CHECK(get(mm, at + i * P) == 1000 + i);
    }
    CHECK(mm->stat[MM_MIGR] == moved && mm->stat[MM_ANON] == 5);
    mm_put_user(mm);
}

KTEST(vm_row_93_pages_move_under_writers)
{
    moved_mm = space_with(MOVED, &moved_at);
    fill(moved_mm, moved_at, MOVED);
    moves = 0;
    working = WORKERS;
    ktest_parallel(WORKERS + 1, true, count_and_move);
    for (size_t n = 0; n < MOVED; n++) {
        CHECK(get(moved_mm, moved_at + n * P) == 1000 + n);
        for (unsigned i = 1; i <= WORKERS; i++)
            CHECK(get(moved_mm, moved_at + n * P + 8 * i) == ROUNDS);
    }
    CHECK(moved_mm->stat[MM_MIGR] == moves);
    CHECK(moved_mm->stat[MM_ANON] == MOVED && moved_mm->stat[MM_COW] == 0);
    mm_put_user(moved_mm);
}
