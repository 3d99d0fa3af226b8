/* t_signal.c: handlers of signals, masks, and what calls do that are
 * interrupted. */
#include "lib/utest.h"

#define SIGUSR1 10
#define SIGUSR2 12

#define SA_SIGINFO_ 0x00000004ul
#define SA_ONSTACK_ 0x08000000ul
#define SA_RESTART_ 0x10000000ul

enum { BLOCK, UNBLOCK, SETMASK };

struct action {
    void (*handler)(int signo, const uint64_t *info, uint64_t *uc);
    uint64_t flags, mask;
};

static volatile int calls, last;
static volatile uint64_t fault_addr;
static volatile int fault_code;

static void
note(int signo, const uint64_t *info, uint64_t *uc)
{
    (void)info, (void)uc;
    calls++;
    last = signo;
}

static long
act(int signo, void (*handler)(int, const uint64_t *, uint64_t *),
    uint64_t flags)
{
    struct action a = {handler, flags, 0};
    long r = syscall(134, (long)signo, &a, 0l, 8l);

    return r < 0 ? -errno : r;
}

static uint64_t
mask(int how, uint64_t set)
{
    uint64_t old = 0;

    CHECK(syscall(135, (long)how, &set, &old, 8l) == 0);
    return old;
}

static uint64_t
bit(int signo)
{
    return 1ul << (signo - 1);
}

UTEST(signal_handler_runs_and_returns)
{
    CHECK(act(SIGUSR1, note, 0) == 0);
    for (int i = 1; i <= 10; i++) {
        CHECK(kill(getpid(), SIGUSR1) == 0);
        CHECK(calls == i && last == SIGUSR1);
    }
    CHECK(act(SIGKILL, note, 0) == -EINVAL);
    CHECK(act(65, note, 0) == -EINVAL);
}

UTEST(signal_blocked_is_pending)
{
    uint64_t pending;

    act(SIGUSR1, note, 0);
    CHECK(mask(BLOCK, bit(SIGUSR1)) == 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(calls == 0);
    CHECK(syscall(136, &pending, 8l) == 0 && pending == bit(SIGUSR1));
    CHECK(mask(UNBLOCK, bit(SIGUSR1)) == bit(SIGUSR1));
    CHECK(calls == 1);
}

static void
repair(int signo, const uint64_t *info, uint64_t *uc)
{
    (void)signo, (void)uc;
    calls++;
    fault_code = (int)info[1];
    fault_addr = info[2];
    mprotect((void *)(info[2] & ~(PAGE - 1)), PAGE, RW);
}

UTEST(signal_of_a_fault_can_repair_it)
{
    volatile char *p = pages(2, PROT_READ);

    act(SIGSEGV, repair, SA_SIGINFO_);
    p[PAGE + 5] = 7;
    CHECK(p[PAGE + 5] == 7 && calls == 1);
    CHECK(fault_addr == (uint64_t)p + PAGE + 5 && fault_code == SEGV_ACCERR);
}

static int
blocked_fault(void *arg)
{
    act(SIGSEGV, note, 0);
    mask(BLOCK, bit(SIGSEGV));
    *(volatile char *)arg = 1;
    return 0;
}

UTEST(signal_of_a_fault_cannot_be_blocked)
{
    dies(blocked_fault, (void *)16, SIGSEGV, SEGV_MAPERR, (void *)16);
}

/* Tell PARENT after a while; then write a byte to the pipe END. */
static pid_t
disturb(int end)
{
    pid_t parent = getpid(), pid = fork();

    if (pid != 0)
        return pid;
    usleep(10000);
    kill(parent, SIGUSR1);
    usleep(10000);
    _exit(write(end, "x", 1) == 1 ? 0 : 1);
}

UTEST(signal_interrupts_a_call)
{
    int fd[2], status;
    pid_t pid;
    char c;

    CHECK(pipe(fd) == 0);
    act(SIGUSR1, note, 0);
    pid = disturb(fd[1]);
    CHECK(read(fd[0], &c, 1) == -1 && errno == EINTR && calls == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

UTEST(signal_restarts_a_call)
{
    int fd[2], status;
    pid_t pid;
    char c = 0;

    CHECK(pipe(fd) == 0);
    act(SIGUSR1, note, SA_RESTART_);
    pid = disturb(fd[1]);
    CHECK(read(fd[0], &c, 1) == 1 && c == 'x' && calls == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int
nothing(void *arg)
{
    (void)arg;
    return 3;
}

UTEST(signal_tells_of_children)
{
    uint64_t none = 0;
    int status;
    pid_t pid;

    act(SIGCHLD, note, 0);
    mask(BLOCK, bit(SIGCHLD));
    pid = child(nothing, NULL);
    CHECK(syscall(133, &none, 8l) == -1 && errno == EINTR);
    CHECK(calls == 1 && last == SIGCHLD);
    CHECK(mask(BLOCK, 0) == bit(SIGCHLD));
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
}

static volatile uint64_t handler_sp;

static void
where(int signo, const uint64_t *info, uint64_t *uc)
{
    handler_sp = (uint64_t)__builtin_frame_address(0);
    note(signo, info, uc);
}

UTEST(signal_on_another_stack)
{
    uint64_t stack[3] = {(uint64_t)pages(4, RW), 0, 4 * PAGE};

    CHECK(syscall(132, stack, 0l) == 0);
    act(SIGUSR1, where, SA_ONSTACK_);
    kill(getpid(), SIGUSR1);
    CHECK(calls == 1);
    CHECK(handler_sp > stack[0] && handler_sp <= stack[0] + 4 * PAGE);
}

UTEST(signal_keeps_fractions)
{
    double sum = 0;
    pid_t parent = getpid(), pid;
    int status;

    act(SIGUSR2, note, SA_RESTART_);
    pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 50; i++) {
            kill(parent, SIGUSR2);
            sched_yield();
        }
        _exit(0);
    }
    do { /* on other harts the child may have ended already */
        double part = 0;

        for (int i = 0; i < 1000; i++)
            part += 0.5;
        CHECK(part == 500.0);
        sum += part;
    } while (waitpid(pid, &status, 1) == 0);
    CHECK(sum > 0 && status == 0);
}

static int
runs_with_handler(void *arg)
{
    (void)arg;
    act(SIGUSR1, note, 0);
    act(SIGUSR2, (void (*)(int, const uint64_t *, uint64_t *))1, 0);
    execve("/bin/sleep", (char *[]){"sleep", "100", NULL}, (char *[]){NULL});
    return 1;
}

/* After exec, handlers are gone, and what was ignored still is. */
UTEST(signal_exec_forgets_handlers)
{
    pid_t pid = child(runs_with_handler, NULL);
    int status;

    usleep(30000);
    CHECK(kill(pid, SIGUSR2) == 0);
    usleep(10000);
    CHECK(waitpid(pid, &status, 1) == 0);
    CHECK(kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static int
bad_stack(void *arg)
{
    (void)arg;
    act(SIGUSR1, note, 0);
    __asm__ volatile("li sp, 64\n li a0, 0\n li a7, 172\n ecall\n"
                     "li a1, 10\n li a7, 129\n ecall\n" ::
                         : "a0", "a1", "a7");
    return 0;
}

UTEST(signal_without_room_kills)
{
    int status = run_child(bad_stack, NULL);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
