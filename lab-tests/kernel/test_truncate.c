/* test_truncate.c: an object gets another size while it is mapped. */
#include "mm/writeback.h"
#include "pager_test.h"

static void
truncate_to(struct ram_pager *rp, uint64_t size)
{
    CHECK(object_truncate(&rp->obj, size) == 0);
    CHECK(rp->obj.size == size);
}

KTEST(vm_row_52_cut_while_it_is_mapped)
{
    struct ram_pager *rp = ram_pager_runs(4);
    struct mm_struct *a = mm_create(), *b = mm_create();
    uintptr_t own = map(a, RW, MAP_PRIVATE, &rp->obj, 0, 4);
    uintptr_t at = map(b, RW, MAP_SHARED, &rp->obj, 1, 3);

    for (uint64_t i = 0; i < 4; i++)
        CHECK(put(a, own + i * P, 50 + i) == 0);
    for (uint64_t i = 0; i < 3; i++)
        CHECK(put(b, at + i * P, 60 + i) == 0);
    /* To half a page: private copies within stay, what is beyond is gone. */
    truncate_to(rp, P / 2);
    CHECK(rp->obj.npages == 1 && a->rss == 1 && b->rss == 0);
    CHECK(get(a, own) == 50);
    CHECK(do_pgfault(a, FR, own + P) == VM_FAULT_SIGBUS);
    CHECK(do_pgfault(a, FW, own + 3 * P) == VM_FAULT_SIGBUS);
    CHECK(do_pgfault(b, FR, at) == VM_FAULT_SIGBUS);
    /* It grows again: zeros behind the old end, from the cache and the disk. */
    rp->zero_from = 1; /* the file system gave the blocks back */
    truncate_to(rp, 4 * P);
    CHECK(get(a, own + P) == 0 && get(b, at) == 0);
    CHECK(get(b, at + 2 * P) == 0 && get(a, own) == 50);
    CHECK(object_sync(&rp->obj, 0, UINT64_MAX, true) == 0);
    CHECK(object_drop_clean(&rp->obj) > 0);
    CHECK(do_munmap(a, own, P) == 0);
    CHECK(do_mmap(a, own, P, R, MAP_PRIVATE | MAP_FIXED, &rp->obj, 0) > 0);
    CHECK(get(a, own) == ram_word(0, 0));
    CHECK(get(a, own + P / 2 - 8) == ram_word(0, 255));
    CHECK(get(a, own + P / 2) == 0 && get(a, own + P - 8) == 0);
    /* To nothing. */
    truncate_to(rp, 0);
    CHECK(rp->obj.npages == 0 && rp->obj.root == NULL && a->rss == 0);
    CHECK(do_pgfault(a, FR, own) == VM_FAULT_SIGBUS);
    mm_put_user(a);
    mm_put_user(b);
    object_put(&rp->obj);
}

KTEST(vm_row_51_a_store_behind_the_end_does_not_come_back)
{
    struct ram_pager *rp = ram_pager_runs(2);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 2);

    truncate_to(rp, 5000);
    CHECK(get(mm, at + 4992) == ram_word(1, (4992 - P) / 8));
    CHECK(get(mm, at + 5000) == 0 && get(mm, at + 8184) == 0);
    CHECK(put(mm, at + 5000, 7) == 0 && get(mm, at + 5000) == 7);
    truncate_to(rp, 2 * P);
    CHECK(get(mm, at + 5000) == 0);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_52_private_copies_of_relatives_go_too)
{
    struct ram_pager *rp = ram_pager_runs(16);
    struct mm_struct *mm[4] = {mm_create()};
    uintptr_t at = map(mm[0], RW, MAP_PRIVATE, &rp->obj, 0, 16);
    uint64_t anon = kstat_read(STAT_ANON);

    for (uint64_t i = 0; i < 16; i++)
        CHECK(put(mm[0], at + i * P, i) == 0);
    for (unsigned k = 1; k < 4; k++) {
        mm[k] = mm_copy(mm[k - 1]);
        CHECK(mm[k] != NULL && put(mm[k], at + k * P, 100 + k) == 0);
        CHECK(do_mprotect(mm[k], at + 2 * P + 3 * k * P, P, R) ==
              0); /* more areas */
    }
    truncate_to(rp, 2 * P);
    for (unsigned k = 0; k < 4; k++) {
        CHECK(get(mm[k], at) == 0 && mm[k]->rss <= 2);
        CHECK(get(mm[k], at + P) == (k == 0 ? 1 : 101));
        CHECK(do_pgfault(mm[k], FR, at + 2 * P) == VM_FAULT_SIGBUS);
        CHECK(do_pgfault(mm[k], FR, at + 15 * P) == VM_FAULT_SIGBUS);
    }
    CHECK(kstat_read(STAT_ANON) - anon == 3); /* 0, and 1 twice */
    for (unsigned k = 0; k < 4; k++)
        mm_put_user(mm[k]);
    object_put(&rp->obj);
}

/* What cannot be had comes before anything changes. */
KTEST(cache_truncate_fails_as_a_whole)
{
    struct ram_pager *rp = ram_pager_runs(4);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 4);

    CHECK(get(mm, at + 3 * P) == ram_word(3, 0));
    rp->bad_page = 1;
    CHECK(object_truncate(&rp->obj, P + 8) == -EIO);
    CHECK(rp->obj.size == 4 * P && get(mm, at + 3 * P) == ram_word(3, 0));
    rp->bad_page = RAM_NONE;
    rp->mk_error = -ENOSPC;
    CHECK(object_truncate(&rp->obj, P + 8) == -ENOSPC);
    CHECK(rp->obj.size == 4 * P && !is_dirty(&rp->obj, 1));
    rp->mk_error = 0;
    truncate_to(rp, P + 8);
    CHECK(do_pgfault(mm, FR, at + 3 * P) == VM_FAULT_SIGBUS);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- on all harts: cut and grow against readers, writers and writeback --- */

#define CUT 16ul

static struct ram_pager *cut;
static struct mm_struct *cut_mm;
static uintptr_t cut_shared, cut_own;
static unsigned cutting; /* [a] */

static void
cut_and_use(unsigned me)
{
    uint64_t x = 77 + me;

    for (unsigned n = 0; me == 0 && n < 150; n++) {
        CHECK(object_truncate(&cut->obj, n % 2 ? CUT * P : n % CUT * P + 100) ==
              0);
        if (n % 2 == 0)
            cut->zero_from = 0;
        if (n % 8 == 0)
            (void)object_drop_clean(&cut->obj);
    }
    if (me == 0)
        atomic_store(&cutting, 0);
    while (atomic_load(&cutting) != 0) {
        uint64_t i = ktest_random(&x) % CUT;

        if (me == 1)
            (void)object_sync(&cut->obj, 0, UINT64_MAX, true);
        (void)do_pgfault(cut_mm, x & 256 ? FR : FW, cut_own + i * P);
        (void)do_pgfault(cut_mm, x & 512 ? FR : FW, cut_shared + i * P);
    }
}

KTEST(vm_row_52_truncate_on_all_harts)
{
    cut = ram_pager_runs(CUT);
    cut_mm = mm_create();
    cut_shared = map(cut_mm, RW, MAP_SHARED, &cut->obj, 0, CUT);
    cut_own = map(cut_mm, RW, MAP_PRIVATE, &cut->obj, 0, CUT);
    cutting = 1;
    ktest_parallel(ncpu + 1, false, cut_and_use);
    CHECK(object_truncate(&cut->obj, P) == 0);
    CHECK(cut->obj.npages <= 1 && cut_mm->rss <= 2);
    for (uint64_t i = 1; i < CUT; i++) {
        CHECK(do_pgfault(cut_mm, FR, cut_own + i * P) == VM_FAULT_SIGBUS);
        CHECK(do_pgfault(cut_mm, FR, cut_shared + i * P) == VM_FAULT_SIGBUS);
    }
    mm_put_user(cut_mm);
    object_put(&cut->obj);
}
