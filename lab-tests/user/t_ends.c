/* t_ends.c: ends of processes that meet each other: kill, exit, exec, fork and
 * wait, by several threads at once.  What must not happen is mostly that a test
 * never ends. */
#include "lib/utest.h"

#define NR_exit      93
#define NR_sigaction 134
#define NR_clone     220
#define NR_wait4     260
#define NR_prlimit64 261
#define RLIMIT_NPROC 6
#define CLONE_PIDFD  0x1000ul
#define NTHREADS     4

static struct uthread threads[NTHREADS];

static int
spin(void *arg)
{
    for (;;)
        __asm__ volatile("");
    return 0;
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
    char *argv[] = {"t_ends", (char *)arg, NULL};
    char *envp[] = {NULL};

    execve("/bin/t_ends", argv, envp);
    CHECK(!"exec");
}

/* --- kill --- */

UTEST(ends_kill_spinning)
{
    pid_t pid = fork();

    if (pid == 0)
        spin(NULL);
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(status_of(pid) == SIGKILL);
}

UTEST(ends_kill_at_birth)
{
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();

        if (pid == 0)
            spin(NULL);
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK(status_of(pid) == SIGKILL);
    }
}

UTEST(ends_kill_reader_of_console)
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
UTEST(ends_kill_in_long_call)
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

UTEST(ends_kill_all_threads)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (int i = 0; i < 4; i++)
            thread_start(&threads[i], spin, NULL);
        spin(NULL);
    }
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(status_of(pid) == SIGKILL);
}

UTEST(ends_odd_numbers)
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

/* What the others exec: a process of one task again. */
UTEST(ends_one_number)
{
    CHECK(getpid() == gettid());
}

UTEST(ends_exec_among_threads)
{
    for (int i = 0; i < 4; i++)
        thread_start(&threads[i], spin, NULL);
    exec_self("ends_one_number");
}

static int
exec_ids(void *arg)
{
    exec_self("ends_one_number");
    return 0;
}

UTEST(ends_exec_by_second)
{
    thread_start(&threads[0], exec_ids, NULL);
    spin(NULL);
}

UTEST(ends_exec_by_both)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            thread_start(&threads[0], exec_ids, NULL);
            exec_ids(NULL);
        }
        CHECK(status_of(pid) == 0);
    }
}

static int
breathe(void *arg)
{
    return 0;
}

static char *stacks[3];

static int
breed(void *arg)
{
    for (unsigned i = 0;; i++)
        raw_clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                      CLONE_THREAD,
                  stacks[i % 3], breathe, NULL, NULL, NULL);
    return 0;
}

static void
start_breeding(void)
{
    for (int i = 0; i < 3; i++)
        stacks[i] = pages(1, RW) + PAGE;
    thread_start(&threads[0], breed, NULL);
}

/* Threads that are born while another execs. */
UTEST(ends_exec_while_breeding)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            start_breeding();
            if (i & 1)
                sched_yield();
            exec_ids(NULL);
        }
        CHECK(status_of(pid) == 0);
    }
}

UTEST(ends_exit_while_breeding)
{
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            start_breeding();
            sched_yield();
            _exit(9);
        }
        CHECK(status_of(pid) == 9 << 8);
    }
}

/* The table of files is ours alone after exec; the other keeps its own. */
UTEST(ends_exec_unshares_files)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t pid = (pid_t)syscall(NR_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

    CHECK(fd >= 0 && pid >= 0);
    if (pid == 0)
        exec_self("ends_one_number");
    CHECK(status_of(pid) == 0);
    CHECK(fcntl(fd, F_GETFD) == 1);
}

/* --- vfork --- */

UTEST(ends_vfork_child_dies)
{
    pid_t pid = vfork();

    if (pid == 0) {
        kill(getpid(), SIGTERM);
        spin(NULL);
    }
    CHECK(status_of(pid) == SIGTERM);
}

UTEST(ends_vfork_parent_dies)
{
    volatile pid_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();

    if (pid == 0) {
        if (vfork() == 0) {
            *shared = getpid();
            spin(NULL);
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
UTEST(ends_vfork_for_the_parent)
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

static int
wait_for_it(void *arg)
{
    *(bool *)arg = waitpid(awaited, NULL, 0) > 0;
    return 0;
}

UTEST(ends_two_waiters)
{
    for (int i = 0; i < 20; i++) {
        bool got[2];

        awaited = fork();
        if (awaited == 0) {
            sched_yield();
            _exit(0);
        }
        for (int k = 0; k < 2; k++)
            thread_start(&threads[k], wait_for_it, &got[k]);
        for (int k = 0; k < 2; k++)
            thread_join(&threads[k]);
        CHECK(got[0] != got[1]);
    }
}

static int
late_end(void *arg)
{
    usleep(5000);
    return 5;
}

UTEST(ends_leader_ends_first)
{
    pid_t pid = fork();

    if (pid == 0) {
        thread_start(&threads[0], late_end, NULL);
        syscall(NR_exit, 7);
    }
    CHECK(status_of(pid) == 7 << 8);
}

UTEST(ends_limited)
{
    unsigned long few[2] = {1, 1};

    CHECK(syscall(NR_prlimit64, 0, RLIMIT_NPROC, few, 0) == 0);
    CHECK(fork() == -1 && errno == EAGAIN);
    CHECK(raw_clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                        CLONE_THREAD,
                    pages(1, RW) + PAGE, spin, NULL, NULL, NULL) == -EAGAIN);
}

UTEST(ends_orphans)
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

/* After exec from the next one; started alone it has the default. */
UTEST(ends_still_ignored)
{
    long old[3];

    CHECK(syscall(NR_sigaction, SIGINT, 0, old, 8) == 0);
    if (environ[0] == NULL) {
        CHECK(old[0] == 1);
        CHECK(kill(getpid(), SIGINT) == 0);
    } else {
        CHECK(old[0] == 0);
    }
}

UTEST(ends_ignored_signal)
{
    long ignore[3] = {1, 0, 0}, old[3];
    pid_t pid;

    CHECK(syscall(NR_sigaction, SIGINT, ignore, old, 8) == 0 && old[0] == 0);
    CHECK(syscall(NR_sigaction, SIGINT, 0, old, 8) == 0 && old[0] == 1);
    CHECK(kill(getpid(), SIGINT) == 0);
    pid = fork();
    if (pid == 0)
        exec_self("ends_still_ignored");
    CHECK(status_of(pid) == 0);
    CHECK(syscall(NR_sigaction, SIGKILL, ignore, 0, 8) == -1 &&
          errno == EINVAL);
    CHECK(syscall(NR_sigaction, 65, ignore, 0, 8) == -1 && errno == EINVAL);
    CHECK(syscall(NR_sigaction, SIGINT, 1, 0, 8) == -1 && errno == EFAULT);
}
