/* bench_kernel.c: instructions per operation of the kernel's own services, on
 * one hart under -icount, where they are the same every time. */
#include "debug/kstat.h"
#include "ktest.h"
#include "mm/kmalloc.h"
#include "sync/mutex.h"

#define OPS 10000

/* Retired instructions of this hart. */
static inline uint64_t
instret_now(void)
{
    return csr_read(instret);
}

KBENCH(page_alloc_free)
{
    uint64_t start;

    free_pages(alloc_pages(0), 0); /* warm */
    start = instret_now();
    for (unsigned i = 0; i < OPS; i++)
        free_pages(alloc_pages(0), 0);
    kbench_report("page_alloc_free", instret_now() - start, OPS);
}

KBENCH(kmalloc_free_64)
{
    uint64_t start;

    kfree(kmalloc(64));
    start = instret_now();
    for (unsigned i = 0; i < OPS; i++)
        kfree(kmalloc(64));
    kbench_report("kmalloc_free_64", instret_now() - start, OPS);
}

KBENCH(page_zero_copy)
{
    struct page *p = alloc_pages(0), *q = alloc_pages(0);
    uint64_t start = instret_now();

    for (unsigned i = 0; i < 100; i++)
        page_zero(page_to_va(p));
    kbench_report("page_zero", instret_now() - start, 100);
    start = instret_now();
    for (unsigned i = 0; i < 100; i++)
        page_copy(page_to_va(q), page_to_va(p));
    kbench_report("page_copy", instret_now() - start, 100);
    free_pages(p, 0);
    free_pages(q, 0);
}

KBENCH(spinlock)
{
    struct spinlock lock = SPINLOCK_INIT(RANK_BLOCK);
    uint64_t start = instret_now();

    for (unsigned i = 0; i < OPS; i++) {
        spin_lock(&lock);
        spin_unlock(&lock);
    }
    kbench_report("spin_lock_unlock", instret_now() - start, OPS);
}

KBENCH(mutex)
{
    static struct mutex m;
    uint64_t start;

    mutex_init(&m, RANK_TEST_SLEEPING);
    start = instret_now();
    for (unsigned i = 0; i < OPS; i++) {
        mutex_lock(&m);
        mutex_unlock(&m);
    }
    kbench_report("mutex_lock_unlock", instret_now() - start, OPS);
}

static void
yield_many(unsigned i)
{
    for (unsigned n = 0; n < OPS; n++)
        sched_yield();
}

KBENCH(yield)
{
    uint64_t start = instret_now(), switches = kstat_read(STAT_SWITCH);

    ktest_parallel(2, true, yield_many);
    kbench_report("thread_switch", instret_now() - start,
                  kstat_read(STAT_SWITCH) - switches);
}

static void
nothing(unsigned i)
{
}

KBENCH(kthread)
{
    uint64_t start;

    ktest_parallel(1, false, nothing);
    start = instret_now();
    for (unsigned i = 0; i < 200; i++)
        ktest_parallel(1, false, nothing);
    kbench_report("kthread_run_exit", instret_now() - start, 200);
}
