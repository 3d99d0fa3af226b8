/* t_sweep.c: fork, exec, clone and exit, with the n-th allocation of a kind
 * failing, for every n until none is asked for any more: each time the call
 * says -ENOMEM (or -EAGAIN), or the child is killed; the parent and its memory
 * are as they were, and the harness finds nothing lost. */
#include "lib/utest.h"

#define NSITES  12
#define PATTERN 4

static const char *const sites[NSITES] = {"any",    "page", "kmalloc", "cache",
                                          "kstack", "anon", "node",    "area",
                                          "file",   "pt",   "process", "rmap"};

static char *memory;

static void
arm(const char *site, unsigned long nth)
{
    char line[64];

    snprintf(line, sizeof(line), "fail_alloc=%s,%lu", site, nth);
    set_knob(line);
}

static void
make_memory(void)
{
    memory = pages(PATTERN, RW);
    fill(memory, PATTERN * PAGE, 7);
}

/* Is our memory as it was?  1: no. */
static int
damaged(void)
{
    int fd = open("/dev/null", O_RDWR);
    bool ok = filled(memory, PATTERN * PAGE, 7) && fd >= 0 &&
              write(fd, memory, PATTERN * PAGE) == PATTERN * PAGE;

    close(fd);
    return !ok;
}

/* waitpid() asks for memory, too. */
static int
await(pid_t pid)
{
    int status = -1;
    pid_t r;

    while ((r = waitpid(pid, &status, 0)) == -1 && errno == ENOMEM)
        ;
    return r == pid ? status : -1;
}

/* What may become of a program that gets no memory when it touches some. */
static bool
killed(int status)
{
    return WIFSIGNALED(status) &&
           (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV);
}

static int (*op)(void);
static volatile bool *go;

/* The pages of stack and data that we write below. */
static void
touch_own(void)
{
    volatile char frame[3000];

    for (unsigned i = 0; i < sizeof(frame); i += 100)
        frame[i] = 0;
    errno = 0;
}

/* OP in a process of its own, with the n-th of SITE failing.  0, or what was
 * wrong. */
static int
worker(const char *site, unsigned long n)
{
    int wrong;

    while (!*go)
        sched_yield();
    arm(site, n);
    wrong = op();
    arm(site, 0);
    return wrong ? wrong : damaged();
}

/* True if an allocation failed. */
static bool
round(const char *site, unsigned long n)
{
    uint64_t before = stat_all("alloc_fail");
    int status;
    pid_t pid;

    *go = false;
    pid = fork();
    if (pid == 0)
        _exit(worker(site, n));
    CHECK(pid > 0);
    touch_own();
    *go = true;
    status = await(pid);
    arm(site, 0);
    if (status != 0 && !killed(status)) {
        dprintf(2, "%s, %lu: %x\n", site, n, status);
        CHECK(status == 0);
    }
    CHECK(damaged() == 0);
    return stat_all("alloc_fail") != before;
}

static void
sweep(int (*fn)(void))
{
    op = fn;
    make_memory();
    go = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *go = false;
    CHECK(fn() == 0);
    for (int s = 0; s < NSITES; s++) {
        unsigned long n = 0;

        while (round(sites[s], ++n))
            CHECK(n < 400);
        dprintf(2, "%s %lu, ", sites[s], n - 1);
    }
    dprintf(2, "\n");
}

/* Each returns 0, or the number of what must not be. */
static int
do_fork(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        memory[0] ^= 1;
        memory[0] ^= 1;
        _exit(filled(memory, PATTERN * PAGE, 7) ? 5 : 6);
    }
    if (pid < 0)
        return errno == ENOMEM || errno == EAGAIN ? 0 : 11;
    status = await(pid);
    return status == 5 << 8 || killed(status) ? 0 : 12;
}

UTEST(sweep_fork)
{
    sweep(do_fork);
}

#define THREAD                                                          \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
     CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static int
give_five(void *arg)
{
    return 5;
}

static char *stacks;

static int
start_thread(unsigned i, int *tid)
{
    long r =
        raw_clone(THREAD, stacks + (i + 1) * PAGE, give_five, NULL, tid, tid);

    return r > 0 || r == -ENOMEM || r == -EAGAIN ? (*tid = r > 0 ? *tid : 0, 0)
                                                 : 21;
}

static int
do_clone(void)
{
    static volatile int tid;
    int wrong;

    tid = 0;
    wrong = start_thread(0, (int *)&tid);
    while (wrong == 0 && tid != 0)
        sched_yield();
    return wrong;
}

static void
make_stacks(void)
{
    stacks = pages(2, RW);
    memset(stacks, 0, 2 * PAGE);
}

UTEST(sweep_thread)
{
    make_stacks();
    sweep(do_clone);
}

/* vfork and exec: the child says which error it got. */
static int
do_exec(void)
{
    static char *argv[] = {"true", NULL}, *envp[] = {NULL};
    static volatile int error;
    int status;
    pid_t pid;

    error = 0;
    pid = vfork();
    if (pid == 0) {
        execve("/bin/true", argv, envp);
        error = errno;
        _exit(1);
    }
    if (pid < 0)
        return errno == ENOMEM || errno == EAGAIN ? 0 : 31;
    status = await(pid);
    if (status == 1 << 8)
        return error == ENOMEM ? 0 : 32;
    return status == 0 || killed(status) ? 0 : 33;
}

UTEST(sweep_vfork_exec)
{
    sweep(do_exec);
}

/* It ends with threads, memory, files, and a child that it does not wait for. */
static int
busy(void)
{
    static int tid[2];

    for (int i = 0; i < 8; i++)
        open("/dev/null", O_RDONLY);
    memory[PAGE] ^= 1;
    for (unsigned i = 0; i < 2; i++)
        start_thread(i, &tid[i]);
    if (fork() == 0)
        _exit(0);
    return 5;
}

static int
do_exit_busy(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        syscall(94, busy());
    if (pid < 0)
        return errno == ENOMEM || errno == EAGAIN ? 0 : 41;
    status = await(pid);
    return status == 5 << 8 || killed(status) ? 0 : 42;
}

UTEST(sweep_exit)
{
    make_stacks();
    sweep(do_exit_busy);
}
