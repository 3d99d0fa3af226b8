/* t_anon.c: anonymous private memory, rows 9, 27-33, 37, M1, M2 of the plan. */
#include "lib/utest.h"

static struct counts before, after;

UTEST(vm_row_9_faults_are_counted)
{
    char *p = pages(16, RW);

    count(&before);
    for (int i = 0; i < 16; i++)
        p[i * PAGE] = 1;
    count(&after);
    CHECK(after.flt - before.flt == 16);
    CHECK(after.anon - before.anon == 16);
    CHECK(after.min - before.min == 16);
    CHECK(after.maj == before.maj);
}

UTEST(vm_row_M1_read_maps_the_zero_page)
{
    char *p = pages(1, RW);

    count(&before);
    CHECK(*(volatile char *)p == 0);
    count(&after);
    CHECK(after.zero - before.zero == 1);
    CHECK(after.flt - before.flt == 1);
}

UTEST(vm_row_M2_write_makes_a_page)
{
    char *p = pages(1, RW);

    count(&before);
    *p = 1;
    count(&after);
    CHECK(after.anon - before.anon == 1);
    CHECK(after.zero == before.zero);
}

/* Frames for tables may go: 1000 pages need at most 3 of them and 2 above. */
UTEST(vm_row_27_reads_share_one_zero_page)
{
    char *p = pages(1000, RW);
    uint64_t free_before = stat_all("free_pages"), free_after, frame;

    count(&before);
    for (int i = 0; i < 1000; i++) {
        for (unsigned j = 0; j < PAGE; j += 512)
            CHECK(((volatile char *)p)[i * PAGE + j] == 0);
    }
    count(&after);
    CHECK(after.zero - before.zero == 1000);
    CHECK(after.anon == before.anon);
    free_after = stat_all("free_pages");
    CHECK(free_before - free_after <= 5);
    frame = page_of(p).frame;
    for (int i = 0; i < 1000; i++) {
        CHECK(page_of(p + i * PAGE).frame == frame);
        CHECK(page_of(p + i * PAGE).flags & PAGE_ZERO);
    }
}

UTEST(vm_row_28_read_then_write)
{
    char *p = pages(1, RW);

    count(&before);
    CHECK(*(volatile char *)p == 0);
    *p = 1;
    count(&after);
    CHECK(after.flt - before.flt == 2);
    CHECK(after.zero - before.zero == 1);
    CHECK(after.anon - before.anon == 1);
    CHECK(after.cow == before.cow);
    for (unsigned i = 1; i < PAGE; i++)
        CHECK(p[i] == 0);
}

UTEST(vm_row_29_first_access_is_a_write)
{
    char *p = pages(1, RW);
    struct utest_page page;

    count(&before);
    *p = 1;
    count(&after);
    CHECK(after.flt - before.flt == 1);
    CHECK(after.anon - before.anon == 1);
    page = page_of(p);
    CHECK((page.flags & (PAGE_WRITE | PAGE_DIRTY | PAGE_ANON)) ==
          (PAGE_WRITE | PAGE_DIRTY | PAGE_ANON));
    CHECK(page.mapcount == 1);
}

#define MUCH 2048 /* pages */

static int
leave_patterns(void *arg)
{
    char *p = pages(MUCH, RW);

    memset(p, 0xa5, MUCH * PAGE);
    return 0;
}

UTEST(vm_row_30_nobody_sees_what_others_left)
{
    uint64_t *p;

    CHECK(run_child(leave_patterns, NULL) == 0);
    p = (uint64_t *)pages(MUCH, RW);
    for (size_t i = 0; i < MUCH; i++)
        p[i * PAGE / 8] = 0; /* a frame of its own */
    for (size_t i = 0; i < MUCH * PAGE / 8; i++)
        CHECK(p[i] == 0);
}

static int
nothing(void *arg)
{
    return 0;
}

UTEST(vm_row_31_sole_owner_writes_in_place)
{
    char *p = pages(8, RW);
    uint64_t frames[8];

    fill(p, 8 * PAGE, 1);
    for (int i = 0; i < 8; i++)
        frames[i] = page_of(p + i * PAGE).frame;
    CHECK(run_child(nothing, NULL) == 0);
    count(&before);
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = 1;
    count(&after);
    CHECK(after.reuse - before.reuse == 8);
    CHECK(after.cow == before.cow);
    for (int i = 0; i < 8; i++)
        CHECK(page_of(p + i * PAGE).frame == frames[i]);
}

/* Shared with a child, which is told what to do by a word in shared memory. */
static char *ten;
static volatile int *turn;
static uint64_t *seen;

static void
await(int value)
{
    while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != value)
        sched_yield();
}

static void
tell(int value)
{
    __atomic_store_n(turn, value, __ATOMIC_RELEASE);
}

static void *
shared(size_t n)
{
    void *p = mmap(NULL, n, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    memset(p, 0, n);
    return p;
}

static int
write_eight(void *arg)
{
    struct counts b, a;

    count(&b);
    count(&b);
    for (int i = 0; i < 8; i++)
        ten[i * PAGE] = 'c';
    count(&a);
    CHECK(a.cow - b.cow == 8);
    CHECK(ten[8 * PAGE] == 'p' && ten[9 * PAGE] == 'p');
    for (int i = 0; i < 10; i++)
        seen[i] = page_of(ten + i * PAGE).frame;
    tell(1);
    await(2);
    for (int i = 0; i < 8; i++)
        CHECK(ten[i * PAGE] == 'c');
    return 0;
}

UTEST(vm_row_32_writes_to_shared_pages_copy)
{
    uint64_t frames[10];
    pid_t pid;
    int status;

    ten = pages(10, RW);
    turn = shared(PAGE);
    seen = shared(PAGE);
    memset(ten, 'p', 10 * PAGE);
    for (int i = 0; i < 10; i++)
        frames[i] = page_of(ten + i * PAGE).frame;
    pid = child(write_eight, NULL);
    await(1);
    for (int i = 0; i < 10; i++) {
        CHECK(page_of(ten + i * PAGE).frame == frames[i]);
        CHECK(ten[i * PAGE] == 'p');
    }
    for (int i = 0; i < 8; i++)
        CHECK(seen[i] != frames[i]);
    count(&before);
    for (int i = 0; i < 8; i++)
        ten[i * PAGE] = 'q';
    count(&after);
    CHECK(after.reuse - before.reuse == 8);
    CHECK(after.cow == before.cow);
    for (int i = 8; i < 10; i++) /* nobody wrote to these */
        CHECK(seen[i] == frames[i] &&
              page_of(ten + i * PAGE).frame == frames[i]);
    for (int i = 0; i < 8; i++)
        CHECK(page_of(ten + i * PAGE).frame == frames[i]);
    tell(2);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Each is a shootdown on all harts, which takes long where harts outnumber the
 * processors of the computer. */
#define MANY 100
static char *many;
static int started;

static int
write_many(void *arg)
{
    __atomic_add_fetch(&started, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) < 4)
        sched_yield();
    for (int i = 0; i < MANY; i++)
        __atomic_add_fetch((int *)(many + i * PAGE + 64), 1, __ATOMIC_RELAXED);
    return 0;
}

static int
hold_until_told(void *arg)
{
    await(2);
    for (int i = 0; i < MANY; i++)
        CHECK(many[i * PAGE + 64] == 1);
    return 0;
}

/* 4 threads write 100 pages that a child still has: each is copied once. */
UTEST(vm_row_33_one_copy_for_four_threads)
{
    static struct uthread threads[4];
    pid_t pid;
    int status;

    many = pages(MANY, RW);
    turn = shared(PAGE);
    for (int i = 0; i < MANY; i++)
        many[i * PAGE + 64] = 1;
    for (int i = 0; i < 4; i++) {
        threads[i].stack = pages(UTHREAD_STACK / PAGE, RW);
        memset(threads[i].stack, 1, UTHREAD_STACK);
    }
    pid = child(hold_until_told, NULL);
    for (int i = 0; i < 4; i++)
        memset(threads[i].stack, 2, UTHREAD_STACK);
    started = 0;
    count(&before);
    for (int i = 0; i < 4; i++)
        thread_start(&threads[i], write_many, NULL);
    for (int i = 0; i < 4; i++)
        thread_join(&threads[i]);
    count(&after);
    for (int i = 0; i < MANY; i++)
        CHECK(many[i * PAGE + 64] == 5);
    CHECK(after.cow - before.cow == MANY);
    tell(2);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int
read_all(void *arg)
{
    for (int i = 0; i < 100; i++)
        CHECK(filled(ten + i * PAGE, PAGE, i + 7u));
    return 0;
}

UTEST(vm_row_37_fork_copies_no_page)
{
    uint64_t free_before, free_after, anon_before;
    pid_t pid;
    int status;

    ten = pages(100, RW);
    turn = shared(PAGE);
    for (int i = 0; i < 100; i++)
        fill(ten + i * PAGE, PAGE, i + 7u);
    anon_before = stat_all("anon_pages");
    free_before = stat_all("free_pages");
    (void)free_before;
    pid = fork();
    if (pid == 0) {
        await(1);
        _exit(read_all(NULL));
    }
    CHECK(pid > 0);
    /* Stacks and data that were touched since: less than a tenth of it. */
    CHECK(stat_all("anon_pages") - anon_before < 10);
    free_after = stat_all("free_pages");
    CHECK(free_before - free_after < 40);
    tell(1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    for (int i = 0; i < 100; i++)
        CHECK(filled(ten + i * PAGE, PAGE, i + 7u));
}
