/* test_cow_harts.c: row 101: what a copy on write costs on four harts; and a new
 * page.
 *
 * Boot argument steps=N: each hart writes to N pages of its own, and the cost is
 * asserted.  That needs the counting clock (the row "cow-4"), which counts the
 * instructions of all harts together: so the sum, from the first to the last.
 *
 * The turns waited for spinlocks count apart.  The emulator lets one hart run
 * for up to 10 million instructions; where it leaves a hart that holds a lock,
 * the others wait for as long.  So there are several tries, and the first one in
 * which nobody waited is the cost. */
#include "arch/riscv/csr.h"
#include "debug/kstat.h"
#include "mm/fault.h"
#include "race.h"

#define HARTS 4
#define TRIES 16

static struct mm_struct *space;
static unsigned pages, expected; /* per hart; what do_pgfault() says */
static struct {
    uint64_t from, to;
} CACHE_ALIGNED took[HARTS];

static void
write_pages(unsigned i)
{
    uintptr_t at = RACE_AT + (uintptr_t)i * pages * PAGE_SIZE;

    took[i].from = csr_read(instret);
    for (unsigned n = 0; n < pages; n++)
        CHECK(do_pgfault(space, FAULT_WRITE | FAULT_USER, at + n * PAGE_SIZE) ==
              expected);
    took[i].to = csr_read(instret);
}

/* Instructions for each of N * PAGES faults in MM, all of which count as WHAT,
 * and the turns waited meanwhile. */
static uint64_t
try(struct mm_struct *mm, unsigned n, enum mmstat_id what, uint64_t *spins)
{
    uint64_t from = UINT64_MAX, to = 0;

    CHECK(mm != NULL);
    space = mm;
    expected = VM_FAULT_NOPAGE | (what == MM_COW ? VM_FAULT_DONE_COW : 0);
    *spins = kstat_read(STAT_LOCK_SPINS);
    ktest_parallel(n, true, write_pages);
    *spins = kstat_read(STAT_LOCK_SPINS) - *spins;
    for (unsigned i = 0; i < n; i++) {
        from = MIN(from, took[i].from);
        to = MAX(to, took[i].to);
    }
    CHECK(mm->stat[what] == n * pages && mm->stat[MM_MIN] == n * pages);
    mm_put_user(mm);
    return (to - from) / (n * pages);
}

/* The cost without waiting, or the least of the tries; each in a copy of PARENT,
 * or in a new space if that is NULL. */
static uint64_t
cost(struct mm_struct *parent, unsigned n)
{
    uint64_t least = UINT64_MAX, spins = 1;

    for (unsigned i = 0; i < TRIES && spins != 0; i++) {
        uint64_t each =
            try(parent != NULL ? mm_copy(parent) : race_space(HARTS * pages), n,
                parent != NULL ? MM_COW : MM_ANON, &spins);

        cprintf("%u harts: %lu instructions per fault, and %lu turns waited\n",
                n, each, spins);
        least = spins == 0 ? each : MIN(least, each);
    }
    return least;
}

static bool
too_few_harts(void)
{
    if (ncpu < HARTS)
        ktest_skip("four harts are needed");
    pages = ktest_steps != 0 ? (unsigned)MIN(ktest_steps, 2000ul) : 100;
    return ncpu < HARTS;
}

KTEST(vm_row_101_copies_on_four_harts)
{
    struct mm_struct *parent;
    uint64_t one, four;

    if (too_few_harts())
        return;
    parent = race_space(HARTS * pages);
    for (unsigned i = 0; i < HARTS * pages; i++)
        race_put(parent, RACE_AT + i * PAGE_SIZE, i);
    (void)cost(parent, HARTS); /* fills the caches of frames */
    one = cost(parent, 1);
    four = cost(parent, HARTS);
    CHECK(ktest_steps == 0 || four * 100 <= one * 115);
    mm_put_user(parent);
}

KTEST(vm_row_101_new_pages_on_four_harts)
{
    uint64_t one, four;

    if (too_few_harts())
        return;
    (void)cost(NULL, HARTS);
    one = cost(NULL, 1);
    four = cost(NULL, HARTS);
    kbench_report("anon_wfault_1_hart", one, 1);
    kbench_report("anon_wfault_4_harts", four, 1);
    CHECK(ktest_steps == 0 || four * 100 <= one * 115);
}
