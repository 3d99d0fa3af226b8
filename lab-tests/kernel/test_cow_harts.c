/* test_cow_harts.c: row 101: what a copy on write costs on four harts.
 *
 * Boot argument steps=N: each hart copies N pages of its own, and the cost is
 * asserted.  That needs the counting clock (the row "cow-4"), which counts the
 * instructions of all harts together: so the sum, from the first to the last,
 * without the turns waited for spinlocks. */
#include "arch/riscv/csr.h"
#include "debug/kstat.h"
#include "mm/fault.h"
#include "race.h"

#define HARTS 4

static struct mm_struct *child;
static unsigned pages; /* per hart */
static struct {
    uint64_t from, to;
} CACHE_ALIGNED took[HARTS];

static void
copy_pages(unsigned i)
{
    uintptr_t at = RACE_AT + (uintptr_t)i * pages * PAGE_SIZE;

    took[i].from = csr_read(instret);
    for (unsigned n = 0; n < pages; n++)
        CHECK(do_pgfault(child, FAULT_WRITE | FAULT_USER, at + n * PAGE_SIZE) ==
              (VM_FAULT_NOPAGE | VM_FAULT_DONE_COW));
    took[i].to = csr_read(instret);
}

/* Instructions for each of N * PAGES copies. */
static uint64_t
cost(struct mm_struct *parent, unsigned n)
{
    uint64_t from = UINT64_MAX, to = 0, spins = kstat_read(STAT_LOCK_SPINS);

    child = mm_copy(parent);
    CHECK(child != NULL);
    ktest_parallel(n, true, copy_pages);
    for (unsigned i = 0; i < n; i++) {
        from = MIN(from, took[i].from);
        to = MAX(to, took[i].to);
    }
    spins = kstat_read(STAT_LOCK_SPINS) - spins;
    CHECK(child->stat[MM_COW] == n * pages && child->stat[MM_MIN] == n * pages);
    mm_put_user(child);
    cprintf("%u harts: %lu instructions per copy, and %lu turns waited\n", n,
            (to - from) / (n * pages), spins);
    return (to - from) / (n * pages);
}

KTEST(vm_row_101_copies_on_four_harts)
{
    struct mm_struct *parent;
    uint64_t one, four;

    if (ncpu < HARTS) {
        ktest_skip("four harts are needed");
        return;
    }
    pages = ktest_steps != 0 ? (unsigned)MIN(ktest_steps, 2000ul) : 100;
    parent = race_space(HARTS * pages);
    for (unsigned i = 0; i < HARTS * pages; i++)
        race_put(parent, RACE_AT + i * PAGE_SIZE, i);
    (void)cost(parent, HARTS); /* fills the caches of frames and nodes */
    one = cost(parent, 1);
    four = cost(parent, HARTS);
    CHECK(ktest_steps == 0 || four * 100 <= one * 115);
    mm_put_user(parent);
}
