/* t_proc.c: how processes begin, end, and are waited for. */
#include "lib/utest.h"

static int
ends_with(void *code)
{
    return (int)(uintptr_t)code;
}

static int
sleeps(void *arg)
{
    for (;;)
        sleep(1000);
    return 0;
}

long regs_over(long nr, long a0, long a1, char *at, long *result);

static void
nothing(int signo)
{
    (void)signo;
}

/* Calls and faults leave all registers as they are: those that need them all
 * (clone), those that enter a handler (kill), and the rest; traced or not. */
static void
check_registers(void)
{
    char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    long r = -1;

    signal(SIGTERM, nothing);
    CHECK(regs_over(173, 1, 2, p, &r) == 0 && r == getppid());
    CHECK(regs_over(999, 1, 2, p + PAGE, &r) == 0 && r == -ENOSYS);
    CHECK(regs_over(129, getpid(), SIGTERM, p + 2 * PAGE, &r) == 0 && r == 0);
    CHECK(regs_over(220, SIGCHLD, 0, p + 3 * PAGE, &r) == 0 && r >= 0);
    if (r == 0)
        _exit(7);
    CHECK(waitpid((pid_t)r, &status, 0) == r && WEXITSTATUS(status) == 7);
}

UTEST(registers_survive_calls_and_faults)
{
    int fd = open("/proc/self/trace", O_WRONLY);

    check_registers();
    if (fd < 0)
        return;
    CHECK(write(fd, "1", 1) == 1);
    check_registers();
}

UTEST(exit_status_has_eight_bits)
{
    CHECK(run_child(ends_with, (void *)0) == 0);
    CHECK(run_child(ends_with, (void *)1) == 1 << 8);
    CHECK(run_child(ends_with, (void *)0x1ff) == 0xff << 8);
    CHECK(run_child(ends_with, (void *)-1) == 0xff << 8);
}

UTEST(wait_takes_who_is_meant)
{
    pid_t a = child(ends_with, (void *)1), b = child(ends_with, (void *)2), c;
    int s;

    CHECK(waitpid(b, &s, 0) == b && s == 2 << 8);
    CHECK(waitpid(b, &s, 0) == -1 && errno == ECHILD);
    CHECK(waitpid(a, &s, 0) == a && s == 1 << 8);
    CHECK(waitpid(-1, &s, 0) == -1 && errno == ECHILD);
    CHECK(waitpid(1, &s, 0) == -1 && errno == ECHILD);
    c = child(sleeps, NULL);
    CHECK(waitpid(-1, &s, WNOHANG) == 0);
    CHECK(waitpid(c, &s, WNOHANG) == 0);
    CHECK(kill(c, SIGTERM) == 0);
    CHECK(waitpid(-1, &s, 0) == c && s == SIGTERM);
}

UTEST(wait_for_a_group)
{
    pid_t a = child(sleeps, NULL), b = child(sleeps, NULL);
    int s;

    CHECK(setpgid(a, a) == 0);
    CHECK(setpgid(b, a) == 0);
    CHECK(waitpid(-a, &s, WNOHANG) == 0);
    CHECK(waitpid(-b, &s, WNOHANG) == -1 && errno == ECHILD);
    CHECK(waitpid(0, &s, WNOHANG) == -1 && errno == ECHILD);
    CHECK(kill(-a, SIGKILL) == 0);
    CHECK(waitpid(-a, &s, 0) > 0 && s == SIGKILL);
    CHECK(waitpid(-a, &s, 0) > 0 && s == SIGKILL);
    CHECK(kill(-a, SIGKILL) == -1 && errno == ESRCH);
    (void)b;
}

UTEST(wait_refuses_bad_pointers)
{
    pid_t a = child(ends_with, (void *)3);
    int s;

    CHECK(waitpid(a, (int *)8, 0) == -1 && errno == EFAULT);
    /* Linux has let go of the child by then, and so have we. */
    CHECK(waitpid(a, &s, 0) == -1 && errno == ECHILD);
}

UTEST(kill_of_nobody)
{
    pid_t a = child(ends_with, NULL);
    int s;

    CHECK(kill(a, 0) == 0); /* alive or zombie */
    CHECK(waitpid(a, &s, 0) == a);
    CHECK(kill(a, 0) == -1 && errno == ESRCH);
    CHECK(kill(a, SIGKILL) == -1 && errno == ESRCH);
    CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
    CHECK(kill(getpid(), -1) == -1 && errno == EINVAL);
}

UTEST(kill_of_init_is_nothing)
{
    CHECK(kill(1, SIGKILL) == 0);
    CHECK(kill(1, SIGTERM) == 0);
    CHECK(kill(1, 0) == 0);
}

UTEST(ignored_signals_are_nothing)
{
    pid_t a = child(sleeps, NULL);
    int s;

    CHECK(kill(a, SIGCHLD) == 0);
    CHECK(kill(a, 28) == 0);
    CHECK(kill(a, 23) == 0);
    usleep(1000);
    CHECK(waitpid(a, &s, WNOHANG) == 0);
    CHECK(kill(a, SIGHUP) == 0);
    CHECK(waitpid(a, &s, 0) == a && s == SIGHUP);
}

/* --- uncaught kills while in the kernel --- */

static int ends[2];

static int
reads(void *arg)
{
    char c;

    return read(ends[0], &c, 1) == 1;
}

static int
writes(void *arg)
{
    static char much[PAGE];

    while (write(ends[1], much, sizeof(much)) > 0)
        ;
    return 0;
}

static int
waits(void *arg)
{
    pid_t pid = fork();

    if (pid == 0) {
        char c;

        close(ends[1]);
        read(ends[0], &c, 1); /* until its pipe closes, or it is killed */
        _exit(0);
    }
    wait(NULL);
    return 0;
}

static int
spins(void *arg)
{
    for (volatile int i = 0;; i++)
        ;
    return 0;
}

static int
vforks(void *arg)
{
    if (vfork() == 0) {
        usleep(20000);
        _exit(0);
    }
    return 0;
}

static void
kill_one(int (*fn)(void *), int signo)
{
    for (int i = 0; i < 5; i++) {
        pid_t pid;
        int s;

        CHECK(pipe(ends) == 0);
        pid = child(fn, NULL);
        if (i > 0)
            usleep(2000u * (unsigned)i); /* let it get there */
        CHECK(kill(pid, signo) == 0);
        CHECK(waitpid(pid, &s, 0) == pid && s == signo);
        close(ends[0]);
        close(ends[1]);
    }
}

UTEST(kill_who_reads_a_pipe)
{
    kill_one(reads, SIGTERM);
}

UTEST(kill_who_writes_a_pipe)
{
    kill_one(writes, SIGKILL);
}

UTEST(kill_who_sleeps)
{
    kill_one(sleeps, SIGINT);
}

UTEST(kill_who_computes)
{
    kill_one(spins, SIGKILL);
}

UTEST(kill_who_waits)
{
    kill_one(waits, SIGKILL);
}

UTEST(kill_who_waits_for_vfork)
{
    pid_t pid = child(vforks, NULL);
    int s;

    usleep(1000);
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &s, 0) == pid && (s == SIGKILL || s == 0));
}

/* --- orphans --- */

static volatile int *told;

static int
leaves_a_child(void *arg)
{
    if (fork() == 0) {
        while (getppid() != 1)
            sched_yield();
        *told = getpid();
        _exit(0);
    }
    return 0;
}

UTEST(orphans_go_to_init)
{
    told = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(run_child(leaves_a_child, NULL) == 0);
    while (*told == 0)
        sched_yield();
    while (kill(*told, 0) == 0) /* init waits for it */
        sched_yield();
    CHECK(errno == ESRCH);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
}

static int
leaves_zombies(void *arg)
{
    for (int i = 0; i < 20; i++)
        child(ends_with, NULL);
    return 0;
}

UTEST(zombies_of_the_dead_are_waited_for)
{
    CHECK(run_child(leaves_zombies, NULL) == 0);
}

/* --- vfork --- */

static volatile int vfork_saw;

UTEST(vfork_waits_for_exit)
{
    pid_t pid = vfork();
    int s;

    if (pid == 0) {
        usleep(3000);
        vfork_saw = 1;
        _exit(4);
    }
    CHECK(vfork_saw == 1); /* one memory, and it was first */
    CHECK(waitpid(pid, &s, 0) == pid && s == 4 << 8);
}

UTEST(vfork_waits_for_exec)
{
    char *argv[] = {"/bin/true", NULL};
    pid_t pid = vfork();
    int s;

    if (pid == 0) {
        vfork_saw = 2;
        execve(argv[0], argv, environ);
        _exit(9);
    }
    CHECK(vfork_saw == 2);
    CHECK(waitpid(pid, &s, 0) == pid && s == 0);
}

/* --- clone --- */

static volatile int cloned;
static int told_parent, told_child;

static int
set_and_end(void *arg)
{
    cloned = (int)(uintptr_t)arg;
    close(ends[0]);
    return 6;
}

UTEST(clone_shares_memory_and_files)
{
    char *stack = pages(4, RW) + 4 * PAGE;
    char c;
    long pid;
    int s;

    CHECK(pipe(ends) == 0);
    pid = raw_clone(CLONE_VM | CLONE_FILES | SIGCHLD, stack, set_and_end,
                    (void *)5, NULL, NULL);
    CHECK(pid > 0 && waitpid((int)pid, &s, 0) == pid && s == 6 << 8);
    CHECK(cloned == 5);
    CHECK(read(ends[0], &c, 1) == -1 && errno == EBADF);
}

UTEST(clone_without_memory_has_its_own)
{
    char *stack = pages(4, RW) + 4 * PAGE;
    char c;
    long pid;
    int s;

    CHECK(pipe(ends) == 0);
    close(ends[1]);
    pid = raw_clone(SIGCHLD, stack, set_and_end, (void *)5, NULL, NULL);
    CHECK(pid > 0 && waitpid((int)pid, &s, 0) == pid && s == 6 << 8);
    CHECK(cloned == 0);
    CHECK(read(ends[0], &c, 1) == 0);
}

UTEST(clone_tells_numbers)
{
    char *stack = pages(4, RW) + 4 * PAGE;
    long pid =
        raw_clone(CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                      CLONE_VFORK | SIGCHLD,
                  stack, set_and_end, (void *)1, &told_parent, &told_child);

    CHECK(pid > 0 && told_parent == pid && told_child == pid);
    CHECK(waitpid((int)pid, NULL, 0) == pid);
}

UTEST(clone_refuses_nonsense)
{
    char *stack = pages(4, RW) + 4 * PAGE;

    CHECK(raw_clone(CLONE_THREAD | CLONE_VM, stack, set_and_end, NULL, NULL,
                    NULL) == -EINVAL);
    CHECK(raw_clone(CLONE_SIGHAND, stack, set_and_end, NULL, NULL, NULL) ==
          -EINVAL);
}

static int
clone_sibling(void *arg)
{
    char *stack = pages(4, RW) + 4 * PAGE;

    raw_clone(CLONE_PARENT | SIGCHLD, stack, ends_with, (void *)0, NULL, NULL);
    return wait(NULL) == -1 && errno == ECHILD ? 0 : 1;
}

UTEST(clone_parent_makes_a_sibling)
{
    int s;

    CHECK(run_child(clone_sibling, NULL) == 0);
    CHECK(wait(&s) > 0 && s == 0);
    CHECK(wait(&s) == -1 && errno == ECHILD);
}

/* --- sessions and groups --- */

static int
session(void *arg)
{
    pid_t me = getpid();

    if (syscall(157) != me || syscall(156, 0l) != me || syscall(155, 0l) != me)
        return 1;
    if (syscall(157) != -1 || errno != EPERM)
        return 2;
    if (setpgid(0, 0) != -1 || errno != EPERM)
        return 3;
    return 0;
}

UTEST(sessions)
{
    CHECK(run_child(session, NULL) == 0);
    CHECK(setpgid(0, -1) == -1 && errno == EINVAL);
    CHECK(setpgid(1, 0) == -1 && errno == ESRCH);
}

/* --- limits --- */

struct limit {
    uint64_t cur, max;
};

static int
forks_beyond(void *arg)
{
    struct limit l = {10, 10};
    int made = 0, again = 0;
    pid_t pids[20];

    if (syscall(261, 0l, 6l, &l, NULL) != 0) /* RLIMIT_NPROC */
        return 1;
    while (made < 20 && (pids[made] = fork()) > 0)
        made++;
    if (made < 20 && pids[made] == 0)
        sleeps(NULL);
    again = errno == EAGAIN;
    for (int i = 0; i < made; i++) {
        if (kill(pids[i], SIGKILL) != 0 || waitpid(pids[i], NULL, 0) < 0)
            return 3;
    }
    return again ? made : 2;
}

/* init, utest, this program, the test, its child, and 5 more. */
UTEST(process_limit)
{
    CHECK(run_child(forks_beyond, NULL) == 5 << 8);
}

/* --- usage: row 9 --- */

struct usage {
    uint64_t utime[2], stime[2], words[14];
};

static int
touches(void *n)
{
    char *p = pages((uintptr_t)n, RW);

    for (uintptr_t i = 0; i < (uintptr_t)n; i++)
        p[i * PAGE] = 1;
    return 0;
}

static int
touches_twice(void *arg)
{
    int s = run_child(touches, (void *)200);

    return s != 0 ? s : touches((void *)100);
}

static uint64_t
faults_of(int (*fn)(void *), void *arg)
{
    struct usage u;
    pid_t pid = child(fn, arg);
    int s;

    CHECK(syscall(260, (long)pid, &s, 0l, &u, 0l, 0l) == pid && s == 0);
    return u.words[4];
}

UTEST(vm_row_9_faults_of_children_are_added)
{
    uint64_t none = faults_of(ends_with, NULL);
    uint64_t some = faults_of(touches, (void *)100);
    uint64_t all = faults_of(touches_twice, NULL);

    CHECK(some - none >= 100 && some - none < 110);
    CHECK(all >= 300 + none && all < 340 + 2 * none);
}

static int
touches_and_execs(void *arg)
{
    char *argv[] = {"/bin/true", NULL};

    touches((void *)100);
    execve(argv[0], argv, environ);
    return 1;
}

UTEST(vm_row_9_exec_keeps_what_was_counted)
{
    CHECK(faults_of(touches_and_execs, NULL) >= 100);
}
