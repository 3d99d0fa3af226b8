/* test_cache.c: the page cache with a disk that works in runs and ends its work
 * in interrupts. */
#include "pager_test.h"

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
