/* ktest.c: runs the table of tests and says how each ended, as event records
 * and on the console:
 *
 *     test NAME begin
 *     test NAME pass | test NAME fail FILE:LINE TEXT | test NAME skip WHY
 *     done PASSED FAILED
 *
 * Boot argument test=all runs all but die_*; test=PREFIX those whose names
 * begin so; bench runs the benchmarks. */
#include "ktest.h"

#include "debug/panic.h"
#include "driver/event.h"
#include "ext/mm/audit.h"
#include "ext/mm/knob.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "fs/inode.h"
#include "init/initcall.h"
#include "mm/failpoint.h"
#include "mm/kmap.h"
#include "mm/kstack.h"
#include "mm/pgtable.h"
#include "mm/space.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include <bootargs.h>
#include <string.h>

static const char *running; /* the test's name */
static bool failed, skipped;
static unsigned npassed, nfailed;
uint64_t ktest_seed = 1;
unsigned ktest_rounds = 64;

void
ktest_fail(const char *file, int line, const char *what)
{
    if (!failed) {
        event("test", "%s fail %s:%d %s", running, file, line, what);
        cprintf("FAIL %s %s:%d %s\n", running, file, line, what);
    }
    failed = true;
}

void
ktest_skip(const char *why)
{
    skipped = true;
    event("test", "%s skip %s", running, why);
    cprintf("skip %s %s\n", running, why);
}

uint64_t
ktest_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static struct gang {
    void (*entry)(unsigned i);
    bool pin;
    struct semaphore done;
} gang;

static void
gang_member(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;

    if (gang.pin)
        sched_set_affinity(1ul << i % ncpu);
    gang.entry(i);
    sem_up(&gang.done);
}

void
ktest_parallel(unsigned n, bool pin, void (*entry)(unsigned i))
{
    unsigned started = 0;

    gang.entry = entry;
    gang.pin = pin;
    sem_init(&gang.done, 0);
    for (unsigned i = 0; i < n; i++)
        started += kthread_run("gang", gang_member, (void *)(uintptr_t)i) == 0;
    CHECK(started == n);
    for (unsigned i = 0; i < started; i++)
        sem_down(&gang.done);
}

static void
leave_space(unsigned i)
{
    mm_lazy_drop();
}

/* Everything that can wait in a cache goes back, so that counts compare. */
size_t
ktest_settle(void)
{
    unsigned self = current_task() == NULL; /* the caller is one of them */

    for (unsigned tries = 0; kthread_count() > self && tries < 1000; tries++)
        sleep_ms(1);
    if (mm_lazy_any())
        ktest_parallel(ncpu, true, leave_space);
    for (unsigned tries = 0; kthread_count() > self && tries < 1000; tries++)
        sleep_ms(1);
    names_forget(NULL);
    icache_shrink(NULL, SIZE_MAX);
    kstack_drain();
    table_pages_drain();
    kmem_shrink();
    pmm_drain();
    /* Tables of the kernel and slabs of type-stable caches stay; objects are
     * counted apart. */
    return nr_free_pages() + kmap_tables + kmalloc_pages();
}

static void
run(const struct ktest *t)
{
    size_t free_before = ktest_settle(), objects = kmalloc_in_use(), free_after;

    running = t->name;
    failed = skipped = false;
    event("test", "%s begin", t->name);
    t->run();
    fail_set("any", 0);
    free_after = ktest_settle();
    if (kthread_count() != 1)
        ktest_fail(__FILE__, __LINE__, "threads left over");
    if (kmalloc_in_use() != objects)
        ktest_fail(__FILE__, __LINE__, "objects leaked");
    if (free_after != free_before) {
        cprintf("%lu pages before, %lu after\n", free_before, free_after);
        ktest_fail(__FILE__, __LINE__, "frames leaked");
    }
    if (mmcheck() != 0)
        ktest_fail(__FILE__, __LINE__, "mmcheck complains");
    if (mmstat_lost_faults(NULL) != 0)
        ktest_fail(__FILE__, __LINE__, "faults that ended in no way");
    if (pmm_check() != 0 || kmalloc_check() != 0)
        ktest_fail(__FILE__, __LINE__, "the allocators complain");
    if (failed) {
        nfailed++;
    } else if (!skipped) {
        npassed++;
        event("test", "%s pass", t->name);
        cprintf("ok %s\n", t->name);
    }
}

static bool
wanted(const struct ktest *t, const char *list)
{
    if (strcmp(list, "all") == 0)
        return strncmp(t->name, "die_", 4) != 0;
    return strncmp(t->name, list, strlen(list)) == 0;
}

static void
run_tests(const char *list)
{
    TABLE_FOR_EACH (ktest, struct ktest, t) {
        if (wanted(*t, list))
            run(*t);
    }
    if (npassed + nfailed == 0 && !skipped) {
        cprintf("no test is called %s\n", list);
        nfailed++;
    }
    event("done", "%u %u", npassed, nfailed);
    cprintf("ktest: %u passed, %u failed\n", npassed, nfailed);
    power_off(nfailed != 0);
}

void
kbench_report(const char *name, uint64_t instructions, uint64_t ops)
{
    event("bench", "%s %lu.%02lu", name, instructions / ops,
          instructions % ops * 100 / ops);
    cprintf("bench %-24s %6lu\n", name, instructions / ops);
}

uint64_t ktest_steps;

static void
ktest_main(const struct machine *m)
{
    char value[48];
    const char *end;

    fork_eager = 0; /* counts as the design states them */
    if (bootarg_get(m->bootargs, "seed", value, sizeof(value)))
        ktest_seed = strtoull_simple(value, &end) | 1;
    if (bootarg_get(m->bootargs, "rounds", value, sizeof(value)))
        ktest_rounds = (unsigned)strtoull_simple(value, &end);
    if (bootarg_get(m->bootargs, "bench", value, sizeof(value))) {
        TABLE_FOR_EACH (kbench, struct kbench, b)
            (*b)->run();
        event("done", "1 0");
        power_off(0);
    }
    if (bootarg_get(m->bootargs, "steps", value, sizeof(value)))
        ktest_steps = strtoull_simple(value, &end);
    if (bootarg_get(m->bootargs, "test", value, sizeof(value)))
        run_tests(value);
}

static const struct initcall ktest_call = {"ktest", INIT_TESTS, ktest_main};
TABLE_ADD(initcall, ktest_call);
