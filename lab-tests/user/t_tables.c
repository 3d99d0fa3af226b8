/* t_tables.c: page tables and what harts remember of them: rows 11-14 and 18-20
 * of the plan; 15, which takes rounds, is in l_race.c. */
#include "lib/utest.h"

#define NR_mmap 222
#define ANON    (MAP_PRIVATE | MAP_ANONYMOUS)
#define GIB     (1ul << 30)

static char *
fixed(unsigned long at, size_t n)
{
    return mmap((void *)at, n * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
}

/* --- 11 --- */

#define FRESH 1000
static char *fresh;
static volatile int ready;

static int
add_to_each(void *arg)
{
    uintptr_t who = (uintptr_t)arg;

    __atomic_add_fetch(&ready, 1, __ATOMIC_ACQ_REL);
    await_word(&ready, 4);
    for (int i = 0; i < FRESH; i++) /* a store, and no load before it */
        ((volatile uint64_t *)(fresh + i * PAGE))[who] = i + 1u;
    return 0;
}

/* Four threads write the same fresh page at once, a thousand times. */
UTEST(vm_row_11_each_fresh_page_is_made_once)
{
    static struct uthread t[4];

    fresh = pages(FRESH, RW);
    ready = 0;
    for (int i = 0; i < 4; i++) {
        t[i].stack = pages(UTHREAD_STACK / PAGE, RW);
        memset(t[i].stack, 1, UTHREAD_STACK);
    }
    mark_counts();
    for (uintptr_t i = 0; i < 4; i++)
        thread_start(&t[i], add_to_each, (void *)i);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    CHECK(since("anon") == FRESH && since("cow") == 0 && since("zero") == 0);
    CHECK(since("flt") ==
          since("min") + since("spur") + since("adfix") + since("retry"));
    CHECK(since("flt") <= 4 * FRESH);
    for (int i = 0; i < FRESH; i++) {
        for (int k = 0; k < 4; k++)
            CHECK(((uint64_t *)(fresh + i * PAGE))[k] == i + 1u);
    }
}

/* --- 12 --- */

/* How many tables the store to a page at AT asks for; all go with the page. */
static uint64_t
tables_for(unsigned long at)
{
    char *p = fixed(at, 1);
    uint64_t n;

    CHECK(p == (char *)at);
    mark_counts();
    *p = 1;
    n = since("pt_alloc");
    CHECK(since("flt") == 1 && since("pt_free") == 0);
    CHECK(munmap(p, PAGE) == 0);
    CHECK(since("pt_free") == n);
    return n;
}

/* 1 GiB apart: a middle and a last table each.  What lies further away needs the
 * upper tables of the wider modes, too; where a mode has no such address, it has
 * no such table either. */
UTEST(vm_row_12_as_many_tables_as_levels)
{
    for (unsigned long i = 1; i <= 3; i++)
        CHECK(tables_for(i << 30) == 2);
    if (fixed(1ul << 40, 1) == MAP_FAILED)
        return; /* Sv39 */
    CHECK(munmap((void *)(1ul << 40), PAGE) == 0);
    CHECK(tables_for(1ul << 40) == 3);
    if (fixed(1ul << 50, 1) == MAP_FAILED)
        return; /* Sv48 */
    CHECK(munmap((void *)(1ul << 50), PAGE) == 0);
    CHECK(tables_for(1ul << 50) == 4);
}

/* --- 13 --- */

/* The n-th table that the store needs is not to be had, and then it is. */
UTEST(vm_row_13_a_table_fails_and_none_is_lost)
{
    char knob[32];

    for (unsigned n = 1; n <= 3; n++) {
        char *p = fixed(GIB, 1);
        uint64_t failed = stat_all("alloc_fail");

        CHECK(p != MAP_FAILED);
        snprintf(knob, sizeof(knob), "fail_alloc=pt,%u", n);
        mark_counts();
        set_knob(knob);
        *p = (char)n;
        set_knob("fail_alloc=pt,0");
        CHECK(*p == (char)n && since("segv") == 0);
        CHECK(since("oom") == (n <= 2)); /* it needs two */
        CHECK(stat_all("alloc_fail") - failed == (n <= 2));
        CHECK(since("flt") == 1 + since("oom") && since("anon") == 1);
        CHECK(munmap(p, PAGE) == 0);
        CHECK(since("pt_alloc") == since("pt_free"));
        CHECK(mmcheck() == 0);
    }
}

/* --- 14 --- */

static void
refused(unsigned long at, size_t n, int flags, int fd, unsigned long offset)
{
    CHECK(syscall(NR_mmap, at, n, (long)PROT_READ, (long)flags, (long)fd,
                  offset) == -1);
    CHECK(errno == EINVAL);
}

UTEST(vm_row_14_what_is_not_aligned_is_refused)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    char *p = pages(2, RW);

    CHECK(fd >= 0);
    refused(0, PAGE, MAP_PRIVATE, fd, 100);
    refused(0, PAGE, MAP_PRIVATE, fd, PAGE + 1);
    refused(0, PAGE, ANON, -1, 8);
    refused(GIB + 1, PAGE, ANON | MAP_FIXED, -1, 0);
    refused(0, 0, ANON, -1, 0);
    CHECK(munmap(p + 1, PAGE) == -1 && errno == EINVAL);
    CHECK(munmap(p, 0) == -1 && errno == EINVAL);
    CHECK(mprotect(p + 8, PAGE, RW) == -1 && errno == EINVAL);
    *p = 1;
}

static int
maps_and_unmaps(void *arg)
{
    uint64_t free_before = 0, tables = 0;

    for (unsigned i = 0; i <= 100000; i++) {
        char *p = pages(1 + i % 7, RW);

        if (i % 16 == 0)
            *p = 1;
        CHECK(munmap(p, (1 + i % 7) * PAGE) == 0);
        if (i == 0) { /* what is kept for the next time is there */
            tables = stat_of("pt_alloc") - stat_of("pt_free");
            free_before = stat_all("free_pages");
        }
    }
    CHECK(stat_of("pt_alloc") - stat_of("pt_free") == tables);
    CHECK(stat_all("free_pages") == free_before);
    return 0;
}

/* On one hart, so that no others are told each time. */
UTEST(vm_row_14_a_hundred_thousand_maps_lose_nothing)
{
    stay_on_hart(0);
    CHECK(run_child(maps_and_unmaps, NULL) == 0);
}

/* --- 18-20 --- */

static int
nothing(void *arg)
{
    return 0;
}

/* Threads that run on all harts but the first: they spin, so they stay there. */
static volatile int inside, leave;
static struct uthread spinner[8];

static int
spin_on_hart(void *arg)
{
    stay_on_hart((unsigned)(uintptr_t)arg);
    __atomic_add_fetch(&inside, 1, __ATOMIC_ACQ_REL);
    while (!leave)
        ;
    return 0;
}

static unsigned
occupy_harts(unsigned n)
{
    stay_on_hart(0);
    for (unsigned i = 1; i < n; i++)
        thread_start(&spinner[i], spin_on_hart, (void *)(uintptr_t)i);
    await_word(&inside, (int)n - 1);
    return n - 1;
}

static void
free_harts(unsigned n)
{
    leave = 1;
    for (unsigned i = 1; i < n; i++)
        thread_join(&spinner[i]);
}

/* The child has ended: what was frozen for it gets W back, here and only here,
 * whoever else runs us. */
UTEST(vm_row_18_rights_that_grow_are_told_to_nobody)
{
    unsigned n = harts() > 8 ? 8 : harts();
    char *p = pages(8, RW);

    occupy_harts(n);
    fill(p, 8 * PAGE, 1);
    CHECK(run_child(nothing, NULL) == 0);
    mark_counts();
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = 1;
    CHECK(since("reuse") == 8 && since("flt") == 8);
    CHECK(since("tlb_loc") == 8 && since("tlb_rem") == 0);
    free_harts(n);
}

/* 698 of 700 pages, and each hart is told once. */
UTEST(vm_row_19_a_large_unmap_is_one_message)
{
    unsigned n = harts() > 8 ? 8 : harts(), others = occupy_harts(n);
    char *p = fixed(GIB, 700);

    CHECK(p == (char *)GIB);
    for (int i = 0; i < 700; i++)
        p[i * PAGE] = (char)i;
    mark_counts();
    CHECK(munmap(p + PAGE, 698 * PAGE) == 0);
    CHECK(since("tlb_rem") == others && since("tlb_loc") == 1);
    CHECK(since("rss") == -698ul);
    CHECK(p[0] == 0 && p[699 * PAGE] == (char)699);
    free_harts(n);
}

static int
unmaps_alone(void *arg)
{
    char *p = pages(3, RW);

    fill(p, 3 * PAGE, 1);
    mark_counts();
    CHECK(munmap(p, PAGE) == 0 && mprotect(p + PAGE, PAGE, PROT_READ) == 0);
    CHECK(munmap(p + PAGE, 2 * PAGE) == 0);
    CHECK(since("tlb_rem") == 0 && since("tlb_loc") == 3);
    return 0;
}

/* A process that was never on another hart. */
UTEST(vm_row_20_who_is_alone_tells_nobody)
{
    stay_on_hart(0);
    CHECK(run_child(unmaps_alone, NULL) == 0);
}

UTEST(vm_row_20_who_runs_us_is_told)
{
    unsigned n = harts() > 4 ? 4 : harts(), others = occupy_harts(n);
    char *p = pages(1, RW);

    *p = 1;
    mark_counts();
    CHECK(munmap(p, PAGE) == 0);
    CHECK(since("tlb_rem") == others);
    free_harts(n);
}
