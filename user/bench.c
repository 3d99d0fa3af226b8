/* bench.c: what calls and faults cost, in instructions, seen from a program:
 * memory, processes, pipes, signals; files are fbench.c's.  How it measures:
 * bench.h. */
#include <bench.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAR       (4 * PAGE) /* no two areas touch */
#define ANON      (MAP_PRIVATE | MAP_ANONYMOUS)
#define SIBLINGS  1000
#define MIB_PAGES 256

/* --- the metrics: run N operations, return what they cost --- */

static uint64_t
cal_loop(const struct metric *m)
{
    uint64_t t = now();
    unsigned long n = m->n;

    __asm__ volatile("1: addi %0, %0, -1; bnez %0, 1b" : "+r"(n));
    return now() - t;
}

static uint64_t
null_call(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        getppid();
    return now() - t;
}

static uint64_t
yield_alone(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        sched_yield();
    return now() - t;
}

static uint64_t
device(const struct metric *m, const char *path, bool writes)
{
    int fd = open(path, O_RDWR);
    char c = 0;
    uint64_t t;

    if (fd < 0)
        return UNSUPPORTED;
    t = now();
    for (unsigned i = 0; i < m->n; i++) {
        if (writes)
            write(fd, &c, 1);
        else
            read(fd, &c, 1);
    }
    t = now() - t;
    close(fd);
    return t;
}

static uint64_t
read_zero(const struct metric *m)
{
    return device(m, "/dev/zero", false);
}

static uint64_t
write_null(const struct metric *m)
{
    return device(m, "/dev/null", true);
}

/* mmap and munmap of a page, stored to in between if arg says so. */
static uint64_t
map_unmap(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++) {
        char *p = bench_map(PAGE);

        if (m->arg != 0)
            *(volatile char *)p = 1;
        munmap(p, PAGE);
    }
    return now() - t;
}

/* One mprotect of one touched page, which is a mapping of its own. */
static uint64_t
protect(const struct metric *m)
{
    char *p = bench_map(PAGE);
    uint64_t t;

    *(volatile char *)p = 1;
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        mprotect(p, PAGE, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ);
    t = now() - t;
    munmap(p, PAGE);
    return t;
}

static uint64_t
brk_grow_shrink(const struct metric *m)
{
    char *end = sbrk(0);
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++) {
        brk(end + 16 * PAGE);
        if (m->arg != 0)
            store_each(end, 16);
        brk(end);
    }
    return now() - t;
}

/* Touching, what is not touching, and taking away. */
enum { STORE, STORE_UNMAP, UNMAP, LOAD, STORE_AFTER_LOAD, STORE_AGAIN };

static uint64_t
pages(const struct metric *m)
{
    size_t len = m->n * PAGE;
    char *p = bench_map(len);
    uint64_t t[4];

    t[0] = now();
    if (m->arg == LOAD || m->arg == STORE_AFTER_LOAD)
        load_each(p, m->n);
    else
        store_each(p, m->n);
    t[1] = now();
    store_each(p, m->n);
    t[2] = now();
    munmap(p, len);
    t[3] = now();
    switch (m->arg) {
    case STORE_UNMAP:
        return t[1] - t[0] + t[3] - t[2];
    case UNMAP:
        return t[3] - t[2];
    case STORE_AFTER_LOAD:
    case STORE_AGAIN:
        return t[2] - t[1];
    default:
        return t[1] - t[0];
    }
}

/* With arg areas of two pages: the first store to each of N of them (their
 * table is there), or mmap and munmap of one more. */
static uint64_t
among_areas(const struct metric *m, bool fault)
{
    size_t step = m->n < m->arg ? m->arg / m->n : 1;
    unsigned n = MIN(m->n, m->arg);
    char *base =
        mmap(NULL, m->arg * FAR, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    uint64_t t;

    for (size_t i = 0; i < m->arg; i++)
        mmap(base + i * FAR, 2 * PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED,
             -1, 0);
    for (size_t i = 0; i < n; i++)
        *(volatile char *)(base + i * step * FAR + PAGE) = 1;
    t = now();
    for (size_t i = 0; i < (fault ? n : m->n); i++) {
        if (fault)
            *(volatile char *)(base + i * step * FAR) = 1;
        else
            munmap(bench_map(PAGE), PAGE);
    }
    t = now() - t;
    munmap(base, m->arg * FAR);
    return fault ? t * m->n / n : t;
}

static uint64_t
area_fault(const struct metric *m)
{
    return among_areas(m, true);
}

static uint64_t
area_map(const struct metric *m)
{
    return among_areas(m, false);
}

/* --- processes --- */

static void
fork_wait(bool exec)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (exec) {
            char *const argv[] = {(char *)bench_self, "--nothing", NULL};

            execve(bench_self, argv, environ);
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* fork, exit and wait with arg touched pages; N times. */
static uint64_t
fork_cost(unsigned n, size_t touched)
{
    char *p = touched > 0 ? bench_map(touched * PAGE) : NULL;
    uint64_t t;

    store_each(p, touched);
    t = now();
    for (unsigned i = 0; i < n; i++)
        fork_wait(false);
    t = now() - t;
    if (p != NULL)
        munmap(p, touched * PAGE);
    return t;
}

static uint64_t
fork_exit(const struct metric *m)
{
    return fork_cost(m->n, m->arg);
}

static uint64_t
fork_growth(const struct metric *m)
{
    uint64_t without = fork_cost(m->n, 0), with = fork_cost(m->n, m->arg);

    return (with - without) / m->arg;
}

static uint64_t
fork_exec(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        fork_wait(true);
    return now() - t;
}

/* fork, exit and wait while arg other children sleep. */
static uint64_t
fork_among(const struct metric *m)
{
    static pid_t sibling[SIBLINGS];
    unsigned n = 0;
    uint64_t t;

    for (; n < m->arg; n++) {
        sibling[n] = fork();
        if (sibling[n] == 0) {
            for (;;)
                sleep(1000000);
        }
        if (sibling[n] < 0)
            break;
    }
    for (unsigned i = 0; i < n; i++)
        sched_yield(); /* all of them are asleep then */
    t = n == m->arg ? fork_cost(m->n, 0) : UNSUPPORTED;
    for (unsigned i = 0; i < n; i++)
        kill(sibling[i], SIGKILL);
    for (unsigned i = 0; i < n; i++)
        waitpid(sibling[i], NULL, 0);
    return t;
}

/* The first stores after a fork: in the child while the parent has the pages,
 * too (copy), or in the parent when the child is gone (reuse). */
static uint64_t
cow(const struct metric *m)
{
    bool copy = m->arg != 0;
    uint64_t *result = bench_shared();
    char *p = bench_map(m->n * PAGE);
    uint64_t t;
    pid_t pid;

    if (result == NULL)
        return UNSUPPORTED;
    store_each(p, m->n);
    *result = 0;
    pid = fork();
    if (pid == 0) {
        t = now();
        if (copy)
            store_each(p, m->n);
        *result = now() - t;
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    t = now();
    store_each(p, m->n);
    t = copy ? *result : now() - t;
    munmap(p, m->n * PAGE);
    munmap(result, PAGE);
    return t;
}

/* Two processes that only yield, to each other: both do N yields. */
static uint64_t
yield_two(const struct metric *m)
{
    pid_t pid = fork();
    uint64_t t;

    if (pid == 0) {
        for (unsigned i = 0; i < m->n + 100; i++)
            sched_yield();
        _exit(0);
    }
    sched_yield();
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        sched_yield();
    t = now() - t;
    waitpid(pid, NULL, 0);
    return t / 2;
}

static uint64_t
pipe_pingpong(const struct metric *m)
{
    int there[2], back[2];
    char c = 0;
    uint64_t t;
    pid_t pid;

    if (pipe(there) != 0 || pipe(back) != 0)
        return UNSUPPORTED;
    pid = fork();
    if (pid == 0) {
        for (unsigned i = 0; i < m->n; i++) {
            read(there[0], &c, 1);
            write(back[1], &c, 1);
        }
        _exit(0);
    }
    t = now();
    for (unsigned i = 0; i < m->n; i++) {
        write(there[1], &c, 1);
        read(back[0], &c, 1);
    }
    t = now() - t;
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(there[i]);
        close(back[i]);
    }
    return t;
}

/* N times arg bytes through a pipe: written by one, read by the other. */
static uint64_t
pipe_stream(const struct metric *m)
{
    static char buf[65536];
    size_t left = (size_t)m->n * m->arg;
    int fd[2];
    uint64_t t;
    pid_t pid;

    if (pipe(fd) != 0)
        return UNSUPPORTED;
    memset(buf, 1, m->arg);
    pid = fork();
    if (pid == 0) {
        memset(buf, 2, m->arg);
        while (left > 0) {
            ssize_t got = read(fd[0], buf, m->arg);

            left -= got > 0 ? (size_t)got : left;
        }
        _exit(0);
    }
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        write(fd[1], buf, m->arg);
    waitpid(pid, NULL, 0);
    t = now() - t;
    close(fd[0]);
    close(fd[1]);
    return t;
}

/* --- signals --- */

static volatile unsigned caught;
static char *guarded; /* a page that may not be stored to */

static void
count(int number)
{
    caught++;
}

static void
allow(int number)
{
    caught++;
    mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
}

static uint64_t
sig_install(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        signal(SIGUSR1, i & 1 ? count : SIG_DFL);
    t = now() - t;
    signal(SIGUSR1, SIG_DFL);
    return t;
}

/* Sent by itself, handled, and back. */
static uint64_t
sig_kill_self(const struct metric *m)
{
    pid_t me = getpid();
    uint64_t t;

    caught = 0;
    if (signal(SIGUSR1, count) == SIG_ERR)
        return UNSUPPORTED;
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        kill(me, SIGUSR1);
    t = now() - t;
    signal(SIGUSR1, SIG_DFL);
    return caught == m->n ? t : UNSUPPORTED;
}

/* A store that is not allowed, a handler that allows it, the store again; and
 * the call that forbids the next one. */
static uint64_t
sig_segv(const struct metric *m)
{
    uint64_t t;

    caught = 0;
    guarded = bench_map(PAGE);
    if (signal(SIGSEGV, allow) == SIG_ERR)
        return UNSUPPORTED;
    *(volatile char *)guarded = 1;
    t = now();
    for (unsigned i = 0; i < m->n; i++) {
        mprotect(guarded, PAGE, PROT_READ);
        *(volatile char *)guarded = 1;
    }
    t = now() - t;
    signal(SIGSEGV, SIG_DFL);
    munmap(guarded, PAGE);
    return caught == m->n ? t : UNSUPPORTED;
}

static const struct metric metrics[] = {
    {"cal_loop_2insn", cal_loop, 1000000, 0},
    {"null_getppid", null_call, 100000, 0},
    {"read1_devzero", read_zero, 10000, 0},
    {"write1_devnull", write_null, 10000, 0},
    {"yield_alone", yield_alone, 10000, 0},
    {"mmap_munmap_1p", map_unmap, 1000, 0},
    {"mmap_touch_munmap_1p", map_unmap, 1000, 1},
    {"mprotect_toggle_1p", protect, 1000, 0},
    {"brk_16p_grow_shrink", brk_grow_shrink, 1000, 0},
    {"brk_16p_grow_touch_shrink", brk_grow_shrink, 200, 1},
    {"anon_wfault_page", pages, 4096, STORE},
    {"anon_map_touch_unmap_page", pages, 4096, STORE_UNMAP},
    {"anon_unmap_touched_page", pages, 4096, UNMAP},
    {"anon_rfault_page", pages, 4096, LOAD},
    {"anon_wr_after_rd_page", pages, 4096, STORE_AFTER_LOAD},
    {"touch_no_fault_page", pages, 4096, STORE_AGAIN},
    {"vma_fault_10", area_fault, 100, 10},
    {"vma_fault_100", area_fault, 100, 100},
    {"vma_fault_1000", area_fault, 100, 1000},
    {"vma_fault_10000", area_fault, 100, 10000},
    {"vma_mmap_munmap_10", area_map, 1000, 10},
    {"vma_mmap_munmap_100", area_map, 1000, 100},
    {"vma_mmap_munmap_1000", area_map, 1000, 1000},
    {"vma_mmap_munmap_10000", area_map, 1000, 10000},
    {"fork_exit_wait_0", fork_exit, 50, 0},
    {"fork_exit_wait_1000_siblings", fork_among, 50, SIBLINGS},
    {"fork_exit_wait_4m", fork_exit, 20, 4 * MIB_PAGES},
    {"fork_exit_wait_64m", fork_exit, 5, 64 * MIB_PAGES},
    {"fork_growth_per_page_64m", fork_growth, 5, 64 * MIB_PAGES},
    {"fork_growth_per_page_4m", fork_growth, 20, 4 * MIB_PAGES},
    {"fork_exec_exit_wait", fork_exec, 50, 0},
    {"cow_copy_page", cow, 1024, 1},
    {"cow_reuse_page", cow, 1024, 0},
    {"yield_two", yield_two, 1000, 0},
    {"sig_install", sig_install, 10000, 0},
    {"sig_kill_self", sig_kill_self, 1000, 0},
    {"sig_segv_mprotect", sig_segv, 1000, 0},
    {"pipe_pingpong", pipe_pingpong, 1000, 0},
    {"pipe_write_4k", pipe_stream, 1000, 4096},
    {"pipe_write_64k", pipe_stream, 200, 65536},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, metrics, ARRAY_LEN(metrics), true);
}
