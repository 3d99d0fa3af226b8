/* t_stop.c: stopping and continuing, and waiting for that: SIGSTOP and its like,
 * wait4(WUNTRACED, WCONTINUED), waitid(), and what sleeping calls make of it. */
#include "lib/utest.h"

#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20

#define WCONTINUED_ 8
#define WEXITED_    4
#define WNOWAIT_    0x01000000
#define STOPPED(s)  ((s) << 8 | 0x7f)

enum { P_ALL, P_PID, P_PGID };
enum { CLD_EXITED = 1, CLD_KILLED, CLD_STOPPED = 5, CLD_CONTINUED };

struct info {
    int signo, err, code, pad, pid, uid, status, pad2;
    char rest[96];
};

static long
waitid_(int which, int id, struct info *info, int options)
{
    long r = syscall(95, (long)which, (long)id, info, (long)options, 0l);

    return r < 0 ? -errno : r;
}

static volatile long *shared; /* a page that all see */

static void
share(void)
{
    shared = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK((void *)shared != MAP_FAILED);
}

static int
counts(void *arg)
{
    for (;;)
        shared[0]++;
    return 0;
}

/* It runs, or it does not: a few looks, as many turns of ours apart. */
static bool
runs(void)
{
    long before = shared[0];

    for (int i = 0; i < 400 && shared[0] == before; i++)
        usleep(500);
    return shared[0] != before;
}

static void
ends(pid_t pid)
{
    int status;

    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == SIGKILL);
}

/* Children, one after the other; each counts until it is told to go. */
static int
breeds(void *arg)
{
    setpgid(0, 0);
    shared[1] = 1;
    for (;;) {
        long before = shared[0];
        pid_t pid = fork();

        if (pid == 0) {
            for (long at = shared[2]; shared[2] == at;)
                shared[0]++;
            _exit(0);
        }
        while (shared[0] == before)
            sched_yield();
        shared[2]++;
        waitpid(pid, NULL, 0);
    }
    return 0;
}

/* Nobody is born into a stopped group who does not know that it is stopped. */
UTEST(stop_meets_fork)
{
    pid_t pid;
    int status, still = 0;

    share();
    pid = child(breeds, NULL);
    while (shared[1] == 0)
        usleep(100);
    for (int i = 0; i < 200; i++) {
        usleep(i * 37 % 1000);
        CHECK(kill(-pid, SIGSTOP) == 0);
        CHECK(waitpid(pid, &status, WUNTRACED) == pid);
        CHECK(status == STOPPED(SIGSTOP));
        for (int k = 0; k < 100; k++) {
            long at = shared[0];

            usleep(1000);
            still = shared[0] == at ? still + 1 : 0;
            if (still == 3)
                break;
        }
        CHECK(still == 3);
        still = 0;
        CHECK(kill(-pid, SIGCONT) == 0);
    }
    CHECK(kill(-pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == SIGKILL);
}

UTEST(stop_and_continue)
{
    pid_t pid;
    int status;

    share();
    pid = child(counts, NULL);
    for (int i = 0; i < 20; i++) {
        long at;

        CHECK(kill(pid, SIGSTOP) == 0);
        CHECK(waitpid(pid, &status, WUNTRACED) == pid);
        CHECK(status == STOPPED(SIGSTOP));
        at = shared[0];
        CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
        usleep(1000);
        CHECK(shared[0] == at);
        CHECK(kill(pid, SIGCONT) == 0);
        CHECK(waitpid(pid, &status, WCONTINUED_) == pid && status == 0xffff);
        CHECK(runs());
    }
    ends(pid);
}

UTEST(stopped_dies_of_sigkill_only)
{
    pid_t pid;
    int status;

    share();
    pid = child(counts, NULL);
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(kill(pid, SIGTERM) == 0); /* waits until it goes on */
    usleep(2000);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    kill(pid, SIGCONT);
    CHECK(waitpid(pid, &status, 0) == pid && status == SIGTERM);
    pid = child(counts, NULL);
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    ends(pid);
}

static int
thread_counts(void *arg)
{
    for (;;)
        ((volatile long *)arg)[0]++;
    return 0;
}

static int
three_threads(void *arg)
{
    static struct uthread t[2];

    thread_start(&t[0], thread_counts, (void *)(shared + 1));
    thread_start(&t[1], thread_counts, (void *)(shared + 2));
    return counts(NULL);
}

/* All threads stop, and the parent hears of it when the last one did. */
UTEST(stop_is_for_all_threads)
{
    pid_t pid;
    int status;

    share();
    pid = child(three_threads, NULL);
    for (int i = 0; i < 20; i++) {
        long at[3];

        while (shared[2] == 0)
            sched_yield();
        kill(pid, SIGSTOP);
        CHECK(waitpid(pid, &status, WUNTRACED) == pid);
        for (int k = 0; k < 3; k++)
            at[k] = shared[k];
        usleep(1000);
        for (int k = 0; k < 3; k++)
            CHECK(shared[k] == at[k]);
        kill(pid, SIGCONT);
        CHECK(runs());
    }
    ends(pid);
}

static volatile int chld;
static volatile long chld_code, chld_pid, chld_status;

static void
on_chld(int signo, const int *info, void *uc)
{
    (void)uc;
    chld++;
    chld_code = info[2];
    chld_pid = info[4];
    chld_status = info[6];
}

static void
handle_chld(uint64_t flags)
{
    uint64_t act[3] = {(uint64_t)on_chld, flags | 4, 0};

    CHECK(syscall(134, 17l, act, 0l, 8l) == 0);
}

static int
pauses(void *arg)
{
    for (;;)
        usleep(100000);
    return 0;
}

static void
until(volatile int *what, int n)
{
    while (*what < n)
        usleep(100);
}

UTEST(stop_tells_the_parent)
{
    pid_t pid;
    int status;

    handle_chld(0);
    pid = child(pauses, NULL);
    kill(pid, SIGSTOP);
    until(&chld, 1);
    CHECK(chld_code == CLD_STOPPED && chld_pid == pid &&
          chld_status == SIGSTOP);
    kill(pid, SIGCONT);
    until(&chld, 2);
    CHECK(chld_code == CLD_CONTINUED && chld_status == SIGCONT);
    kill(pid, SIGKILL);
    until(&chld, 3);
    CHECK(chld_code == CLD_KILLED && chld_status == SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid);
    handle_chld(1); /* SA_NOCLDSTOP */
    pid = child(pauses, NULL);
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(chld == 3);
    kill(pid, SIGKILL);
    until(&chld, 4);
    CHECK(waitpid(pid, &status, 0) == pid);
}

static int
returns_7(void *arg)
{
    return 7;
}

UTEST(waitid_tells_all)
{
    struct info info;
    pid_t pid = child(pauses, NULL), other;

    memset(&info, 1, sizeof(info));
    CHECK(waitid_(P_PID, pid, &info, WEXITED_ | WNOHANG) == 0);
    CHECK(info.pid == 0 && info.signo == 0);
    kill(pid, SIGSTOP);
    CHECK(waitid_(P_PID, pid, &info, WUNTRACED | WNOWAIT_) == 0);
    CHECK(info.code == CLD_STOPPED && info.status == SIGSTOP);
    CHECK(waitid_(P_PID, pid, &info, WUNTRACED) == 0);
    CHECK(info.signo == 17 && info.pid == pid && info.code == CLD_STOPPED);
    CHECK(waitid_(P_PID, pid, &info, WUNTRACED | WNOHANG) == 0 &&
          info.pid == 0);
    kill(pid, SIGCONT);
    CHECK(waitid_(P_ALL, 0, &info, WCONTINUED_) == 0);
    CHECK(info.code == CLD_CONTINUED && info.status == SIGCONT);
    other = child(returns_7, NULL);
    CHECK(waitid_(P_PID, other, &info, WEXITED_ | WNOWAIT_) == 0);
    CHECK(info.code == CLD_EXITED && info.status == 7);
    CHECK(waitid_(P_PID, other, &info, WEXITED_) == 0 && info.pid == other);
    CHECK(waitid_(P_PID, other, &info, WEXITED_) == -ECHILD);
    kill(pid, SIGTERM);
    CHECK(waitid_(P_PGID, getpgrp(), &info, WEXITED_) == 0);
    CHECK(info.pid == pid && info.code == CLD_KILLED && info.status == SIGTERM);
    CHECK(waitid_(P_ALL, 0, &info, WEXITED_) == -ECHILD);
    CHECK(waitid_(P_ALL, 0, &info, 0) == -EINVAL);
    CHECK(waitid_(9, 0, &info, WEXITED_) == -EINVAL);
    CHECK(waitid_(P_ALL, 0, &info, WEXITED_ | 0x100) == -EINVAL);
}

static uint64_t
now_us(void)
{
    struct timespec t;

    CHECK(syscall(113, 1l, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int
sleeps_40ms(void *arg)
{
    uint64_t begin = now_us();
    struct timespec t = {0, 40000000};

    if (syscall(101, &t, 0l) != 0)
        return 1;
    return now_us() - begin < 40000 ? 2 : 0;
}

/* A sleep goes on behind a stop: no error, and not from its beginning; how late
 * it is may not be judged. */
UTEST(stop_does_not_end_a_sleep)
{
    pid_t pid = child(sleeps_40ms, NULL);
    int status;

    for (int i = 0; i < 4; i++) {
        usleep(2000);
        kill(pid, SIGSTOP);
        if (waitpid(pid, &status, WUNTRACED) == pid && status == 0)
            return; /* it was over before */
        CHECK(status == STOPPED(SIGSTOP));
        kill(pid, SIGCONT);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int
reads(void *arg)
{
    char c;

    return read(((int *)arg)[0], &c, 1) == 1 && c == 'x' ? 0 : 1;
}

UTEST(stop_does_not_end_a_read)
{
    int fd[2], status;
    pid_t pid;

    CHECK(pipe(fd) == 0);
    pid = child(reads, fd);
    usleep(2000);
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    kill(pid, SIGCONT);
    usleep(2000);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    CHECK(write(fd[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
on_cont(int signo)
{
    shared[1]++;
}

static int
counts_conts(void *arg)
{
    uint64_t act[3] = {(uint64_t)on_cont, 0x10000000, 0};

    CHECK(syscall(134, (long)SIGCONT, act, 0l, 8l) == 0);
    shared[0] = 1;
    while (shared[1] < 3)
        usleep(500);
    return 0;
}

UTEST(stop_handler_of_cont_runs)
{
    pid_t pid;
    int status;

    share();
    pid = child(counts_conts, NULL);
    while (shared[0] == 0)
        sched_yield();
    for (int i = 1; i <= 3; i++) {
        kill(pid, SIGSTOP);
        CHECK(waitpid(pid, &status, WUNTRACED) == pid);
        CHECK(status == STOPPED(SIGSTOP));
        kill(pid, SIGCONT);
        while (shared[1] < i) /* the next stop would take it away */
            sched_yield();
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* SIGTSTP does not stop whom nobody could continue. */
static int
orphan_group(void *arg)
{
    CHECK(syscall(157) > 0); /* a session of its own */
    CHECK(kill(getpid(), SIGTSTP) == 0);
    return 5;
}

static int
in_group(void *arg)
{
    CHECK(setpgid(0, 0) == 0);
    CHECK(kill(getpid(), SIGTSTP) == 0);
    return 6;
}

static int
family(void *arg)
{
    int status;
    pid_t pid;

    CHECK(syscall(157) > 0);
    pid = child(in_group, NULL);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(status == STOPPED(SIGTSTP));
    kill(pid, SIGCONT);
    CHECK(waitpid(pid, &status, 0) == pid && status == 6 << 8);
    return 0;
}

UTEST(stop_by_terminal_needs_a_shell)
{
    CHECK(run_child(orphan_group, NULL) == 5 << 8);
    CHECK(run_child(family, NULL) == 0);
}

/* A stopped group whose shell ends gets SIGHUP and SIGCONT. */
static int
leaves_stopped(void *arg)
{
    int status;
    pid_t pid;

    CHECK(syscall(157) > 0);
    pid = child(in_group, NULL);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    shared[0] = pid;
    return 0;
}

UTEST(stop_orphans_are_hung_up)
{
    share();
    CHECK(run_child(leaves_stopped, NULL) == 0);
    while (kill((pid_t)shared[0], 0) == 0)
        usleep(500); /* process 1 waits for it */
    CHECK(errno == ESRCH);
}

/* Nobody waits for the children of who ignores SIGCHLD. */
UTEST(ignored_sigchld_leaves_no_zombies)
{
    uint64_t act[3] = {1, 0, 0};
    int status;

    CHECK(syscall(134, 17l, act, 0l, 8l) == 0);
    for (int i = 0; i < 10; i++)
        child(returns_7, NULL);
    CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
    act[0] = (uint64_t)on_chld;
    act[1] = 2; /* SA_NOCLDWAIT */
    CHECK(syscall(134, 17l, act, 0l, 8l) == 0);
    child(returns_7, NULL);
    while (waitpid(-1, &status, 0) != -1 || errno != ECHILD)
        ;
    CHECK(chld == 1);
}

static volatile long vfork_word, usrs;

static void
on_usr(int signo)
{
    usrs++;
}

/* A signal that is handled does not end the wait of vfork(). */
UTEST(vfork_waits_through_signals)
{
    uint64_t act[3] = {(uint64_t)on_usr, 0, 0};
    pid_t me = getpid(), pid;
    int status;

    CHECK(syscall(134, 10l, act, 0l, 8l) == 0);
    pid = vfork();
    if (pid == 0) {
        struct timespec t = {0, 20000000};

        syscall(129, (long)me, 10l);
        syscall(101, &t, 0l);
        vfork_word = 1;
        _exit(0);
    }
    CHECK(vfork_word == 1 && usrs == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
