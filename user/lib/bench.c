/* bench.c: which metrics are wanted, how often they run, and what came out. */
#include <bench.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPEAT 5
#define MOST   64 /* metrics of a program */

bool bench_by_instret;
const char *bench_self, *bench_dir = "/tmp";

static struct {
    bool json;
    int repeat;
    char **names;
    int n;
} wanted = {.repeat = REPEAT};

static bool
instret_readable(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        bench_by_instret = true;
        _exit(now() == 0);
    }
    waitpid(pid, &status, 0);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *
bench_map(size_t len)
{
    return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
}

uint64_t *
bench_shared(void)
{
    uint64_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

void
store_each(char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        *(volatile char *)(p + i * PAGE) = 1;
}

void
load_each(const char *p, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        (void)*(const volatile char *)(p + i * PAGE);
}

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
run_all(const struct metric *metrics, size_t n, uint64_t booted)
{
    static uint64_t cost[MOST];

    for (size_t i = 0; i < n; i++) {
        if (is_wanted(metrics[i].name))
            cost[i] = least_of(&metrics[i]);
    }
    if (wanted.json)
        printf("{\"counter\": \"%s\", \"cost\": {",
               bench_by_instret ? "instret" : "time");
    if (booted != 0)
        print("boot_to_user", booted * PER_TICK * 100);
    for (size_t i = 0; i < n; i++) {
        if (is_wanted(metrics[i].name))
            print(metrics[i].name, cost[i] == UNSUPPORTED
                                       ? UNSUPPORTED
                                       : cost[i] * 100 / metrics[i].n);
    }
    if (wanted.json)
        printf("}}\n");
}

static void
usage(const struct metric *metrics, size_t n)
{
    printf(
        "usage: %s [--json] [--repeat N] [--dir FOLDER] [METRIC...]\n"
        "The least of N runs (%d), in instructions; a METRIC may end with *:\n",
        bench_self, REPEAT);
    for (size_t i = 0; i < n; i++)
        printf("  %s\n", metrics[i].name);
}

/* The options of ARGV; returns the index of the first name, or -1. */
static int
options(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            wanted.json = true;
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc)
            wanted.repeat = MAX(atoi(argv[++i]), 1);
        else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
            bench_dir = argv[++i];
        else
            return -1;
    }
    return i;
}

int
bench_main(int argc, char **argv, const struct metric *metrics, size_t n,
           bool with_boot)
{
    uint64_t booted;
    int first;

    __asm__ volatile("rdtime %0" : "=r"(booted));
    bench_self = argv[0];
    if (argc > 1 && strcmp(argv[1], "--nothing") == 0)
        return 0;
    first = options(argc, argv);
    if (first < 0) {
        usage(metrics, n);
        return strcmp(argv[1], "--help") != 0;
    }
    wanted.names = argv + first;
    wanted.n = argc - first;
    bench_by_instret = instret_readable();
    run_all(metrics, MIN(n, MOST), with_boot && getpid() == 1 ? booted : 0);
    return 0;
}
