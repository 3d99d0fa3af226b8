/* test_cache.c: the page cache with a disk that works in runs and ends its work
 * in interrupts. */
#include "ext/mm/mapcalls.h"
#include "mm/writeback.h"
#include "pager_test.h"
#include "schedule/timeout.h"

KTEST(cache_runs_end_in_an_interrupt)
{
    struct ram_pager *rp = ram_pager_runs(8);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 8);
    uint64_t word;

    mark(mm);
    CHECK(get(mm, at) == ram_word(0, 0) && rp->runs >= 1);
    CHECK(since(mm, MM_MAJ) == 1);
    CHECK(put(mm, at + 8, 77) == 0 && is_dirty(&rp->obj, 0));
    CHECK(ram_flush(rp, 0) == 0 && rp->outs == 1 && !is_dirty(&rp->obj, 0));
    CHECK(!(entry(mm, at) & PTE_W));
    CHECK(ram_evict(rp, 0) && get(mm, at + 8) == 77 && rp->outs == 1);
    /* The same through the kernel's own reads. */
    CHECK(ram_evict(rp, 0));
    CHECK(object_read(&rp->obj, 8, &word, 8) == 8 && word == 77);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(cache_errors_in_an_interrupt)
{
    struct ram_pager *rp = ram_pager_runs(4);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 4);
    uint32_t seen = rp->obj.err_seq, other = seen;
    uint64_t dirty = kstat_read(STAT_DIRTY), word;

    rp->bad_page = 3;
    CHECK(do_pgfault(mm, FR, at + 3 * P) & VM_FAULT_SIGBUS);
    CHECK(object_read(&rp->obj, 3 * P, &word, 8) == -EIO);
    rp->bad_page = RAM_NONE;
    CHECK(get(mm, at + 3 * P) == ram_word(3, 0));
    /* Memory that was short in the pager: the fault tries again. */
    CHECK(ram_evict(rp, 3));
    rp->fail_in = 1;
    rp->in_error = -ENOMEM;
    CHECK(get(mm, at + 3 * P) == ram_word(3, 0) && mm->stat[MM_OOM] == 1);
    /* What cannot be written stays dirty, and everybody is told once. */
    CHECK(put(mm, at + 3 * P, 5) == 0);
    rp->out_error = -ENOSPC;
    CHECK(ram_flush(rp, 3) == -ENOSPC && ram_flush(rp, 3) == -ENOSPC);
    CHECK(is_dirty(&rp->obj, 3) && kstat_read(STAT_DIRTY) - dirty == 1);
    CHECK(object_error_since(&rp->obj, &seen) == -ENOSPC);
    CHECK(object_error_since(&rp->obj, &seen) == 0);
    CHECK(object_error_since(&rp->obj, &other) == -ENOSPC);
    rp->out_error = 0;
    CHECK(ram_flush(rp, 3) == 0 && kstat_read(STAT_DIRTY) == dirty);
    CHECK(object_error_since(&rp->obj, &seen) == 0);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- row 55: read-ahead --- */

#define LONG 256ul

KTEST(vm_row_55_sequential_faults_read_ahead)
{
    struct ram_pager *rp = ram_pager_runs(LONG);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_PRIVATE, &rp->obj, 0, LONG);

    for (uint64_t i = 0; i < LONG; i++)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(mm->stat[MM_MAJ] <= 20 && rp->ins == LONG && rp->runs <= 20);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_55_sequential_reads_read_ahead)
{
    struct ram_pager *rp = ram_pager_runs(4096);
    struct readahead ra = {0};
    unsigned waited = 0;

    for (uint64_t i = 0; i < 4096; i++) {
        struct page *page = object_find(&rp->obj, i);
        char *data;

        waited += page == NULL;
        if (page != NULL)
            page_put(page);
        CHECK(object_page_ahead(&rp->obj, i, &ra, &page, &data) == 0);
        CHECK(*(uint64_t *)data == ram_word(i, 0));
        page_put(page);
    }
    /* 16 MiB: one miss, and windows of 64 pages but for the first few. */
    CHECK(waited == 1 && rp->ins == 4096 && rp->runs <= 4096 / 64 + 5);
    object_put(&rp->obj);
}

KTEST(vm_row_55_random_reads_nothing_in_vain)
{
    struct ram_pager *rp = ram_pager_runs(4096);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_PRIVATE, &rp->obj, 0, 4096);
    uint64_t x = 12345, used = 0;

    for (unsigned n = 0; n < 200; n++) {
        struct page *page;
        uint64_t i;

        x = x * 6364136223846793005ul + 1442695040888963407ul;
        i = (x >> 33) % 4096;
        page = object_find(&rp->obj, i);
        used += page == NULL;
        if (page != NULL)
            page_put(page);
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    }
    CHECK(rp->ins >= used && rp->ins <= used + RUN_PAGES);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* What is read in advance and cannot be had troubles nobody but who wants it;
 * and what lies beyond the end is not asked for. */
KTEST(vm_row_55_errors_ahead_and_the_end)
{
    struct ram_pager *rp = ram_pager_runs(10);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_PRIVATE, &rp->obj, 0, 10);

    rp->bad_page = 2;
    CHECK(get(mm, at) == ram_word(0, 0) && rp->ins == 4);
    CHECK(get(mm, at + P) == ram_word(1, 0));
    CHECK(do_pgfault(mm, FR, at + 2 * P) & VM_FAULT_SIGBUS);
    CHECK(get(mm, at + 3 * P) == ram_word(3, 0));
    rp->bad_page = RAM_NONE;
    for (uint64_t i = 0; i < 10; i++)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(rp->ins == 10 + 2 && rp->obj.npages == 10);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- writeback --- */

/* Store in page I, and what it makes of the disk. */
static void
dirty(struct mm_struct *mm, uintptr_t at, uint64_t i, uint64_t v)
{
    CHECK(put(mm, at + i * P, v) == 0);
}

KTEST(vm_row_49_runs_go_where_they_belong)
{
    struct ram_pager *rp = ram_pager_runs(5000);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 5000);
    uint64_t wb = kstat_read(STAT_WB);

    /* 100 in a row, one alone far away, two more at the end. */
    for (uint64_t i = 0; i < 100; i++)
        dirty(mm, at, 10 + i, i);
    dirty(mm, at, 4500, 77);
    dirty(mm, at, 4998, 78);
    dirty(mm, at, 4999, 79);
    CHECK(object_sync(&rp->obj, 0, UINT64_MAX, true) == 0);
    CHECK(rp->outs == 4 && kstat_read(STAT_WB) - wb == 103);
    for (uint64_t i = 0; i < 100; i++)
        CHECK(*(uint64_t *)rp->disk[10 + i] == i);
    CHECK(*(uint64_t *)rp->disk[4500] == 77);
    CHECK(*(uint64_t *)rp->disk[4999] == 79 && rp->disk[4997] == NULL);
    /* Nothing is left, and only what is asked for is written. */
    CHECK(object_next(&rp->obj, 0, true) == NULL);
    CHECK(object_sync(&rp->obj, 0, UINT64_MAX, true) == 0 && rp->outs == 4);
    for (uint64_t i = 0; i < 10; i++)
        dirty(mm, at, 20 + i, 5);
    CHECK(object_sync(&rp->obj, 22, 25, true) == 0);
    CHECK(rp->outs == 5 && kstat_read(STAT_WB) - wb == 107);
    CHECK(is_dirty(&rp->obj, 21) && !is_dirty(&rp->obj, 22));
    CHECK(!is_dirty(&rp->obj, 25) && is_dirty(&rp->obj, 26));
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_51_the_tail_is_not_written)
{
    struct ram_pager *rp = ram_pager_runs(2);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 3);

    atomic_store(&rp->obj.size, 5000ul);
    CHECK(put(mm, at + 5000, 0x77) == 0 && put(mm, at + 4992, 0x66) == 0);
    CHECK(do_msync(mm, at, at + 3 * P, true, false) == 0);
    CHECK(rp->obj.size == 5000);
    CHECK(((uint64_t *)rp->disk[1])[(4992 - P) / 8] == 0x66);
    CHECK(((uint64_t *)rp->disk[1])[(5000 - P) / 8] == 0);
    CHECK(ram_evict(rp, 1) && get(mm, at + 5000) == 0);
    CHECK(do_pgfault(mm, FR, at + 2 * P) == VM_FAULT_SIGBUS);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_57_one_msync_over_three_areas)
{
    struct ram_pager *rp[3];
    struct mm_struct *mm = mm_create();
    uintptr_t at = 16ul << 20;

    for (unsigned i = 0; i < 3; i++) {
        rp[i] = ram_pager_runs(4);
        CHECK(do_mmap(mm, at + i * 4 * P, 4 * P, RW, MAP_SHARED | MAP_FIXED,
                      &rp[i]->obj, 0) > 0);
        dirty(mm, at, i * 4 + i, 100 + i);
    }
    CHECK(do_msync(mm, at, at + 12 * P, true, false) == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(*(uint64_t *)rp[i]->disk[i] == 100 + i && rp[i]->outs == 1);
    /* Asynchronously: begun, not waited for. */
    dirty(mm, at, 1, 5);
    CHECK(do_msync(mm, at, at + P * 12, false, false) == 0);
    CHECK(rp[0]->outs == 2);
    CHECK(object_sync(&rp[0]->obj, 0, UINT64_MAX, true) == 0);
    CHECK(*(uint64_t *)rp[0]->disk[1] == 5 && rp[0]->outs == 2);
    /* A hole is told, what lies around it is written. */
    CHECK(do_munmap(mm, at + 4 * P, 4 * P) == 0);
    dirty(mm, at, 8, 6);
    CHECK(do_msync(mm, at, at + 12 * P, true, false) == -ENOMEM);
    CHECK(*(uint64_t *)rp[2]->disk[0] == 6);
    CHECK(do_msync(mm, at + 4 * P, at + 5 * P, true, false) == -ENOMEM);
    /* Locked, and an error. */
    CHECK(do_mlock(mm, at, P, 0) == 0);
    CHECK(do_msync(mm, at, at + P, true, true) == -EBUSY);
    rp[0]->out_error = -EIO;
    dirty(mm, at, 0, 9);
    CHECK(do_msync(mm, at, at + P, true, false) == -EIO);
    rp[0]->out_error = 0;
    CHECK(do_msync(mm, at, at + P, true, false) == 0);
    CHECK(*(uint64_t *)rp[0]->disk[0] == 9);
    mm_put_user(mm);
    for (unsigned i = 0; i < 3; i++)
        object_put(&rp[i]->obj);
}

KTEST(vm_row_67_the_flusher_writes_what_is_old)
{
    struct ram_pager *rp = ram_pager_runs(4);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 4);
    unsigned period = flush_period, age = flush_age;
    struct page *page;

    flush_everything();
    atomic_store(&flush_period, 5u);
    atomic_store(&flush_age, 10u);
    dirty(mm, at, 2, 42); /* wakes the flusher, who finds it too young */
    while (is_dirty(&rp->obj, 2))
        sleep_ms(5);
    page = object_find(&rp->obj, 2);
    page_wait_written(page);
    page_put(page);
    CHECK(*(uint64_t *)rp->disk[2] == 42 && rp->outs == 1);
    flush_period = period;
    flush_age = age;
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* Whoever makes far too many pages dirty, writes. */
KTEST(vm_row_67_writers_are_throttled)
{
    struct ram_pager *rp = ram_pager_runs(400);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 400);
    unsigned background = dirty_background, limit = dirty_limit;
    uint64_t most = 0, before;

    flush_everything();
    before = kstat_read(STAT_DIRTY);
    dirty_background = (unsigned)before + 20;
    dirty_limit = (unsigned)before + 40;
    for (uint64_t i = 0; i < 400; i++) {
        dirty(mm, at, i, i);
        most = MAX(most, kstat_read(STAT_DIRTY) - before);
    }
    CHECK(most <= 41);
    dirty_background = background;
    dirty_limit = limit;
    CHECK(object_sync(&rp->obj, 0, UINT64_MAX, true) == 0);
    for (uint64_t i = 0; i < 400; i++)
        CHECK(*(uint64_t *)rp->disk[i] == i);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- dropping --- */

KTEST(cache_drops_what_is_clean)
{
    struct ram_pager *rp = ram_pager_runs(200);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 200);
    uint64_t steal = kstat_read(STAT_DROPPED);
    struct page *held;

    for (uint64_t i = 0; i < 200; i++)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(put(mm, at + 50 * P, 3) == 0 && rp->obj.npages == 200);
    held = object_find(&rp->obj, 60); /* a reader is at it */
    CHECK(object_drop_clean(&rp->obj) == 198 && rp->obj.npages == 2);
    CHECK(kstat_read(STAT_DROPPED) - steal == 198);
    CHECK(entry(mm, at) == 0 && entry(mm, at + 50 * P) != 0);
    CHECK(((uint64_t *)page_to_va(held))[0] == ram_word(60, 0));
    page_put(held);
    CHECK(object_sync(&rp->obj, 0, UINT64_MAX, true) == 0);
    CHECK(object_drop_clean(&rp->obj) == 2 && rp->obj.root == NULL);
    CHECK(get(mm, at + 50 * P) == 3);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- lost dirty: all harts store while writeback runs --- */

#define COUNTED 16ul

static struct ram_pager *counted;
static struct mm_struct *counters;
static uintptr_t counters_at;
static unsigned storing; /* [a] */

/* Thread 0 writes and drops; the others count in words of their own. */
static void
count_up(unsigned me)
{
    if (me == 0) {
        while (atomic_load(&storing) > 0) {
            CHECK(object_sync(&counted->obj, 0, UINT64_MAX, true) == 0);
            (void)object_drop_clean(&counted->obj);
            sched_yield();
        }
        return;
    }
    for (uint64_t n = 1; n <= 300; n++)
        for (uint64_t i = 0; i < COUNTED; i++)
            CHECK(put(counters, counters_at + i * P + me * 8, n) == 0);
    atomic_add(&storing, -1u);
}

KTEST(cache_no_store_is_lost_while_writeback_runs)
{
    unsigned harts = MIN(ncpu, 8u);

    counted = ram_pager_runs(COUNTED);
    counters = mm_create();
    counters_at = map(counters, RW, MAP_SHARED, &counted->obj, 0, COUNTED);
    storing = harts;
    ktest_parallel(harts + 1, false, count_up);
    CHECK(object_sync(&counted->obj, 0, UINT64_MAX, true) == 0);
    for (uint64_t i = 0; i < COUNTED; i++)
        for (uint64_t h = 1; h <= harts; h++)
            CHECK(((uint64_t *)counted->disk[i])[h] == 300);
    mm_put_user(counters);
    object_put(&counted->obj);
}
