/* bench.c: what calls and faults cost, in instructions, seen from a program.
 *
 *     bench [--json] [--repeat N] [NAME...]     names may end in *
 *
 * Works on any Linux for riscv64, and means something where time is counted
 * instructions (QEMU -icount shift=0).  An operation is one call, one page or
 * one round trip, as the name says.  A metric runs its operations several times
 * over and the least counts; the loop around them, two to eight instructions,
 * is part of it, interrupts too.  Nothing is printed while measuring.
 *
 * The counter is the instret register, where the kernel lets programs read it
 * (Linux 6.6 and later do not: a child tries), else the time register, of which
 * a step is 100 instructions there.
 *
 * When this is process 1 "boot_to_user" is the way from reset to its start. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE        4096ul
#define PER_TICK    100
#define UNSUPPORTED (~0ul)
#define FAR         (4 * PAGE) /* no two areas touch */
#define ANON        (MAP_PRIVATE | MAP_ANONYMOUS)
#define SIBLINGS    1000
#define REPEAT      5

static bool by_instret;
static const char *self;

/* --- the counter --- */

static inline uint64_t
now(void)
{
    uint64_t n;

    if (by_instret) {
        __asm__ volatile("rdinstret %0" : "=r"(n)::"memory");
        return n;
    }
    __asm__ volatile("rdtime %0" : "=r"(n)::"memory");
    return n * PER_TICK;
}

static bool
instret_readable(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        by_instret = true;
        _exit(now() == 0);
    }
    waitpid(pid, &status, 0);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- memory for the metrics --- */

static char *
map(size_t len)
{
    return mmap(NULL, len, PROT_READ | PROT_WRITE, ANON, -1, 0);
}

static void
store_each(char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        *(volatile char *)(p + i * PAGE) = 1;
}

static void
load_each(const char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        (void)*(const volatile char *)(p + i * PAGE);
}

/* --- the metrics: run N operations, return what they cost --- */

struct metric {
    const char *name;
    uint64_t (*run)(const struct metric *m);
    unsigned n;   /* operations in a run */
    unsigned arg; /* pages, areas, siblings */
};

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
        char *p = map(PAGE);

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
    char *p = map(PAGE);
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
    char *p = map(len);
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
            munmap(map(PAGE), PAGE);
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
            char *const argv[] = {(char *)self, "--nothing", NULL};

            execve(self, argv, environ);
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* fork, exit and wait with arg touched pages; N times. */
static uint64_t
fork_cost(unsigned n, size_t touched)
{
    char *p = touched > 0 ? map(touched * PAGE) : NULL;
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
    uint64_t *result = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *p = map(m->n * PAGE);
    uint64_t t;
    pid_t pid;

    if (result == MAP_FAILED)
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

/* --- files --- */

static uint64_t
open_close(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        close(open(self, O_RDONLY));
    return now() - t;
}

static uint64_t
stat_path(const struct metric *m)
{
    struct stat st;
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        stat(self, &st);
    return now() - t;
}

static uint64_t
stat_open(const struct metric *m)
{
    int fd = open(self, O_RDONLY);
    struct stat st;
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++)
        fstat(fd, &st);
    t = now() - t;
    close(fd);
    return t;
}

/* pread, or lseek to the beginning now and then and read. */
static uint64_t
read_file(const struct metric *m)
{
    static char buf[PAGE];
    int fd = open(self, O_RDONLY);
    uint64_t t;

    pread(fd, buf, PAGE, 0);
    t = now();
    for (unsigned i = 0; i < m->n; i++)
        pread(fd, buf, PAGE, 0);
    t = now() - t;
    close(fd);
    return t;
}

/* read or write ARG bytes at the beginning of a file that has them. */
static uint64_t
file_again(const struct metric *m, bool out)
{
    static char buf[16 * PAGE];
    int fd = open("/tmp/bench", O_CREAT | O_RDWR, 0600);
    uint64_t t;

    if (fd < 0 || write(fd, buf, m->arg) != (ssize_t)m->arg)
        return UNSUPPORTED;
    pread(fd, buf, m->arg, 0);
    t = now();
    for (unsigned i = 0; i < m->n; i++) {
        if (out)
            pwrite(fd, buf, m->arg, 0);
        else
            pread(fd, buf, m->arg, 0);
    }
    t = now() - t;
    close(fd);
    unlink("/tmp/bench");
    return t;
}

static uint64_t
file_read(const struct metric *m)
{
    return file_again(m, false);
}

static uint64_t
file_write(const struct metric *m)
{
    return file_again(m, true);
}

static uint64_t
create_close_unlink(const struct metric *m)
{
    uint64_t t = now();

    for (unsigned i = 0; i < m->n; i++) {
        int fd = open("/tmp/bench.new", O_CREAT | O_EXCL | O_RDWR, 0600);

        if (fd < 0)
            return UNSUPPORTED;
        close(fd);
        unlink("/tmp/bench.new");
    }
    return now() - t;
}

#define MIB_PAGES 256

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
    {"pipe_pingpong", pipe_pingpong, 1000, 0},
    {"pipe_write_4k", pipe_stream, 1000, 4096},
    {"pipe_write_64k", pipe_stream, 200, 65536},
    {"open_close", open_close, 1000, 0},
    {"stat", stat_path, 1000, 0},
    {"fstat", stat_open, 1000, 0},
    {"file_pread_4k", read_file, 1000, 0},
    {"file_read_4k", file_read, 1000, PAGE},
    {"file_read_64k", file_read, 200, 16 * PAGE},
    {"file_write_4k", file_write, 1000, PAGE},
    {"create_close_unlink", create_close_unlink, 500, 0},
};

/* --- which, how often, and what came out --- */

static struct {
    bool json;
    int repeat;
    char **names;
    int n;
} wanted = {.repeat = REPEAT};

static bool
is_wanted(const char *name)
{
    for (int i = 0; i < wanted.n; i++) {
        size_t len = strlen(wanted.names[i]);

        if (len > 0 && wanted.names[i][len - 1] == '*'
                ? strncmp(name, wanted.names[i], len - 1) == 0
                : strcmp(name, wanted.names[i]) == 0)
            return true;
    }
    return wanted.n == 0;
}

static uint64_t
least_of(const struct metric *m)
{
    uint64_t best = UNSUPPORTED;

    for (int i = 0; i < wanted.repeat; i++)
        best = MIN(best, m->run(m));
    return best;
}

/* COST hundredths of an instruction; UNSUPPORTED: the kernel has no such call. */
static void
print(const char *name, uint64_t cost)
{
    static bool more;

    if (wanted.json)
        printf("%s\"%s\": ", more ? ", " : "", name);
    else
        printf("%-30s ", name);
    more = true;
    if (cost == UNSUPPORTED)
        printf("%s", wanted.json ? "null" : "-");
    else
        printf("%lu.%02lu", cost / 100, cost % 100);
    if (!wanted.json)
        putchar('\n');
}

static void
run_all(uint64_t booted)
{
    static uint64_t cost[ARRAY_LEN(metrics)];

    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        if (is_wanted(metrics[i].name))
            cost[i] = least_of(&metrics[i]);
    }
    if (wanted.json)
        printf("{\"counter\": \"%s\", \"cost\": {",
               by_instret ? "instret" : "time");
    if (getpid() == 1)
        print("boot_to_user", booted * PER_TICK * 100);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        if (is_wanted(metrics[i].name))
            print(metrics[i].name, cost[i] == UNSUPPORTED
                                       ? UNSUPPORTED
                                       : cost[i] * 100 / metrics[i].n);
    }
    if (wanted.json)
        printf("}}\n");
}

int
main(int argc, char **argv)
{
    uint64_t booted;
    int i = 1;

    __asm__ volatile("rdtime %0" : "=r"(booted));
    self = argv[0];
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--nothing") == 0)
            return 0;
        if (strcmp(argv[i], "--json") == 0)
            wanted.json = true;
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            wanted.repeat = atoi(argv[++i]);
    }
    wanted.names = argv + i;
    wanted.n = argc - i;
    by_instret = instret_readable();
    run_all(booted);
    return 0;
}
