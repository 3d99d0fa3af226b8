/* l_race.c: row 15: who reads what is being unmapped; row 39: fork while other
 * threads store; row 90: threads that end in random order.  Verdicts are by data.  rounds=N says how many of each. */
#include "lib/utest.h"

#define HAMMERS 3

static volatile uint64_t *counters; /* a page for each thread */
static volatile int stop;
static struct uthread threads[8];

/* That it goes on is said now and then; who says nothing for long hangs. */
static void
tell_round(const char *what, unsigned i)
{
    if ((i + 1) % 1000 == 0)
        dprintf(2, "%s: %u rounds\n", what, i + 1);
}

static int
hammer(void *arg)
{
    volatile uint64_t *c = counters + (uintptr_t)arg * 512;

    while (!stop) {
        uint64_t n = c[0] + 1;

        for (int i = 0; i < 512; i++)
            c[i] = n;
    }
    return 0;
}

/* What the child sees stays as it is: 3 looks. */
static int
look(void *arg)
{
    static uint64_t seen[HAMMERS * 512];

    for (int i = 0; i < HAMMERS * 512; i++)
        seen[i] = counters[i];
    for (int again = 0; again < 3; again++) {
        sched_yield();
        for (int i = 0; i < HAMMERS * 512; i++) {
            if (seen[i] != counters[i])
                return 1;
        }
    }
    return 0;
}

UTEST(vm_row_39_child_is_not_written_to)
{
    counters = (volatile uint64_t *)pages(HAMMERS, RW);
    for (int i = 0; i < HAMMERS; i++)
        thread_start(&threads[i], hammer, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < utest_rounds; i++) {
        CHECK(run_child(look, NULL) == 0);
        tell_round("fork", i);
    }
    stop = 1;
    for (int i = 0; i < HAMMERS; i++)
        thread_join(&threads[i]);
}

static int
ends_late(void *arg)
{
    char *p = (char *)counters + ((uintptr_t)arg & 7) * PAGE;

    *p = 1;
    for (uintptr_t i = (uintptr_t)arg >> 3; i > 0; i--)
        sched_yield();
    return 0;
}

static int
eight_threads(void *arg)
{
    uint64_t state = (uintptr_t)arg * 2 + 1;

    counters = (volatile uint64_t *)pages(8, RW);
    for (unsigned i = 0; i < 8; i++)
        thread_start(&threads[i], ends_late,
                     (void *)(i | rnd(&state) % 8 << 3));
    /* This task ends alone, before some of the others; the last one's end is
     * the process's. */
    syscall(93, 0l, 0l, 0l, 0l, 0l, 0l);
    return 1;
}

UTEST(vm_row_90_memory_goes_with_the_last_thread)
{
    uint64_t anon = 0;

    for (unsigned i = 0; i < utest_rounds; i++) {
        CHECK(run_child(eight_threads, (void *)(uintptr_t)i) == 0);
        if (i == 0)
            anon = stat_all("anon_pages");
        tell_round("exit", i);
    }
    CHECK(stat_all("anon_pages") <= anon);
}

/* --- 15 --- */

#define MARK  0x6d61726b6d61726bul
#define TAKEN 8

static volatile uint64_t *page; /* what is unmapped under the reader */
static volatile int reading, wrong;

/* Reads until there is nothing to be read: dies of it. */
static int
reads(void *arg)
{
    for (;;) {
        uint64_t v = *page;

        reading = 1;
        if (v != MARK)
            __atomic_store_n(&wrong, 1, __ATOMIC_RELEASE);
    }
    return 0;
}

/* Gets frames, and writes to them. */
static int
takes_frames(void *arg)
{
    volatile uint64_t *p = arg;

    while (!stop) {
        for (int i = 0; i < TAKEN; i++)
            p[i * 512] = 0x7468656972ul;
        madvise(arg, TAKEN * PAGE, MADV_DONTNEED);
    }
    return 0;
}

/* A reader of a page, who is a process in our space, and a thread that gets new
 * frames all the time, while we unmap: the reader dies of it, and never reads
 * what the other one wrote. */
UTEST(vm_row_15_a_reader_never_sees_the_next_owner)
{
    char *stack = pages(4, RW);
    int status;

    stop = 0;
    thread_start(&threads[0], takes_frames, pages(TAKEN, RW));
    for (unsigned i = 0; i < utest_rounds; i++) {
        long pid;

        page = (volatile uint64_t *)pages(1, RW);
        *page = MARK;
        reading = 0;
        pid = raw_clone(CLONE_VM | SIGCHLD, stack + 4 * PAGE, reads, NULL, NULL,
                        NULL);
        CHECK(pid > 0);
        await_word(&reading, 1);
        CHECK(munmap((void *)page, PAGE) == 0);
        CHECK(waitpid((pid_t)pid, &status, 0) == pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && wrong == 0);
        tell_round("unmap", i);
    }
    stop = 1;
    thread_join(&threads[0]);
}
