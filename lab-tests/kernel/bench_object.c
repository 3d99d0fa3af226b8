/* bench_object.c: what a fault on a page in memory costs, in small and in wide
 * objects (row 73: it does not depend on the size), and what taking one away
 * from all who map it costs. */
#include "arch/riscv/csr.h"
#include "ext/mm/pagers.h"
#include "mm/rmap.h"
#include "pager_test.h"

#define FAULTS 10u

static uint64_t
instret_now(void)
{
    return csr_read(instret);
}

/* Ten faults on pages that are N / 10 apart. */
static void
warm_faults(const char *name, size_t n)
{
    struct ram_pager *rp = ram_pager_create(n, false);
    struct mm_struct *mm = mm_create();
    uintptr_t warm = map(mm, R, MAP_SHARED, &rp->obj, 0, n), at;
    uint64_t start, took = 0;

    fault_around_pages = 1;
    for (size_t i = 0; i<n; i += n / 10> 32 ? 16 : 1)
        (void)get(mm, warm + i * P);
    at = map(mm, R, MAP_SHARED, &rp->obj, 0, n);
    for (unsigned round = 0; round < 2; round++) { /* the first makes tables */
        CHECK(do_mprotect(mm, at, n * P, 0) == 0);
        CHECK(do_mprotect(mm, at, n * P, R) == 0);
        start = instret_now();
        for (size_t i = 0; i < n; i += n / FAULTS / 16 * 16 + (n < 160))
            (void)do_pgfault(mm, FR, at + i * P);
        took = instret_now() - start;
    }
    kbench_report(name, took, FAULTS);
    fault_around_pages = 16;
    mm_put_user(mm);
    object_put(&rp->obj);
}

KBENCH(object_faults)
{
    warm_faults("object_fault_of_10", 10);
    warm_faults("object_fault_of_100000", 100000 / 160 * 160);
}

KBENCH(fault_around)
{
    struct ram_pager *rp = pager(16, 16, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at = (uintptr_t)do_mmap(mm, 16ul << 20, 16 * P, R,
                                      MAP_SHARED | MAP_FIXED, &rp->obj, 0);
    uint64_t start;

    (void)get(mm, at); /* makes the tables */
    CHECK(do_mprotect(mm, at, 16 * P, 0) == 0);
    CHECK(do_mprotect(mm, at, 16 * P, R) == 0);
    start = instret_now();
    (void)do_pgfault(mm, FR, at);
    kbench_report("fault_around_page", instret_now() - start, 16);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KBENCH(page_unmap)
{
    static struct mm_struct *mm[70];
    struct ram_pager *rp = pager(1, 1, false);
    uintptr_t at;
    struct page *page;
    uint64_t start;

    mm[0] = mm_create();
    at = map(mm[0], RW, MAP_SHARED, &rp->obj, 0, 1);
    for (unsigned i = 1; i < ARRAY_LEN(mm); i++)
        mm[i] = mm_copy(mm[0]);
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++)
        CHECK(put(mm[i], at, i) == 0);
    page = object_find(&rp->obj, 0);
    page_lock(page);
    start = instret_now();
    page_unmap(page);
    kbench_report("page_unmap_per_map", instret_now() - start, ARRAY_LEN(mm));
    page_unlock(page);
    page_put(page);
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++)
        mm_put_user(mm[i]);
    object_put(&rp->obj);
}
