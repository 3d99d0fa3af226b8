/* bench_vm.c: what faults and the calls on a space cost, from kernel mode, and
 * that it does not grow with the number of areas.
 *
 * Growth is measured at a random area, not the last one, in spaces of 10 to
 * 100,000 areas that cannot be joined: every other one is read-only. */
#include "vm_tools.h"
#include <printfmt.h>

#define N 200

static inline uint64_t
instret_now(void)
{
    return csr_read(instret);
}

static uint64_t began;

static void
start(void)
{
    began = instret_now();
}

static void
stop(const char *name, uint64_t ops)
{
    kbench_report(name, instret_now() - began, ops);
}

static void
touch(struct mm_struct *mm, uintptr_t at, unsigned pages, unsigned code)
{
    for (unsigned i = 0; i < pages; i++)
        CHECK((do_pgfault(mm, code | FAULT_USER, at + i * PG) &
               VM_FAULT_ERROR) == 0);
}

KBENCH(vm_anonymous)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0x10000000, 3 * N, RW, 0);

    start();
    touch(mm, at, N, FAULT_WRITE);
    stop("fault_anon_write", N);
    start();
    touch(mm, at + N * PG, N, FAULT_READ);
    stop("fault_zero_read", N);
    start();
    touch(mm, at + N * PG, N, FAULT_WRITE);
    stop("fault_zero_then_write", N);
    start();
    touch(mm, at, N, FAULT_WRITE);
    stop("fault_spurious", N);
    start();
    CHECK(do_munmap(mm, at, 3 * N * PG) == 0);
    stop("munmap_per_page", 2 * N);
    mm_put_user(mm);
}

KBENCH(vm_copy_on_write)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0x10000000, N, RW, 0);

    touch(mm, at, N, FAULT_WRITE);
    child = mm_copy(mm);
    start();
    touch(child, at, N, FAULT_WRITE);
    stop("fault_cow_copy", N);
    mm_put_user(child);
    start();
    touch(mm, at, N, FAULT_WRITE);
    stop("fault_cow_reuse", N);
    mm_put_user(mm);
}

KBENCH(vm_calls)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0x10000000, 1, RW, 0), one;

    touch(mm, at, 1, FAULT_WRITE);
    one = at + 64 * PG;
    start();
    for (unsigned i = 0; i < N; i++) {
        map_pages(mm, one, 1, RW, MAP_FIXED);
        CHECK(do_munmap(mm, one, PG) == 0);
    }
    stop("mmap_munmap", N);
    start();
    for (unsigned i = 0; i < N; i++) {
        map_pages(mm, one, 1, RW, MAP_FIXED);
        touch(mm, one, 1, FAULT_WRITE);
        CHECK(do_munmap(mm, one, PG) == 0);
    }
    stop("mmap_touch_munmap", N);
    start();
    for (unsigned i = 0; i < N; i++)
        CHECK(do_mprotect(mm, at, PG, i % 2 ? RW : VM_READ) == 0);
    stop("mprotect_1_page", N);
    start();
    for (unsigned i = 0; i < N; i++)
        map_pages(mm, 0x20000000 + i * 8 * PG, 1, i % 2 ? RW : VM_READ | RW,
                  MAP_FIXED);
    stop("mmap", N);
    start();
    for (unsigned i = 0; i < N; i++)
        touch(mm, 0x20000000 + i * 8 * PG, 1, FAULT_WRITE);
    stop("fault_first_of_area", N);
    mm_put_user(mm);
}

/* A copy of PAGES written pages and its end, per copy. */
static uint64_t
copy_and_exit(unsigned pages, bool exit_too)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0x10000000, 4096, RW, 0);
    uint64_t sum = 0;

    for (unsigned i = 0; i < 10; i++) {
        touch(mm, at, pages, FAULT_WRITE); /* W in every entry */
        start();
        child = mm_copy(mm);
        if (!exit_too)
            sum += instret_now() - began;
        mm_put_user(child);
        if (exit_too)
            sum += instret_now() - began;
    }
    mm_put_user(mm);
    return sum;
}

KBENCH(vm_fork)
{
    uint64_t few = copy_and_exit(100, false), many = copy_and_exit(2100, false);

    kbench_report("mm_copy_100_pages", few, 10);
    kbench_report("mm_copy_per_page", many - few, 10 * 2000);
    kbench_report("mm_copy_exit_100", copy_and_exit(100, true), 10);
}

/* --- growth --- */

#define AREA(i) (0x10000000ul + (uintptr_t)(i)*4 * PG)

static struct mm_struct *
many_areas(unsigned n)
{
    struct mm_struct *mm = mm_create();

    map_count_max = 200000;
    for (unsigned i = 0; i < n; i++)
        map_pages(mm, AREA(i), 3, i % 2 ? VM_READ : RW, MAP_FIXED);
    CHECK(mm->map_count == (int)n);
    return mm;
}

static void
report(const char *what, unsigned areas, uint64_t sum, uint64_t ops)
{
    char name[48];

    snprintf(name, sizeof(name), "%s_%u", what, areas);
    kbench_report(name, sum, ops);
}

static unsigned
any_area(uint64_t *seed, unsigned n)
{
    /* A writable one. */
    return (unsigned)((ktest_random(seed) >> 20) % (n / 2)) * 2;
}

static void
measure_space(struct mm_struct *mm, unsigned n)
{
    uint64_t seed = 1, sum[5] = {0}, t;
    const unsigned ops = 200;
    struct vma_struct *v;

    for (unsigned k = 0; k < ops; k++) {
        uintptr_t at = AREA(any_area(&seed, n));

        t = instret_now();
        gate_enter(&mm->gate); /* nobody may look without */
        v = find_vma(mm, at);
        gate_leave(&mm->gate);
        sum[0] += instret_now() - t;
        CHECK(v != NULL && v->vm_start == at);
        touch(mm, at, 1, FAULT_WRITE); /* tables, layer, nodes */
        t = instret_now();
        touch(mm, at + PG, 1, FAULT_WRITE);
        sum[1] += instret_now() - t;
        t = instret_now();
        CHECK(do_mprotect(mm, at, 3 * PG, RW | VM_EXEC) == 0);
        sum[2] += instret_now() - t;
        CHECK(do_mprotect(mm, at, 3 * PG, RW) == 0);
        t = instret_now();
        CHECK(do_munmap(mm, at, 3 * PG) == 0);
        sum[3] += instret_now() - t;
        t = instret_now();
        map_pages(mm, at, 3, RW, MAP_FIXED);
        sum[4] += instret_now() - t;
    }
    report("find_vma", n, sum[0], ops);
    report("fault", n, sum[1], ops);
    report("mprotect", n, sum[2], ops);
    report("munmap", n, sum[3], ops);
    report("mmap", n, sum[4], ops);
}

KBENCH(vm_growth)
{
    for (unsigned n = 10; n <= 100000; n *= 10) {
        struct mm_struct *mm = many_areas(n);

        measure_space(mm, n);
        mm_put_user(mm);
    }
}

/* The same when all areas share one layer, of always as many pages: 2 * N areas,
 * every other one a single read-only page.  Whether two may be joined depends on
 * what the others show. */
#define LAYER_PAGES 15000
#define LAYER_BASE  0x10000000ul

static struct mm_struct *
one_layer(unsigned n)
{
    struct mm_struct *mm = mm_create();

    map_pages(mm, LAYER_BASE, LAYER_PAGES, RW, MAP_FIXED);
    touch(mm, LAYER_BASE, LAYER_PAGES, FAULT_WRITE);
    for (unsigned i = 0; i < n; i++)
        CHECK(do_mprotect(mm, LAYER_BASE + i * (LAYER_PAGES / n) * PG, PG,
                          VM_READ) == 0);
    return mm;
}

/* The last page of a writable area goes, and another one comes; not twice in one
 * area, since then it is not the area's any more.  The page that went is used
 * elsewhere: the caches of free ones are no fuller after 100 times than after 5. */
static void
measure_layer(unsigned n, unsigned spaces, unsigned times)
{
    uint64_t map = 0, unmap = 0, seed = 1, t;
    unsigned stride = LAYER_PAGES / n;
    struct mm_struct *other = mm_create();

    map_pages(other, LAYER_BASE, spaces * times, RW, MAP_FIXED);
    for (unsigned s = 0; s < spaces; s++) {
        struct mm_struct *mm = one_layer(n);

        for (unsigned k = 0; k < times; k++) {
            unsigned i = k * (n / times) +
                         (unsigned)(ktest_random(&seed) >> 20) % (n / times);
            uintptr_t at = LAYER_BASE + ((i + 1) * stride - 1) * PG;

            t = instret_now();
            CHECK(do_munmap(mm, at, PG) == 0);
            unmap += instret_now() - t;
            touch(other, LAYER_BASE + (s * times + k) * PG, 1, FAULT_WRITE);
            t = instret_now();
            map_pages(mm, at, 1, RW, MAP_FIXED);
            map += instret_now() - t;
        }
        mm_put_user(mm);
    }
    mm_put_user(other);
    report("mmap_one_layer", n, map, spaces * times);
    report("munmap_one_layer", n, unmap, spaces * times);
}

KBENCH(vm_growth_one_layer)
{
    measure_layer(10, 20, 5);
    measure_layer(5000, 1, 100);
}
