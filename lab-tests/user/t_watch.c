/* t_watch.c: what the kernel knows of the pages of a program and does to them: rows
 * 23, 34, 36, 84, 86, 93, 102 and 103 of the plan. */
#include "lib/utest.h"

#define N 10ul

static char *
numbered_pages(size_t n)
{
    char *p = pages(n, RW);

    for (size_t i = 0; i < n; i++)
        *(uint64_t *)(p + i * PAGE) = 1000 + i;
    return p;
}

static uint64_t
number_of(const char *p, size_t i)
{
    return *(const volatile uint64_t *)(p + i * PAGE);
}

static bool
has(const void *p, uint32_t flags)
{
    return (page_of(p).flags & flags) == flags;
}

/* --- 34 --- */

UTEST(vm_row_34_the_first_touch_sets_what_it_must)
{
    char *p = pages(N, RW);

    mark_counts();
    for (size_t i = 0; i < N; i++) {
        (void)number_of(p, i);
        CHECK(has(p + i * PAGE, PAGE_ACCESS));
        CHECK(!has(p + i * PAGE, PAGE_DIRTY));
        p[i * PAGE] = 1;
        CHECK(has(p + i * PAGE, PAGE_ACCESS | PAGE_DIRTY));
    }
    CHECK(since("flt") == 2 * N && since("zero") == N && since("anon") == N);
    CHECK(since("adfix") == 0 && since("spur") == 0);
}

/* A is taken away and comes back by a load, by a store and by an AMO; where the
 * hart cannot do it, that is one fault each. */
UTEST(vm_row_34_accessed_comes_back)
{
    char *p = numbered_pages(N);
    uint64_t fixes = 0;

    for (int how = 0; how < 3; how++) {
        CHECK(range_do(RANGE_SWEEP, p, N * PAGE) == (long)N);
        CHECK(range_do(RANGE_SWEEP, p, N * PAGE) == 0);
        mark_counts();
        for (size_t i = 0; i < N; i++) {
            uint64_t *w = (uint64_t *)(p + i * PAGE);

            CHECK(!has(w, PAGE_ACCESS));
            if (how == 0)
                (void)number_of(p, i);
            else if (how == 1)
                *(volatile uint64_t *)w = 1000 + i;
            else
                __atomic_add_fetch(w, 0, __ATOMIC_RELAXED);
            CHECK(has(w, PAGE_ACCESS | PAGE_DIRTY));
        }
        fixes = since("adfix");
        CHECK(fixes == 0 || fixes == N); /* the same for all */
        CHECK(since("flt") == fixes);
    }
    for (size_t i = 0; i < N; i++)
        CHECK(number_of(p, i) == 1000 + i);
}

static int
writes_old_pages(void *arg)
{
    char *p = arg;

    CHECK(range_do(RANGE_SWEEP, p, N * PAGE) >= 0);
    mark_counts();
    for (size_t i = 0; i < N; i++) {
        p[i * PAGE + 8] = 1;
        CHECK(has(p + i * PAGE, PAGE_ACCESS | PAGE_DIRTY | PAGE_WRITE));
    }
    CHECK(since("cow") == N && since("flt") - since("adfix") == N);
    return 0;
}

/* D is of the page: who reads it later finds it dirty. */
UTEST(vm_row_34_old_pages_are_copied_and_stay_dirty)
{
    char *p = numbered_pages(N);

    CHECK(run_child(writes_old_pages, p) == 0);
    for (size_t i = 0; i < N; i++)
        CHECK(has(p + i * PAGE, PAGE_DIRTY) && p[i * PAGE + 8] == 0);
    CHECK(mprotect(p, N * PAGE, PROT_NONE) == 0); /* no entry */
    CHECK(mprotect(p, N * PAGE, PROT_READ) == 0);
    for (size_t i = 0; i < N; i++)
        CHECK(number_of(p, i) == 1000 + i && has(p + i * PAGE, PAGE_DIRTY));
}

/* --- 36 --- */

static int
load(void *p)
{
    (void)*(volatile char *)p;
    return 0;
}

UTEST(vm_row_36_the_next_touch_is_counted)
{
    char *p = numbered_pages(20);

    CHECK(mprotect(p + 7 * PAGE, PAGE, PROT_NONE) == 0);
    mark_counts();
    CHECK(range_do(RANGE_HINT, p, 20 * PAGE) == 19);
    CHECK(range_do(RANGE_HINT, p + 1, PAGE) == -EINVAL);
    for (size_t i = 0, touched = 0; i < 20; i++) {
        CHECK(!has(p + i * PAGE, PAGE_PRESENT));
        if (i == 7)
            continue;
        CHECK(number_of(p, i) == 1000 + i);
        CHECK(since("hint") == ++touched);
        p[i * PAGE + 8] = 1; /* and no more */
        CHECK(since("hint") == touched);
    }
    CHECK(since("flt") - since("adfix") == 19);
    CHECK(since("anon") == 0 && since("cow") == 0);
    dies(load, p + 7 * PAGE, SIGSEGV, SEGV_ACCERR, p + 7 * PAGE);
    CHECK(mprotect(p + 7 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(number_of(p, 7) == 1007);
}

/* --- 84 --- */

/* 10^6 pages, of which every 128th is read. */
UTEST(vm_row_84_nobody_counts_the_zero_page)
{
    char *p = pages(1000000, PROT_READ);
    uint64_t n = 0;

    mark_counts();
    for (size_t i = 0; i < 1000000; i += 128, n++)
        CHECK(number_of(p, i) == 0);
    CHECK(since("zero") == n && since("flt") == n && since("rss") == 0);
    CHECK(has(p, PAGE_ZERO) && page_of(p).mapcount == 0);
    CHECK(page_of(p + 128 * PAGE).frame == page_of(p).frame);
    CHECK(munmap(p, 1000000 * PAGE) == 0);
    CHECK(since("pt_alloc") == since("pt_free"));
    p = pages(1, PROT_READ);
    CHECK(number_of(p, 0) == 0 && page_of(p).mapcount == 0);
}

/* --- 23, 86 --- */

static uint64_t *
map_device(size_t first, size_t n)
{
    long at = range_do(RANGE_DEVICE, (void *)(first * PAGE), n * PAGE);

    CHECK(at > 0);
    return (uint64_t *)at;
}

static int
store(void *p)
{
    *(volatile char *)p = 1;
    return 0;
}

static int
call(void *p)
{
    ((void (*)(void))p)();
    return 0;
}

UTEST(vm_row_23_a_device_is_no_memory)
{
    uint64_t *p = map_device(0, 2), all, cached;

    mark_counts();
    all = stat_all("anon_pages");
    cached = stat_all("cache_pages");
    p[0] = 1;
    CHECK(since("rss") == 0 && since("flt") == 1);
    CHECK(has(p, PAGE_DEVICE | PAGE_WRITE) && !has(p, PAGE_EXEC));
    CHECK(stat_all("anon_pages") == all && stat_all("cache_pages") == cached);
    set_knob("reclaim=1000000");
    CHECK(has(p, PAGE_DEVICE) && p[0] == 1 && since("flt") == 1);
    CHECK(mprotect(p, 2 * PAGE, RW | PROT_EXEC) == 0);
    p[1] = 2;
    CHECK(!has(p, PAGE_EXEC));
    dies(call, p, SIGSEGV, SEGV_ACCERR, p);
}

static int
sees_and_writes(void *arg)
{
    uint64_t *mine = arg, *again = map_device(1, 2);

    CHECK(mine[PAGE / 8] == 77 && again[0] == 77);
    again[1] = 78;
    mine[PAGE / 8] = 79;
    CHECK(again[0] == 79);
    dies(store, (char *)again + PAGE, SIGBUS, BUS_ADRERR, (char *)again + PAGE);
    return 0;
}

/* Two processes, and two places in each, see the same bytes; a fork shares. */
UTEST(vm_row_86_programs_share_a_device)
{
    uint64_t *p = map_device(0, 2);

    p[PAGE / 8] = 77;
    CHECK(run_child(sees_and_writes, p) == 0);
    CHECK(p[PAGE / 8] == 79 && p[PAGE / 8 + 1] == 78);
    CHECK(mprotect(p, 2 * PAGE, PROT_READ) == 0);
    dies(store, p, SIGSEGV, SEGV_ACCERR, p);
    CHECK(p[PAGE / 8] == 79);
}

/* --- 93 --- */

#define MOVED 64
static char *moved;
static volatile int stop, sums;

/* Adds them all up, again and again, and never comes to another sum. */
static int
adds_up(void *arg)
{
    uint64_t want = MOVED * 1000 + MOVED * (MOVED - 1) / 2, sum;
    uint64_t *mine = (uint64_t *)moved + 1;

    for (uint64_t round = 1; !stop; round++) {
        sum = 0;
        for (size_t i = 0; i < MOVED; i++) {
            sum += number_of(moved, i);
            CHECK(mine[i * PAGE / 8]++ == round - 1);
        }
        CHECK(sum == want);
        sums = 1;
    }
    return 0;
}

UTEST(vm_row_93_pages_move_while_they_are_summed)
{
    static struct uthread t;
    uint64_t frames[MOVED];
    long n = 0;

    moved = numbered_pages(MOVED);
    for (size_t i = 0; i < MOVED; i++)
        frames[i] = page_of(moved + i * PAGE).frame;
    mark_counts();
    CHECK(range_do(RANGE_MOVE, moved, MOVED * PAGE) == MOVED);
    CHECK(since("migr") == MOVED);
    for (size_t i = 0; i < MOVED; i++) {
        CHECK(number_of(moved, i) == 1000 + i);
        CHECK(page_of(moved + i * PAGE).frame != frames[i]);
    }
    CHECK(since("cow") == 0 && since("anon") == 0 && since("flt") == MOVED);
    thread_start(&t, adds_up, NULL);
    await_word(&sums, 1);
    for (int i = 0; i < 20; i++)
        n += range_do(RANGE_MOVE, moved, MOVED * PAGE);
    stop = 1;
    thread_join(&t);
    CHECK(n > 0 && since("migr") == MOVED + (uint64_t)n && since("cow") == 0);
}

/* --- 102 --- */

/* Kinds are the numbers of the counters in /proc/self/mmstat, from 0. */
static uint64_t
kind_of(const char *name)
{
    static char text[4096];
    int fd = open("/proc/self/mmstat", O_RDONLY);
    long n = read(fd, text, sizeof(text) - 1);
    uint64_t line = 0;
    size_t len = strlen(name);

    CHECK(n > 0 && close(fd) == 0);
    text[n] = 0;
    for (char *at = text; *at != 0; at = strchr(at, '\n') + 1, line++) {
        if (strncmp(at, name, len) == 0 && at[len] == ' ')
            return line;
    }
    utest_fail(__FILE__, __LINE__, name);
}

static void
is_logged(const void *p, const char *kind, uint64_t frame)
{
    struct utest_range r = {.op = RANGE_LOGGED, .addr = (uint64_t)p};

    CHECK(ask(UTEST_RANGE, &r) == 0 && r.result == (long)frame);
    CHECK(r.len == kind_of(kind));
}

static int
writes_first(void *arg)
{
    *(volatile char *)arg = 2;
    is_logged(arg, "cow", page_of(arg).frame);
    return 0;
}

UTEST(vm_row_102_each_fault_is_logged)
{
    char *p = pages(4, RW);

    range_do(RANGE_LOG, NULL, 0);
    p[2 * PAGE] = 1;
    CHECK(range_do(RANGE_LOGGED, p + 2 * PAGE, 0) == -ENOENT); /* off */
    range_do(RANGE_LOG, NULL, 1);
    (void)number_of(p, 1);
    is_logged(p + PAGE, "zero", page_of(p + PAGE).frame);
    p[PAGE] = 1;
    is_logged(p + PAGE, "anon", page_of(p + PAGE).frame);
    p[0] = 1;
    CHECK(run_child(writes_first, p) == 0);
    p[0] = 3;
    is_logged(p, "reuse", page_of(p).frame);
    CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
    dies(load, p + 3 * PAGE, SIGSEGV, SEGV_MAPERR, p + 3 * PAGE);
    is_logged(p + 3 * PAGE, "segv", 0);
    range_do(RANGE_LOG, NULL, 0);
}

/* --- 103 --- */

UTEST(vm_row_103_a_table_knows_how_many)
{
    char *p = mmap((void *)0x40000000, 8 * PAGE, RW,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    CHECK(p != MAP_FAILED && range_do(RANGE_ENTRIES, p, 0) == 0);
    mark_counts();
    for (size_t i = 0; i < 3; i++)
        p[i * PAGE] = 1;
    (void)number_of(p, 4);
    CHECK(range_do(RANGE_ENTRIES, p, 0) == 4);
    CHECK(munmap(p + PAGE, PAGE) == 0);
    CHECK(range_do(RANGE_ENTRIES, p, 0) == 3);
    CHECK(madvise(p + 2 * PAGE, 6 * PAGE, MADV_DONTNEED) == 0);
    CHECK(range_do(RANGE_ENTRIES, p, 0) == 1 && since("pt_free") == 0);
    CHECK(munmap(p, 8 * PAGE) == 0);
    CHECK(range_do(RANGE_ENTRIES, p, 0) == 0);
    CHECK(since("pt_free") == since("pt_alloc") && since("pt_free") > 0);
}
