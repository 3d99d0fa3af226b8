/* t_limits.c: what a process may use: prlimit64() and what its limits do; on which
 * harts it runs. */
#include "lib/utest.h"

#define RLIMIT_STACK  3
#define RLIMIT_NPROC  6
#define RLIMIT_NOFILE 7

static long
limit(int pid, int which, const uint64_t *new, uint64_t *old)
{
    long r = syscall(261, (long)pid, (long)which, new, old);

    return r < 0 ? -errno : r;
}

static int
opens(void *arg)
{
    uint64_t few[2] = {10, 20}, old[2], many[2] = {4096, 4096};
    int fd, last = -1;

    CHECK(limit(0, RLIMIT_NOFILE, few, old) == 0 && old[0] >= 256);
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    CHECK(errno == EMFILE && last == 9);
    CHECK(dup2(last, 10) == -1 && errno == EBADF);
    CHECK(fcntl(last, F_DUPFD, 10) == -1 && errno == EINVAL);
    CHECK(close(5) == 0 && dup(last) == 5);
    CHECK(limit(0, RLIMIT_NOFILE, many, NULL) == -EPERM);
    return 0;
}

UTEST(limit_of_files)
{
    CHECK(run_child(opens, NULL) == 0);
}

static int
deep(void *arg)
{
    volatile char frame[PAGE];

    frame[0] = (char)(uintptr_t)arg;
    if ((uintptr_t)arg > 0)
        frame[1] = (char)deep((void *)((uintptr_t)arg - 1));
    return frame[0] != (char)(uintptr_t)arg;
}

static int
little_stack(void *arg)
{
    uint64_t l[2] = {1 << 20, 1 << 20};

    CHECK(limit(0, RLIMIT_STACK, l, NULL) == 0);
    return deep(arg);
}

static int
much_stack(void *arg)
{
    uint64_t l[2] = {32 << 20, ~0ul};

    CHECK(limit(0, RLIMIT_STACK, l, NULL) == 0);
    return deep(arg);
}

UTEST(vm_row_97_stack_limit_can_be_set)
{
    int status = run_child(little_stack, (void *)500);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(run_child(little_stack, (void *)100) == 0);
    CHECK(run_child(much_stack, (void *)6000) == 0); /* 24 MiB */
}

static int
waits(void *arg)
{
    for (;;)
        usleep(100000);
    return 0;
}

UTEST(limit_of_another)
{
    uint64_t l[2] = {5, 6}, old[2];
    pid_t pid = child(waits, NULL);
    int status;

    CHECK(limit(pid, RLIMIT_NPROC, l, NULL) == 0);
    CHECK(limit(pid, RLIMIT_NPROC, NULL, old) == 0);
    CHECK(old[0] == 5 && old[1] == 6);
    l[0] = 7;
    CHECK(limit(pid, RLIMIT_NPROC, l, NULL) == -EINVAL); /* above its max */
    CHECK(limit(pid, 16, NULL, old) == -EINVAL);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(limit(pid, RLIMIT_NPROC, NULL, old) == -ESRCH);
}

UTEST(affinity_is_kept)
{
    uint64_t all = 0, mask;
    uint32_t cpu;

    CHECK(syscall(123, 0l, 8l, &all) == 8 && all != 0);
    for (int i = 0; i < 64; i++) {
        mask = 1ul << i;
        if (!(all & mask)) {
            if (i < 63)
                CHECK(syscall(122, 0l, 8l, &mask) == -1 && errno == EINVAL);
            continue;
        }
        CHECK(syscall(122, 0l, 8l, &mask) == 0);
        for (int k = 0; k < 5; k++) {
            CHECK(syscall(168, &cpu, 0l) == 0 && (int)cpu == i);
            usleep(100);
        }
        CHECK(syscall(123, 0l, 8l, &mask) == 8 && mask == 1ul << i);
    }
    CHECK(syscall(122, 0l, 8l, &all) == 0);
}
