/* t_copies.c: what a fork shares and what a write then copies: rows 21, 22, 74-76,
 * 78-81 and 101 of the plan. */
#include "lib/utest.h"

#define BOTH (PAGE_PRESENT | PAGE_ANON)

/* Parent and child take turns by words in memory that both have. */
static volatile int *turn;

static void
tell(int value)
{
    __atomic_store_n(turn, value, __ATOMIC_RELEASE);
}

static void
make_turn(void)
{
    turn = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turn != MAP_FAILED);
    *turn = 0;
}

static void
number(char *p, size_t n, uint64_t first)
{
    for (size_t i = 0; i < n; i++)
        *(uint64_t *)(p + i * PAGE) = first + i;
}

static bool
numbered(const char *p, size_t n, uint64_t first)
{
    size_t i = 0;

    while (i < n && *(const uint64_t *)(p + i * PAGE) == first + i)
        i++;
    return i == n;
}

static void
ends_well(pid_t pid)
{
    int status;

    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* --- 21 --- */

/* Every allocation of a fork fails, one after another.  Some it can do without. */
UTEST(vm_row_21_fork_fails_until_it_succeeds)
{
    char *p = pages(100, RW), *q = pages(100, RW), knob[40];
    unsigned n = 0, refused = 0;
    uint64_t failed;
    pid_t pid;

    fill(p, 100 * PAGE, 3);
    CHECK(munmap(q + 10 * PAGE, 80 * PAGE) == 0);
    fill(q, 10 * PAGE, 4);
    do {
        snprintf(knob, sizeof(knob), "fail_alloc=any,%u", ++n);
        failed = stat_all("alloc_fail");
        set_knob(knob);
        pid = fork();
        if (pid == 0)
            _exit(0);
        set_knob("fail_alloc=any,0");
        if (pid < 0) {
            CHECK(errno == ENOMEM);
            CHECK(filled(p, 100 * PAGE, 3) && filled(q, 10 * PAGE, 4));
            CHECK(mmcheck() == 0);
            p[0] ^= 1; /* what was frozen can be written */
            p[0] ^= 1;
            refused++;
        } else {
            CHECK(waitpid(pid, NULL, 0) == pid);
        }
        CHECK(n < 1000);
    } while (stat_all("alloc_fail") != failed);
    CHECK(pid > 0 && refused > 10);
    CHECK(filled(p, 100 * PAGE, 3) && filled(q, 10 * PAGE, 4));
}

/* --- 22 --- */

static char *rw, *none, *ro, *zero, *gone;

static int
load(void *p)
{
    (void)*(volatile char *)p;
    return 0;
}

static int
has_it_all(void *arg)
{
    dies(load, none, SIGSEGV, SEGV_ACCERR, none);
    dies(load, gone, SIGSEGV, SEGV_MAPERR, gone);
    CHECK(mprotect(none, 4 * PAGE, RW) == 0);
    CHECK(numbered(rw, 4, 10) && numbered(none, 4, 20) && numbered(ro, 4, 30));
    CHECK(zero[0] == 0 && zero[3 * PAGE] == 0);
    number(none, 4, 50);
    return 0;
}

/* Whatever its entries look like just now: rights, none, the zero page. */
UTEST(vm_row_22_a_child_has_pages_of_every_kind)
{
    rw = pages(4, RW);
    none = pages(4, RW);
    ro = pages(4, RW);
    zero = pages(4, PROT_READ);
    gone = pages(4, RW);
    number(rw, 4, 10);
    number(none, 4, 20);
    number(ro, 4, 30);
    number(gone, 4, 40);
    load(zero);
    CHECK(mprotect(none, 4 * PAGE, PROT_NONE) == 0);
    CHECK(mprotect(ro, 4 * PAGE, PROT_READ) == 0);
    CHECK(munmap(gone, 4 * PAGE) == 0);
    CHECK(run_child(has_it_all, NULL) == 0);
    CHECK(mprotect(none, 4 * PAGE, PROT_READ) == 0 && numbered(none, 4, 20));
}

/* --- 74-76 --- */

static int
nothing(void *arg)
{
    return 0;
}

/* How many areas a fork freezes: those with private pages. */
static uint64_t
frozen_by_fork(void)
{
    mark_counts();
    CHECK(run_child(nothing, NULL) == 0);
    return since("lshare");
}

static int
writes_lower_half(void *arg)
{
    char *p = arg;

    dies(load, p + 10 * PAGE, SIGSEGV, SEGV_MAPERR, p + 10 * PAGE);
    CHECK(numbered(p, 10, 100) && numbered(p + 20 * PAGE, 10, 120));
    number(p, 10, 200);
    tell(1);
    await_word(turn, 2);
    CHECK(numbered(p, 10, 200) && numbered(p + 20 * PAGE, 10, 120));
    return 0;
}

/* The middle of a written region is gone: two areas of one layer. */
UTEST(vm_row_74_two_halves_of_a_cut_region)
{
    uint64_t others;
    char *p;
    pid_t pid;

    make_turn();
    others = frozen_by_fork();
    p = pages(30, RW);
    number(p, 30, 100);
    CHECK(frozen_by_fork() == others + 1);
    CHECK(munmap(p + 10 * PAGE, 10 * PAGE) == 0);
    CHECK(frozen_by_fork() == others + 2);
    pid = child(writes_lower_half, p);
    await_word(turn, 1);
    CHECK(numbered(p, 10, 100) && numbered(p + 20 * PAGE, 10, 120));
    number(p + 20 * PAGE, 10, 300);
    tell(2);
    ends_well(pid);
    CHECK(numbered(p, 10, 100) && numbered(p + 20 * PAGE, 10, 300));
}

static int
writes_four_times(void *arg)
{
    char *p = arg;
    uint64_t cloned;

    mark_counts();
    p[0] = 2;
    cloned = since("lunshare");
    CHECK(cloned >= 1 && since("cow") == 1);
    p[PAGE] = 3;
    p[0] = 4;
    p[2 * PAGE] = 5;
    CHECK(since("lunshare") == cloned && since("cow") == 1);
    CHECK(since("lcollapse") == 0);
    return 0;
}

UTEST(vm_row_75_only_the_first_write_makes_a_layer)
{
    char *p = pages(4, RW);

    mark_counts();
    p[0] = 1;
    CHECK((page_of(p).flags & BOTH) == BOTH && since("lunshare") == 0);
    CHECK(run_child(writes_four_times, p) == 0);
    CHECK(p[0] == 1 && p[PAGE] == 0 && p[2 * PAGE] == 0);
}

/* Five areas: three with private pages, one that is untouched, one shared. */
UTEST(vm_row_76_a_fork_freezes_what_is_private)
{
    uint64_t others = frozen_by_fork();
    char *p[5];

    for (int i = 0; i < 5; i++) {
        p[i] = (char *)0x40000000 + i * 16 * PAGE; /* apart */
        CHECK(mmap(p[i], 2 * PAGE, RW,
                   (i == 4 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS |
                       MAP_FIXED_NOREPLACE,
                   -1, 0) == p[i]);
        CHECK(mprotect(p[i] + PAGE, PAGE, PROT_READ) == 0); /* none joins */
        if (i != 3)
            p[i][0] = (char)i;
    }
    CHECK(page_of(p[0]).flags & PAGE_WRITE);
    CHECK(frozen_by_fork() == others + 3);
    for (int i = 0; i < 3; i++)
        CHECK((page_of(p[i]).flags & (BOTH | PAGE_WRITE)) == BOTH);
    CHECK(page_of(p[4]).flags & PAGE_WRITE);
}

/* --- 78, 79 --- */

static int
writes_one_word(void *arg)
{
    uint64_t *p = arg, frame = page_of(arg).frame;

    mark_counts();
    p[5] = 7777;
    CHECK(since("cow") == 1 && since("flt") == 1 && page_of(p).frame != frame);
    for (uint64_t i = 0; i < PAGE / 8; i++)
        CHECK(p[i] == (i == 5 ? 7777 : i));
    return 0;
}

UTEST(vm_row_78_the_rest_of_the_page_comes_along)
{
    uint64_t *p = (uint64_t *)pages(1, RW), frame;

    for (uint64_t i = 0; i < PAGE / 8; i++)
        p[i] = i;
    frame = page_of(p).frame;
    CHECK(run_child(writes_one_word, p) == 0);
    CHECK(page_of(p).frame == frame && p[5] == 5);
}

static int
writes_the_other_page(void *arg)
{
    char *p = arg;

    mark_counts();
    p[PAGE] = 42;
    p[8] = 43; /* page 0, whose owner is the parent */
    CHECK(since("anon") == 1 && since("cow") == 1);
    CHECK(p[0] == 41 && p[8] == 43 && p[PAGE] == 42);
    return 0;
}

/* As many pages in the child as in the parent, but not the same ones. */
UTEST(vm_row_79_one_page_does_not_hide_another)
{
    char *p = pages(2, RW);

    p[0] = 41;
    CHECK(run_child(writes_the_other_page, p) == 0);
    CHECK(p[0] == 41 && p[8] == 0 && p[PAGE] == 0);
}

/* --- 80, 81 --- */

static char *hundred;

static void
all_shared_by(uint32_t n, int from)
{
    for (int i = from; i < 100; i++)
        CHECK(page_of(hundred + i * PAGE).anon_share == n);
}

/* Whose parent has let go of the memory: half of it was hidden from us. */
static int
inherits(void *arg)
{
    uint64_t all;

    number(hundred, 50, 500);
    mark_counts();
    all = stat_all("anon_pages");
    tell(1);
    await_word(turn, 2);
    CHECK(all - stat_all("anon_pages") == 50);
    all_shared_by(1, 0);
    CHECK(numbered(hundred, 50, 500));
    CHECK(numbered(hundred + 50 * PAGE, 50, 1050));
    number(hundred + 50 * PAGE, 50, 550);
    CHECK(since("reuse") == 50 && since("cow") == 0 && since("anon") == 0);
    CHECK(since("lcollapse") == 50);
    return 0;
}

/* The parent unmaps rather than ends, so that nothing else of it goes. */
UTEST(vm_row_80_what_the_parent_leaves_is_ours)
{
    pid_t pid;

    make_turn();
    hundred = pages(100, RW);
    number(hundred, 100, 1000);
    pid = child(inherits, NULL);
    await_word(turn, 1);
    CHECK(munmap(hundred, 100 * PAGE) == 0);
    tell(2);
    ends_well(pid);
}

/* As above, but it is the parent's end. */
static int
parent_that_ends(void *arg)
{
    number(hundred, 100, 1000);
    if (fork() == 0) {
        number(hundred, 50, 500);
        while (getppid() != 1)
            sched_yield();
        while (page_of(hundred + 99 * PAGE).anon_share != 1)
            sched_yield();
        all_shared_by(1, 0);
        mark_counts();
        number(hundred, 100, 550);
        if (since("reuse") == 50 && since("cow") == 0 && since("flt") == 50)
            tell(3);
        else
            tell(4);
        _exit(0);
    }
    return 0;
}

UTEST(vm_row_80_the_parent_ends)
{
    make_turn();
    hundred = pages(100, RW);
    CHECK(run_child(parent_that_ends, NULL) == 0);
    while (*turn == 0)
        sched_yield();
    CHECK(*turn == 3);
}

static int
writes_all(void *arg)
{
    mark_counts();
    tell(1);
    await_word(turn, 2);
    number(hundred, 100, 500);
    CHECK(since("cow") == 100 && since("reuse") == 0);
    tell(3);
    await_word(turn, 4);
    CHECK(numbered(hundred, 100, 500));
    return 0;
}

/* Both write all 100: there are 200, not 300. */
UTEST(vm_row_81_no_page_is_hidden_from_all)
{
    uint64_t all;
    pid_t pid;

    make_turn();
    hundred = pages(100, RW);
    number(hundred, 100, 1000);
    pid = child(writes_all, NULL);
    await_word(turn, 1);
    mark_counts();
    all = stat_all("anon_pages");
    tell(2);
    await_word(turn, 3);
    CHECK(numbered(hundred, 100, 1000));
    number(hundred, 100, 2000);
    CHECK(since("reuse") == 100 && since("cow") == 0);
    CHECK(stat_all("anon_pages") - all == 100);
    all_shared_by(1, 0);
    CHECK(numbered(hundred, 100, 2000));
    tell(4);
    ends_well(pid);
    CHECK(munmap(hundred, 100 * PAGE) == 0);
    CHECK(all - stat_all("anon_pages") >= 100);
}

/* --- 101 --- */

#define SHARE 12 /* pages of each thread */
static char *common;
static volatile int started;

static int
writes_its_share(void *arg)
{
    uintptr_t who = (uintptr_t)arg;

    __atomic_add_fetch(&started, 1, __ATOMIC_ACQ_REL);
    await_word(&started, 4);
    number(common + who * SHARE * PAGE, SHARE, 10000 * who);
    return 0;
}

static int
keeps_them(void *arg)
{
    await_word(turn, 1);
    CHECK(numbered(common, 4 * SHARE, 1));
    return 0;
}

/* Four threads copy, and then make, pages of their own at once: each page is one
 * fault, whoever else is at it.  (What that costs: row cow-4.) */
UTEST(vm_row_101_disjoint_copies_are_a_fault_each)
{
    static struct uthread t[4];
    pid_t pid;

    make_turn();
    common = pages(4 * SHARE, RW);
    number(common, 4 * SHARE, 1);
    started = 0;
    for (int i = 0; i < 4; i++) {
        t[i].stack = pages(UTHREAD_STACK / PAGE, RW);
        memset(t[i].stack, 1, UTHREAD_STACK);
    }
    pid = child(keeps_them, NULL);
    for (int i = 0; i < 4; i++)
        memset(t[i].stack, 2, UTHREAD_STACK);
    started = 0;
    mark_counts();
    for (uintptr_t i = 0; i < 4; i++)
        thread_start(&t[i], writes_its_share, (void *)i);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    CHECK(since("cow") == 4 * SHARE && since("flt") == 4 * SHARE);
    CHECK(since("spur") == 0 && since("retry") == 0);
    for (uintptr_t i = 0; i < 4; i++)
        CHECK(numbered(common + i * SHARE * PAGE, SHARE, 10000 * i));
    tell(1);
    ends_well(pid);
}
