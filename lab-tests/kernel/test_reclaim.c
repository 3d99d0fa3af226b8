/* test_reclaim.c: pages of files leave memory when it is short; rows of
 * docs/design/mm.md. */
#include "ext/mm/mapcalls.h"
#include "mm/reclaim.h"
#include "mm/writeback.h"
#include "pager_test.h"
#include "schedule/timeout.h"
#include "shortage.h"
#include "swap_ram.h"
#include "touch.h"

#define SPACES 5u

static uint64_t
all_of(struct mm_struct **mm, unsigned n, enum mmstat_id id)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += mm[i]->stat[id];
    return sum;
}

/* What goes from now on belongs to the test. */
static void
only_ours(void)
{
    flush_everything();
    (void)reclaim_all();
}

KTEST(vm_row_65_a_dirty_page_of_five_spaces_is_written_once)
{
    struct ram_pager *rp = ram_pager_runs(1);
    struct mm_struct *mm[SPACES];
    uint64_t wb, steal, gone;
    uintptr_t at[SPACES];

    flush_everything();
    (void)reclaim_all();
    for (unsigned i = 0; i < SPACES; i++) {
        mm[i] = mm_create();
        at[i] = map(mm[i], RW, MAP_SHARED, &rp->obj, 0, 1);
        CHECK(put(mm[i], at[i] + i * 8, 100 + i) == 0);
    }
    wb = kstat_read(STAT_WB);
    steal = kstat_read(STAT_DROPPED);
    gone = all_of(mm, SPACES, MM_RMAPUN);
    CHECK(maps_of(&rp->obj, 0) == SPACES && is_dirty(&rp->obj, 0));
    CHECK(reclaim_all() >= 1);
    CHECK(all_of(mm, SPACES, MM_RMAPUN) - gone == SPACES);
    CHECK(kstat_read(STAT_WB) - wb == 1 && rp->outs == 1);
    CHECK(kstat_read(STAT_DROPPED) - steal >= 1 && rp->obj.npages == 0);
    for (unsigned i = 0; i < SPACES; i++) {
        CHECK(entry(mm[i], at[i]) == 0 && mm[i]->rss == 0);
        for (unsigned k = 0; k < SPACES; k++)
            CHECK(get(mm[i], at[i] + k * 8) == 100 + k);
    }
    for (unsigned i = 0; i < SPACES; i++)
        mm_put_user(mm[i]);
    object_put(&rp->obj);
    (void)reclaim_all(); /* there may be nothing: nothing happens */
}

/* A page is not taken while somebody needs it where it is. */
KTEST(vm_row_65_what_is_in_use_stays)
{
    struct ram_pager *rp = ram_pager_runs(4);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_SHARED, &rp->obj, 0, 4);
    struct page *held, *busy;

    for (uint64_t i = 0; i < 4; i++)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(do_mlock(mm, at, P, 0) == 0);
    held = object_find(&rp->obj, 1);
    busy = object_find(&rp->obj, 2);
    page_lock(busy);
    (void)reclaim_all();
    CHECK(rp->obj.npages == 3 && entry(mm, at) != 0);
    CHECK(object_find(&rp->obj, 3) == NULL);
    page_unlock(busy);
    page_put(busy);
    page_put(held);
    (void)reclaim_all();
    CHECK(rp->obj.npages == 1 && maps_of(&rp->obj, 0) == 1);
    mm_put_user(mm);
    (void)reclaim_all();
    CHECK(rp->obj.npages == 0);
    object_put(&rp->obj);
}

/* What was used since the hand was there last stays, if there is something else. */
KTEST(vm_row_65_the_hand_passes_over_what_is_used)
{
    struct ram_pager *rp = ram_pager_runs(64);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_SHARED, &rp->obj, 0, 64);

    (void)reclaim_all();
    for (uint64_t i = 0; i < 64; i++)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(reclaim(16) >= 16); /* the first turn took all A away */
    CHECK(rp->obj.npages == 48);
    for (uint64_t i = 16; i < 32; i++)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(reclaim(32) >= 32);
    CHECK(rp->obj.npages == 16);
    for (uint64_t i = 16; i < 32; i++)
        CHECK(entry(mm, at + i * P) != 0);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_66_the_thread_wakes_at_the_low_mark)
{
    size_t low = reclaim_min + reclaim_min / 4, high = reclaim_min * 3 / 2;
    struct ram_pager *rp = ram_pager_runs(2 * low);
    uint64_t steal, rounds;
    struct list *held;

    CHECK(reclaim_min >= 128);
    for (uint64_t i = 0; i < 2 * low; i++) {
        struct page *page;
        char *data;

        CHECK(object_page(&rp->obj, i, &page, &data) == 0);
        page_put(page);
    }
    (void)reclaim(1);
    CHECK(reclaim_mark == low);
    steal = kstat_read(STAT_DROPPED);
    held = take_all_but(low); /* one below the mark */
    while (nr_free_pages() < high)
        sched_yield();
    CHECK(kstat_read(STAT_DROPPED) - steal >= high - low - 64);
    /* It stops, and sleeps. */
    sleep_ms(20);
    rounds = kstat_read(STAT_DROPPED);
    sleep_ms(50);
    CHECK(kstat_read(STAT_DROPPED) == rounds && rp->obj.npages > 0);
    give_back(held);
    object_put(&rp->obj);
}

/* What has no room in memory stays where it is, and can be had later. */
KTEST(vm_row_63_swapoff_without_memory)
{
    struct swap_ram *r = swap_ram_on(64);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 32);
    struct list *held;

    for (uint64_t i = 0; i < 32; i++)
        CHECK(put(mm, at + i * P, i + 1) == 0);
    for (unsigned i = 0; i < 8 && swap_slots_used() < 32; i++)
        (void)reclaim(32);
    CHECK(swap_slots_used() == 32);
    held = take_all_but(0);
    CHECK(swap_off(&r->dev) == -ENOMEM && swap_slots_used() > 0);
    give_back(held);
    for (uint64_t i = 0; i < 32; i++)
        CHECK(get(mm, at + i * P) == i + 1);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* Nothing can be got back: it fails, and takes no time. */
KTEST(vm_row_66_without_anything_to_take_it_gives_up)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 64);
    struct list *held;
    int err = 0;

    flush_everything();
    (void)reclaim_all();
    held = take_all_but(0);
    for (unsigned i = 0; i < 64 && err == 0; i++)
        err = put(mm, at + i * P, i);
    CHECK(err != 0 || reclaim(1) == 0);
    give_back(held);
    for (unsigned i = 0; i < 64; i++)
        CHECK(put(mm, at + i * P, i) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_68_72_text_of_eight_spaces_is_dropped)
{
    enum { RUNS = 8, TEXT = 4 };
    struct swap_ram *r = swap_ram_on(64); /* it could go there */
    struct ram_pager *rp = ram_pager_runs(TEXT);
    struct mm_struct *mm[RUNS];
    uintptr_t at[RUNS];
    uint64_t wb, gone, maj, steal, out;

    only_ours();
    wb = kstat_read(STAT_WB);

    for (unsigned i = 0; i < RUNS; i++) {
        mm[i] = mm_create();
        at[i] = map(mm[i], VM_READ | VM_EXEC, MAP_PRIVATE, &rp->obj, 0, TEXT);
        for (unsigned k = 0; k < TEXT; k++)
            CHECK(get(mm[i], at[i] + k * P) == ram_word(k, 0));
    }
    CHECK(maps_of(&rp->obj, 0) == RUNS);
    gone = all_of(mm, RUNS, MM_RMAPUN);
    maj = all_of(mm, RUNS, MM_MAJ);
    rp->ins = rp->runs = 0;
    steal = kstat_read(STAT_DROPPED);
    out = kstat_read(STAT_SWPOUT);
    (void)reclaim_all();
    CHECK(all_of(mm, RUNS, MM_RMAPUN) - gone == RUNS * TEXT);
    CHECK(kstat_read(STAT_DROPPED) - steal == TEXT);
    CHECK(rp->obj.npages == 0 && kstat_read(STAT_WB) == wb);
    CHECK(kstat_read(STAT_SWPOUT) == out && swap_slots_used() == 0);
    for (unsigned i = 0; i < RUNS; i++) {
        CHECK(mm[i]->rss == 0);
        for (unsigned k = 0; k < TEXT; k++)
            CHECK(get(mm[i], at[i] + k * P) == ram_word(k, 0));
        mm_put_user(mm[i]);
    }
    /* Whoever comes first waits for each run; the others find it there. */
    CHECK(all_of(mm, RUNS, MM_MAJ) - maj == rp->runs && rp->runs >= 1);
    CHECK(rp->ins == TEXT);
    object_put(&rp->obj);
    swap_ram_off(r);
}

/* One page three times in one space: three records, three entries gone. */
KTEST(vm_row_68_three_entries_of_one_space_go)
{
    struct ram_pager *rp = ram_pager_runs(1);
    struct mm_struct *mm = mm_create();
    uintptr_t at[3];

    for (unsigned i = 0; i < 3; i++) {
        at[i] = map(mm, R, MAP_SHARED, &rp->obj, 0, 1);
        CHECK(get(mm, at[i]) == ram_word(0, 0));
    }
    CHECK(maps_of(&rp->obj, 0) == 3);
    mark(mm);
    (void)reclaim_all();
    CHECK(since(mm, MM_RMAPUN) == 3 && mm->rss == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(entry(mm, at[i]) == 0);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- where a page comes from again, while there is swap it could go to --- */

/* One page of a file, seen through a mapping with PROT and FLAGS. */
static struct ram_pager *one;
static struct mm_struct *one_mm;
static uintptr_t one_at;
static struct swap_ram *one_swap;

static void
map_one(uint32_t prot, uint32_t flags)
{
    one_swap = swap_ram_on(64);
    one = ram_pager_runs(1);
    one_mm = mm_create();
    one_at = map(one_mm, prot, flags, &one->obj, 0, 1);
}

/* It is dropped, and goes nowhere: OUTS pages were written to the file before. */
static void
goes_to_no_slot(unsigned outs)
{
    uint64_t steal, out;

    mark(one_mm);
    steal = kstat_read(STAT_DROPPED);
    out = kstat_read(STAT_SWPOUT);
    (void)reclaim_all();
    CHECK(one->obj.npages == 0 && entry(one_mm, one_at) == 0);
    CHECK(kstat_read(STAT_DROPPED) - steal == 1);
    CHECK(since(one_mm, MM_RMAPUN) == 1 && swap_slots_used() == 0);
    CHECK(kstat_read(STAT_SWPOUT) == out);
    CHECK(one->outs == outs);
}

/* ... and comes from the file. */
static void
comes_from_the_file(uint64_t word)
{
    unsigned ins = one->ins;

    mark(one_mm);
    CHECK(get(one_mm, one_at) == word);
    CHECK(since(one_mm, MM_MAJ) == 1 && since(one_mm, MM_SWPIN) == 0);
    CHECK(since(one_mm, MM_FLT) - since(one_mm, MM_RETRY) == 1);
    CHECK(one->ins - ins == 1);
}

static void
unmap_one(void)
{
    mm_put_user(one_mm);
    object_put(&one->obj);
    swap_ram_off(one_swap);
}

/* M5: a private mapping shows a clean page of the file; M9: shared text. */
KTEST(vm_row_M5_M9_clean_pages_are_read_again)
{
    static const uint32_t flags[] = {MAP_PRIVATE, MAP_SHARED};

    for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
        only_ours();
        map_one(i == 0 ? RW : VM_READ | VM_EXEC, flags[i]);
        CHECK(get(one_mm, one_at) == ram_word(0, 0));
        goes_to_no_slot(0);
        comes_from_the_file(ram_word(0, 0));
        unmap_one();
    }
}

/* A page that is ours and one that is the file's, side by side: each comes from where
 * it went. */
KTEST(vm_row_M5_M6_each_page_from_its_place)
{
    struct swap_ram *r = swap_ram_on(64);
    struct ram_pager *rp = ram_pager_runs(2);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE, &rp->obj, 0, 2);
    uint64_t out;
    unsigned ins;

    only_ours();
    CHECK(get(mm, at) == ram_word(0, 0) && put(mm, at + P, 7) == 0);
    mark(mm);
    ins = rp->ins;
    out = kstat_read(STAT_SWPOUT);
    (void)reclaim_all();
    CHECK(entry(mm, at) == 0 && entry(mm, at + P) == 0);
    CHECK(kstat_read(STAT_SWPOUT) - out == 1 && swap_slots_used() == 1);
    CHECK(get(mm, at + P) == 7 && since(mm, MM_SWPIN) == 1);
    CHECK(rp->ins == ins && since(mm, MM_MAJ) == 1);
    CHECK(get(mm, at) == ram_word(0, 0) && since(mm, MM_SWPIN) == 1);
    CHECK(rp->ins > ins && since(mm, MM_MAJ) == 2);
    mm_put_user(mm);
    object_put(&rp->obj);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

/* M11: flushed, it is write-protected; evicted, it comes from the file.  What was not
 * written to is not written. */
KTEST(vm_row_M11_flushed_and_evicted)
{
    for (unsigned dirty = 0; dirty < 2; dirty++) {
        uint64_t wb, word = dirty ? 5 : ram_word(0, 0);

        only_ours();
        map_one(RW, MAP_SHARED);
        CHECK(get(one_mm, one_at) == ram_word(0, 0));
        if (dirty)
            CHECK(put(one_mm, one_at, word) == 0);
        wb = kstat_read(STAT_WB);
        CHECK(object_sync(&one->obj, 0, UINT64_MAX, true) == 0);
        CHECK(kstat_read(STAT_WB) - wb == dirty);
        CHECK(entry(one_mm, one_at) != 0 && !(entry(one_mm, one_at) & PTE_W));
        goes_to_no_slot(dirty);
        CHECK(kstat_read(STAT_WB) - wb == dirty);
        comes_from_the_file(word);
        unmap_one();
    }
}

/* --- all harts fault, one thread reclaims, and the object is cut --- */

#define PAGES 24ul

static struct ram_pager *torn;
static struct mm_struct *torn_mm;
static uintptr_t torn_at;
static unsigned at_work; /* [a] */

static void
tear(unsigned me)
{
    if (me == 0) {
        while (atomic_load(&at_work) > 0)
            (void)reclaim(8);
        return;
    }
    for (uint64_t n = 1; n <= 200; n++) {
        for (uint64_t i = 0; i < PAGES; i++)
            CHECK(put(torn_mm, torn_at + i * P + me * 8, n) == 0);
        for (uint64_t i = 0; i < PAGES; i++)
            CHECK(get(torn_mm, torn_at + i * P + me * 8) == n);
        if (me == 1) { /* behind what the others write */
            CHECK(object_truncate(&torn->obj, (PAGES + 8) * P) == 0);
            for (uint64_t i = PAGES; i < PAGES + 8; i++)
                (void)put(torn_mm, torn_at + i * P, n);
            CHECK(object_truncate(&torn->obj, PAGES * P) == 0);
        }
    }
    atomic_add(&at_work, -1u);
}

KTEST(vm_row_65_no_store_is_lost_while_pages_go)
{
    torn = ram_pager_runs(PAGES + 8);
    torn->later = true;
    torn_mm = mm_create();
    torn_at = map(torn_mm, RW, MAP_SHARED, &torn->obj, 0, PAGES + 8);
    CHECK(object_truncate(&torn->obj, PAGES * P) == 0);
    at_work = 3;
    ktest_parallel(4, false, tear);
    mm_put_user(torn_mm);
    object_put(&torn->obj);
}

/* --- private pages --- */

KTEST(vm_row_64_private_pages_of_the_machine_go)
{
    struct swap_ram *r = swap_ram_on(512);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 256);
    unsigned before = 0, there = 0;

    for (uint64_t i = 0; i < 256; i++)
        CHECK(put(mm, at + i * P, 3 * i) == 0);
    CHECK(swap_out_global(64) == 64); /* the first turn took all A away */
    CHECK(swap_slots_used() == 64 && mm->rss == 192);
    for (uint64_t i = 0; i < 256; i += 4) { /* these are used, and stay */
        if (entry(mm, at + i * P) == 0)
            continue;
        before++;
        CHECK(touch(mm, at + i * P, LOAD) == (ad_by_software ? 1 : 0));
    }
    CHECK(swap_out_global(64) == 64);
    for (uint64_t i = 0; i < 256; i += 4)
        there += entry(mm, at + i * P) != 0;
    CHECK(before >= 16 && there == before);
    for (uint64_t i = 0; i < 256; i++)
        CHECK(get(mm, at + i * P) == 3 * i);
    mm_put_user(mm);
    CHECK(swap_global.nr == 0 && swap_slots_used() == 0);
    swap_ram_off(r);
}

/* A page that is locked, pinned, shared by a quota or being read stays. */
KTEST(vm_row_71_what_the_machine_may_not_take)
{
    struct swap_ram *r = swap_ram_on(512);
    struct mm_struct *mm = mm_create(), *own = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 8);
    uintptr_t its = map(own, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 8);
    struct page *held;

    gate_close(&own->gate);
    CHECK(swap_quota(own, its, its + 8 * P, 8, swap_global.sm) == 0);
    gate_open(&own->gate);
    for (uint64_t i = 0; i < 8; i++) {
        CHECK(put(mm, at + i * P, i) == 0);
        CHECK(put(own, its + i * P, i) == 0);
    }
    CHECK(do_mlock(mm, at, 2 * P, 0) == 0);
    held = pa_to_page(pte_pa(entry(mm, at + 2 * P)));
    page_get(held);
    CHECK(swap_out_global(100) == 5);
    CHECK(mm->rss == 3 && own->rss == 8);
    page_put(held);
    CHECK(do_munlock(mm, at, 2 * P) == 0);
    CHECK(swap_out_global(100) == 3);
    for (uint64_t i = 0; i < 8; i++)
        CHECK(get(mm, at + i * P) == i);
    mm_put_user(mm);
    mm_put_user(own);
    swap_ram_off(r);
}
