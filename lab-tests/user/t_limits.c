/* t_limits.c: what a process may use: prlimit64() and what its limits do; on which
 * harts it runs. */
#include "lib/utest.h"

#define RLIMIT_FSIZE  1
#define RLIMIT_DATA   2
#define RLIMIT_STACK  3
#define RLIMIT_NPROC  6
#define RLIMIT_NOFILE 7
#define RLIMIT_AS     9
#define MIB           (1ul << 20)

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

/* --- address space and data --- */

static void
set_limit(int which, uint64_t value)
{
    uint64_t l[2] = {value, ~0ul}, now[2];

    CHECK(limit(0, which, l, NULL) == 0 && limit(0, which, NULL, now) == 0);
    CHECK(now[0] == value && now[1] == ~0ul);
}

static char *
map(void *at, size_t n, int prot, int flags)
{
    char *p = mmap(at, n, prot, MAP_ANONYMOUS | flags, -1, 0);

    CHECK(p != MAP_FAILED || errno == ENOMEM);
    return p == MAP_FAILED ? NULL : p;
}

static int
little_space(void *arg)
{
    char *p, *q, *heap = sbrk(0);

    set_limit(RLIMIT_AS, 64 * MIB);
    CHECK(map(NULL, 64 * MIB, RW, MAP_PRIVATE) == NULL);
    p = map(NULL, 40 * MIB, PROT_NONE, MAP_PRIVATE); /* counts all the same */
    CHECK(p != NULL && map(NULL, 24 * MIB, RW, MAP_SHARED) == NULL);
    CHECK(sbrk(24 * MIB) == (void *)-1 && errno == ENOMEM && sbrk(0) == heap);
    CHECK(mremap(p, 40 * MIB, 64 * MIB, MREMAP_MAYMOVE) == MAP_FAILED);
    CHECK(errno == ENOMEM);
    q = mremap(p, 40 * MIB, 50 * MIB, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    CHECK(map(q, 50 * MIB, RW, MAP_PRIVATE | MAP_FIXED) == q); /* instead */
    CHECK(mprotect(q, 50 * MIB, PROT_NONE) == 0);
    CHECK(map(NULL, 20 * MIB, RW, MAP_PRIVATE) == NULL);
    CHECK(munmap(q, 30 * MIB) == 0);
    CHECK(map(NULL, 20 * MIB, RW, MAP_PRIVATE) != NULL);
    set_limit(RLIMIT_AS, MIB); /* what is there stays */
    CHECK(map(NULL, PAGE, RW, MAP_PRIVATE) == NULL && q[30 * MIB - PAGE] == 0);
    return 0;
}

static int
inherits_space(void *arg)
{
    set_limit(RLIMIT_AS, 64 * MIB);
    CHECK(run_child(little_space, NULL) == 0);
    if (fork() == 0)
        _exit(map(NULL, 64 * MIB, RW, MAP_PRIVATE) != NULL);
    CHECK(wait((int *)arg) > 0 && *(int *)arg == 0);
    return 0;
}

static int
stack_in_no_space(void *arg)
{
    set_limit(RLIMIT_AS, MIB / 2); /* less than there is */
    return deep(arg);
}

static int
exec_in_no_space(void *arg)
{
    char *argv[] = {"true", NULL};

    set_limit(RLIMIT_AS, 4 * PAGE);
    CHECK(execve("/bin/true", argv, NULL) == -1 && errno == ENOMEM);
    set_limit(RLIMIT_AS, ~0ul);
    execve("/bin/true", argv, NULL);
    return 1;
}

UTEST(vm_row_97_limit_of_address_space)
{
    int status;

    CHECK(run_child(little_space, NULL) == 0);
    CHECK(run_child(inherits_space, &status) == 0);
    status = run_child(stack_in_no_space, (void *)500);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(run_child(exec_in_no_space, NULL) == 0);
}

static int
little_data(void *arg)
{
    char *p, *q, *heap = sbrk(0);

    set_limit(RLIMIT_DATA, 16 * MIB);
    CHECK(map(NULL, 16 * MIB, RW, MAP_PRIVATE) == NULL);
    p = map(NULL, 20 * MIB, PROT_READ, MAP_PRIVATE);
    CHECK(p != NULL && map(NULL, 20 * MIB, RW, MAP_SHARED) != NULL);
    CHECK(mprotect(p, 16 * MIB, RW) == -1 && errno == ENOMEM);
    CHECK(mprotect(p, 8 * MIB, RW) == 0);
    p[8 * MIB - 1] = 1;
    CHECK(mprotect(p, 8 * MIB, RW) == 0); /* again: nothing more */
    CHECK(sbrk(8 * MIB) == (void *)-1 && errno == ENOMEM && sbrk(0) == heap);
    CHECK(sbrk(4 * MIB) == heap);
    CHECK(map(NULL, 4 * MIB, RW, MAP_PRIVATE) == NULL);
    CHECK(mprotect(p, 8 * MIB, PROT_READ) == 0);
    q = map(NULL, 4 * MIB, RW, MAP_PRIVATE);
    CHECK(q != NULL);
    CHECK(mremap(q, 4 * MIB, 16 * MIB, MREMAP_MAYMOVE) == MAP_FAILED);
    CHECK(errno == ENOMEM);
    return 0;
}

UTEST(vm_row_97_limit_of_data)
{
    CHECK(run_child(little_data, NULL) == 0);
}

/* --- length of files --- */

static int
little_files(void *arg)
{
    static char buf[8192];
    uint64_t old[2];
    int fd = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0600), end[2];

    CHECK(fd >= 0 && syscall(163, (long)RLIMIT_FSIZE, old) == 0);
    CHECK(old[0] == ~0ul && write(fd, buf, 8192) == 8192);
    old[0] = 10000;
    CHECK(syscall(164, (long)RLIMIT_FSIZE, old) == 0);
    CHECK(write(fd, buf, 8192) == 1808); /* as much as it may have */
    CHECK(ftruncate(fd, 10000) == 0 && ftruncate(fd, 100) == 0);
    CHECK(pwrite(fd, buf, 1, 9999) == 1);
    CHECK(pipe(end) == 0 && write(end[1], buf, 1000) == 1000);
    if (arg == NULL)
        CHECK(write(fd, buf, 1) == 1); /* it dies */
    if (arg == little_files)
        CHECK(ftruncate(fd, 10001) == 0); /* it dies */
    signal(SIGXFSZ, SIG_IGN);
    CHECK(write(fd, buf, 1) == -1 && errno == EFBIG);
    CHECK(write(fd, buf, 0) == 0);
    CHECK(pwrite(fd, buf, 1, 20000) == -1 && errno == EFBIG);
    CHECK(ftruncate(fd, 10001) == -1 && errno == EFBIG);
    CHECK(syscall(47, (long)fd, 0l, 0l, 10001l) == -1 && errno == EFBIG);
    CHECK(lseek(fd, 0, SEEK_END) == 10000);
    return 0;
}

UTEST(limit_of_file_size)
{
    int status = run_child(little_files, NULL);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    status = run_child(little_files, little_files);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    CHECK(run_child(little_files, "ignore") == 0);
    CHECK(unlink("/tmp/limited") == 0);
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
