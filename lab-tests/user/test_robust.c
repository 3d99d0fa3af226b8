/* test_robust.c: ends of processes that meet each other: kill, exit, exec, fork
 * and wait by several threads at once.  Each test is a child of its own; one
 * that does not end is killed and has failed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_exit      93
#define NR_clone     220
#define NR_execve    221
#define NR_wait4     260
#define NR_prlimit64 261
#define NR_sigaction 134
#define RLIMIT_NPROC 6
#define CLONE_FILES  0x400
#define CLONE_PARENT 0x8000
#define CLONE_PIDFD  0x1000
#define THREAD       0x50f00 /* VM FS FILES SIGHAND THREAD SYSVSEM */
#define CLONE_SETTID 0x100000
#define PATIENCE_S   20
#define STACK        16384

#define CHECK(x)                                                         \
    do {                                                                 \
        if (!(x)) {                                                      \
            printf("FAIL line %d: %s, errno %d\n", __LINE__, #x, errno); \
            fflush(stdout);                                              \
            syscall(94, 1);                                              \
        }                                                                \
    } while (0)

static const char *self;

/* FN runs in a new thread, on 16 KiB at STACK. */
static long
thread(void (*fn)(void), char *stack)
{
    register long a0 __asm__("a0") = THREAD;
    register long a1 __asm__("a1") = (long)(stack + STACK);
    register long a7 __asm__("a7") = NR_clone;
    register void (*s1)(void) __asm__("s1") = fn;

    __asm__ volatile("ecall\n"
                     "bnez a0, 1f\n"
                     "jalr s1\n"
                     "li a0, 0\n"
                     "li a7, 93\n"
                     "ecall\n"
                     "1:"
                     : "+r"(a0), "+r"(a7)
                     : "r"(a1), "r"(s1)
                     : "memory", "ra");
    return a0;
}

static void
spin(void)
{
    for (;;)
        __asm__ volatile("");
}

static int
status_of(pid_t pid)
{
    int s = -1;

    CHECK(waitpid(pid, &s, 0) == pid);
    return s;
}

static void
exec_self(const char *arg)
{
    char *argv[] = {(char *)self, (char *)arg, NULL};
    char *envp[] = {NULL};

    execve(self, argv, envp);
    CHECK(!"exec");
}

/* --- kill --- */

static void
kill_spinning(void)
{
    pid_t pid = fork();

    if (pid == 0)
        spin();
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(status_of(pid) == SIGKILL);
}

static void
kill_at_birth(void)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();

        if (pid == 0)
            spin();
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK(status_of(pid) == SIGKILL);
    }
}

static void
kill_reader_of_console(void)
{
    pid_t pid[2];
    char c;

    for (int i = 0; i < 2; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            read(0, &c, 1);
            _exit(0);
        }
    }
    usleep(20000);
    for (int i = 0; i < 2; i++) {
        CHECK(kill(pid[i], SIGTERM) == 0);
        CHECK(status_of(pid[i]) == SIGTERM);
    }
}

/* A write that would go on for long. */
static void
kill_in_long_call(void)
{
    size_t size = 1ul << 30;
    pid_t pid = fork();

    if (pid == 0) {
        char *p = mmap(NULL, size, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        int fd = open("/dev/null", O_WRONLY);

        for (;;)
            write(fd, p, size);
    }
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(status_of(pid) == SIGKILL);
}

static char stacks[4][STACK] __attribute__((aligned(16)));

static void
kill_all_threads(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < 4; i++)
            CHECK(thread(spin, stacks[i]) > 0);
        spin();
    }
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(status_of(pid) == SIGKILL);
}

static void
odd_numbers(void)
{
    CHECK(kill(-2147483647 - 1, 0) == -1 && errno == ESRCH);
    CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
    CHECK(kill(getpid(), -1) == -1 && errno == EINVAL);
    CHECK(syscall(NR_wait4, -2147483647 - 1, 0, 0, 0) == -1 &&
          (errno == ESRCH || errno == ECHILD));
    CHECK(syscall(NR_wait4, -1, 0, 0x100, 0) == -1 && errno == EINVAL);
    CHECK(syscall(NR_clone, CLONE_PIDFD | SIGCHLD, 0, 0, 0, 0) == -1 &&
          errno == EINVAL);
    CHECK(syscall(NR_clone, 0x20000000 | SIGCHLD, 0, 0, 0, 0) == -1 &&
          errno == EINVAL);
}

/* --- exec --- */

static void
exec_among_threads(void)
{
    for (int i = 0; i < 4; i++)
        CHECK(thread(spin, stacks[i]) > 0);
    exec_self("ids");
}

static void
exec_ids(void)
{
    exec_self("ids");
}

static void
exec_by_second(void)
{
    CHECK(thread(exec_ids, stacks[0]) > 0);
    spin();
}

static void
exec_by_both(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            CHECK(thread(exec_ids, stacks[0]) > 0);
            exec_ids();
        }
        CHECK(status_of(pid) == 0);
    }
}

static void
breathe(void)
{
}

static void
breed(void)
{
    for (unsigned i = 0;; i++)
        thread(breathe, stacks[1 + i % 3]);
}

/* Threads that are born while another execs. */
static void
exec_while_breeding(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            CHECK(thread(breed, stacks[0]) > 0);
            if (i & 1)
                sched_yield();
            exec_ids();
        }
        CHECK(status_of(pid) == 0);
    }
}

static void
exit_while_breeding(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            CHECK(thread(breed, stacks[0]) > 0);
            sched_yield();
            _exit(9);
        }
        CHECK(status_of(pid) == 9 << 8);
    }
}

/* The table of files is ours alone after exec; the other keeps its own. */
static void
exec_unshares_files(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t pid = (pid_t)syscall(NR_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    CHECK(fd >= 0 && pid >= 0);
    if (pid == 0)
        exec_self("ids");
    CHECK(status_of(pid) == 0);
    CHECK(fcntl(fd, F_GETFD) == 1);
}

/* --- vfork --- */

static void
vfork_child_dies(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        kill(getpid(), SIGTERM);
        spin();
    }
    CHECK(status_of(pid) == SIGTERM);
}

static volatile pid_t grandchild;

static void
vfork_parent_dies(void)
{
    volatile pid_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();

    if (pid == 0) {
        if (vfork() == 0) {
            *shared = getpid();
            spin();
        }
        _exit(0);
    }
    while (*shared == 0)
        sched_yield();
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(status_of(pid) == SIGKILL);
    CHECK(kill(*shared, SIGKILL) == 0);
}

/* The one that waits is not the parent. */
static void
vfork_for_the_parent(void)
{
    pid_t pid = fork(), other;

    if (pid == 0) {
        other = (pid_t)syscall(NR_clone, 0x4000 | CLONE_PARENT | SIGCHLD, 0, 0,
                               0, 0);
        if (other == 0)
            usleep(1000);
        _exit(0);
    }
    CHECK(status_of(pid) == 0);
    CHECK(wait(NULL) > 0);
}

/* --- wait and exit --- */

static volatile pid_t awaited;
static volatile int got[2], done;

static void
wait_for_it(void)
{
    int i = __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);

    got[i & 1] = (int)syscall(NR_wait4, awaited, 0, 0, 0) > 0 ? 1 : 2;
}

static void
two_waiters(void)
{
    for (int i = 0; i < 20; i++) {
        done = got[0] = got[1] = 0;
        awaited = fork();
        if (awaited == 0) {
            sched_yield();
            _exit(0);
        }
        CHECK(thread(wait_for_it, stacks[0]) > 0);
        CHECK(thread(wait_for_it, stacks[1]) > 0);
        while (got[0] == 0 || got[1] == 0)
            sched_yield();
        CHECK(got[0] + got[1] == 3);
        usleep(1000); /* they leave their stacks */
    }
}

static void
late_end(void)
{
    usleep(5000);
    syscall(NR_exit, 5);
}

static void
leader_ends_first(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        CHECK(thread(late_end, stacks[0]) > 0);
        syscall(NR_exit, 7);
    }
    CHECK(status_of(pid) == 7 << 8);
}

static void
limited(void)
{
    unsigned long few[2] = {1, 1};

    CHECK(syscall(NR_prlimit64, 0, RLIMIT_NPROC, few, 0) == 0);
    CHECK(fork() == -1 && errno == EAGAIN);
    CHECK(thread(spin, stacks[0]) < 0);
}

static void
orphans(void)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            for (int k = 0; k < 3; k++) {
                if (fork() == 0) {
                    if (k == 1)
                        sched_yield();
                    _exit(0);
                }
            }
            _exit(0);
        }
        CHECK(status_of(pid) == 0);
    }
    CHECK(wait(NULL) == -1 && errno == ECHILD);
}

static void
ignored_signal(void)
{
    long ignore[3] = {1, 0, 0}, handler[3] = {0x1000, 0, 0}, old[3];
    pid_t pid;

    CHECK(syscall(NR_sigaction, SIGINT, ignore, old, 8) == 0 && old[0] == 0);
    CHECK(syscall(NR_sigaction, SIGINT, 0, old, 8) == 0 && old[0] == 1);
    CHECK(kill(getpid(), SIGINT) == 0);
    pid = fork();
    if (pid == 0)
        exec_self("int");
    CHECK(status_of(pid) == 0);
    CHECK(syscall(NR_sigaction, SIGKILL, ignore, 0, 8) == -1 &&
          errno == EINVAL);
    CHECK(syscall(NR_sigaction, SIGINT, handler, 0, 8) == -1 &&
          errno == ENOSYS);
    CHECK(syscall(NR_sigaction, 65, ignore, 0, 8) == -1 && errno == EINVAL);
    CHECK(syscall(NR_sigaction, SIGINT, 1, 0, 8) == -1 && errno == EFAULT);
}

static const struct test {
    const char *name;
    void (*fn)(void);
} tests[] = {
#define T(x)  \
    {         \
#x, x \
    }
    T(odd_numbers),
    T(kill_spinning),
    T(kill_at_birth),
    T(kill_all_threads),
    T(kill_in_long_call),
    T(kill_reader_of_console),
    T(exec_among_threads),
    T(exec_by_second),
    T(exec_by_both),
    T(exec_while_breeding),
    T(exit_while_breeding),
    T(exec_unshares_files),
    T(vfork_child_dies),
    T(vfork_parent_dies),
    T(vfork_for_the_parent),
    T(two_waiters),
    T(leader_ends_first),
    T(limited),
    T(orphans),
    T(ignored_signal),
};

static bool
run(const struct test *t)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        t->fn();
        _exit(0);
    }
    for (int i = 0; i < PATIENCE_S * 100; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            printf("%s %s (%x)\n", status == 0 ? "ok" : "FAIL", t->name,
                   status);
            return status == 0;
        }
        usleep(10000);
    }
    printf("FAIL %s: does not end\n", t->name);
    kill(pid, SIGKILL);
    return false;
}

int
main(int argc, char **argv)
{
    int failed = 0;

    self = "/bin/test_robust";
    if (argc > 1 && strcmp(argv[1], "ids") == 0)
        return getpid() == gettid() ? 0 : 1;
    if (argc > 1 && strcmp(argv[1], "int") == 0)
        return kill(getpid(), SIGINT);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc < 2 || strcmp(argv[1], tests[i].name) == 0)
            failed += !run(&tests[i]);
    }
    printf("robust: %d failed\n", failed);
    return failed;
}
