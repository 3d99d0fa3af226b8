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
