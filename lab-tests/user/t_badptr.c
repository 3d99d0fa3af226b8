/* t_badptr.c: calls with pointers, counts and numbers that mean nothing: an
 * error or the end of the program, and the kernel goes on.
 *
 *     table      each pointer of a call in turn is bad: -EFAULT, exactly
 *     junk       every number from 0 to 511 with everything mixed
 *     execve     arguments without end, without number, without sense     */
#include "lib/utest.h"

#define NR_execve 221
#define NR_clone  220
#define NR_shmget 194
#define NR_shmctl 195
#define NR_MAX    512

/* --- bad places --- */

enum { BAD_READ = 1, BAD_WRITE = 2, BAD_BOTH = 3, BAD_HALF = 4 };

struct place {
    char *at;
    unsigned kind;
};

#define NPLACES 16
static struct place places[NPLACES];
static char *rw, *edge; /* a good page; the last byte before a hole */
static unsigned nplaces;

static void
add_place(const void *at, unsigned kind)
{
    CHECK(nplaces < NPLACES);
    places[nplaces++] = (struct place){(char *)at, kind};
}

static void
make_places(void)
{
    char *p = pages(6, RW);

    nplaces = 0;
    rw = p;
    edge = p + 2 * PAGE - 1;
    memset(p, 0, 2 * PAGE);
    munmap(p + 2 * PAGE, PAGE);
    p[3 * PAGE] = 1;
    mprotect(p + 3 * PAGE, PAGE, PROT_READ);
    p[4 * PAGE] = 1;
    mprotect(p + 4 * PAGE, 2 * PAGE, PROT_NONE);
    add_place(NULL, BAD_BOTH);
    add_place((void *)8, BAD_BOTH);
    add_place(p + 2 * PAGE, BAD_BOTH);
    add_place(p + 4 * PAGE, BAD_BOTH);
    add_place(p + 5 * PAGE + 4000, BAD_BOTH);
    add_place(p + 3 * PAGE, BAD_WRITE);
    add_place(make_places, BAD_WRITE);
    add_place(edge, BAD_BOTH | BAD_HALF);
    add_place((void *)0xffffffff80200000ul, BAD_BOTH);
    add_place((void *)0xffffffc000000000ul, BAD_BOTH);
    add_place((void *)0x8000000000000000ul, BAD_BOTH);
    add_place((void *)0x0123456789abcdeful, BAD_BOTH);
    add_place((void *)~7ul, BAD_BOTH);
    add_place((void *)~0ul, BAD_BOTH);
}

/* --- exactly -EFAULT --- */

#define HERE ((long)-12345) /* the bad pointer goes here */
#define GOOD ((long)-12346) /* a good page */
#define PATH ((long)-12347) /* "/" */
#define FD   ((long)-12348) /* of the file below */

static const struct call {
    short nr;
    bool partial; /* may do a part before a hole */
    unsigned char kind;
    const char *file;
    long args[6];
} calls[] = {
    {17, false, BAD_WRITE, NULL, {HERE, 4096}},             /* getcwd */
    {33, false, BAD_READ, NULL, {-100, HERE, 0100644, 0}},  /* mknodat */
    {34, false, BAD_READ, NULL, {-100, HERE, 0}},           /* mkdirat */
    {35, false, BAD_READ, NULL, {-100, HERE, 0}},           /* unlinkat */
    {43, false, BAD_READ, NULL, {HERE, GOOD}},              /* statfs */
    {43, false, BAD_WRITE, NULL, {PATH, HERE}},             /* ... */
    {44, false, BAD_WRITE, "/", {FD, HERE}},                /* fstatfs */
    {48, false, BAD_READ, NULL, {-100, HERE, 0}},           /* faccessat */
    {49, false, BAD_READ, NULL, {HERE}},                    /* chdir */
    {56, false, BAD_READ, NULL, {-100, HERE, 0}},           /* openat */
    {59, false, BAD_WRITE, NULL, {HERE, 0}},                /* pipe2 */
    {61, false, BAD_WRITE, "/", {FD, HERE, 1024}},          /* getdents64 */
    {63, true, BAD_WRITE, "/dev/zero", {FD, HERE, 64}},     /* read */
    {63, true, BAD_WRITE, "/bin/true", {FD, HERE, 64}},     /* ... a file */
    {64, true, BAD_READ, "/tmp/badptr", {FD, HERE, 64}},    /* write */
    {65, false, BAD_READ, "/dev/zero", {FD, HERE, 1}},      /* readv */
    {66, false, BAD_READ, "/tmp/badptr", {FD, HERE, 1}},    /* writev */
    {67, true, BAD_WRITE, "/bin/true", {FD, HERE, 64, 1}},  /* pread64 */
    {68, true, BAD_READ, "/tmp/badptr", {FD, HERE, 64, 1}}, /* pwrite64 */
    {73, false, BAD_READ, NULL, {HERE, 1, GOOD, 0, 8}},     /* ppoll */
    {73, false, BAD_READ, NULL, {GOOD, 0, HERE, 0, 8}},     /* ... a time */
    {73, false, BAD_READ, NULL, {GOOD, 0, GOOD, HERE, 8}},  /* ... a mask */
    {78, false, BAD_READ, NULL, {-100, HERE, GOOD, 64}},    /* readlinkat */
    {79, false, BAD_READ, NULL, {-100, HERE, GOOD, 0}},     /* newfstatat */
    {79, false, BAD_WRITE, NULL, {-100, PATH, HERE, 0}},    /* ... */
    {80, false, BAD_WRITE, "/", {FD, HERE}},                /* fstat */
    {101, false, BAD_READ, NULL, {HERE, 0}},                /* nanosleep */
    {102, false, BAD_WRITE, NULL, {0, HERE}},               /* getitimer */
    {103, false, BAD_READ, NULL, {0, HERE, 0}},             /* setitimer */
    {107, false, BAD_READ, NULL, {1, HERE, GOOD}},          /* timer_create */
    {107, false, BAD_WRITE, NULL, {1, 0, HERE}},            /* ... */
    {113, false, BAD_WRITE, NULL, {1, HERE}},               /* clock_gettime */
    {112, false, BAD_READ, NULL, {0, HERE}},                /* clock_settime */
    {115, false, BAD_READ, NULL, {1, 0, HERE, 0}},    /* clock_nanosleep */
    {122, false, BAD_READ, NULL, {0, 8, HERE}},       /* setaffinity */
    {123, false, BAD_WRITE, NULL, {0, 8, HERE}},      /* getaffinity */
    {132, false, BAD_READ, NULL, {HERE, 0}},          /* sigaltstack */
    {132, false, BAD_WRITE, NULL, {0, HERE}},         /* ... */
    {133, false, BAD_READ, NULL, {HERE, 8}},          /* sigsuspend */
    {134, false, BAD_READ, NULL, {10, HERE, 0, 8}},   /* sigaction */
    {134, false, BAD_WRITE, NULL, {10, 0, HERE, 8}},  /* ... */
    {135, false, BAD_READ, NULL, {0, HERE, 0, 8}},    /* sigprocmask */
    {135, false, BAD_WRITE, NULL, {0, 0, HERE, 8}},   /* ... */
    {136, false, BAD_WRITE, NULL, {HERE, 8}},         /* sigpending */
    {137, false, BAD_READ, NULL, {HERE, 0, GOOD, 8}}, /* sigtimedwait */
    {153, false, BAD_WRITE, NULL, {HERE}},            /* times */
    {160, false, BAD_WRITE, NULL, {HERE}},            /* uname */
    {165, false, BAD_WRITE, NULL, {0, HERE}},         /* getrusage */
    {168, false, BAD_WRITE, NULL, {HERE, 0}},         /* getcpu */
    {169, false, BAD_WRITE, NULL, {HERE, 0}},         /* gettimeofday */
    {179, false, BAD_WRITE, NULL, {HERE}},            /* sysinfo */
    {221, false, BAD_READ, NULL, {HERE, 0, 0}},       /* execve */
    {221, false, BAD_READ, NULL, {PATH, HERE, 0}},    /* ... argv */
    {221, false, BAD_READ, NULL, {PATH, 0, HERE}},    /* ... envp */
    {261, false, BAD_READ, NULL, {0, 7, HERE, 0}},    /* prlimit64 */
    {261, false, BAD_WRITE, NULL, {0, 7, 0, HERE}},   /* ... */
    {276, false, BAD_READ, NULL, {-100, HERE, -100, PATH}}, /* renameat2 */
    {278, true, BAD_WRITE, NULL, {HERE, 64, 0}},            /* getrandom */
    {291, false, BAD_READ, NULL, {-100, HERE, 0, 0, GOOD}}, /* statx */
    {291, false, BAD_WRITE, NULL, {-100, PATH, 0, 0, HERE}},
    {439, false, BAD_READ, NULL, {-100, HERE, 0, 0}}, /* faccessat2 */
};

/* NULL is no pointer for these, but "none". */
static bool
may_be_null(const struct call *c)
{
    switch (c->nr) {
    case 73:
        return c->args[0] != HERE;
    case 103:
    case 107:
    case 132:
    case 134:
    case 135:
    case 153:
    case 168:
    case 169:
    case 261:
        return true;
    case 221:
        return c->args[0] == PATH;
    }
    return false;
}

static bool
try_call(const struct call *c, const struct place *p)
{
    long a[6], r;
    int fd = c->file ? open(c->file, O_RDONLY) : -1;

    if (fd < 0 && c->file)
        fd = open(c->file, O_WRONLY);
    if (c->file && c->kind == BAD_READ) {
        close(fd);
        fd = open(c->file, O_RDWR);
    }
    for (int i = 0; i < 6; i++) {
        a[i] = c->args[i];
        a[i] = a[i] == HERE   ? (long)p->at
               : a[i] == GOOD ? (long)rw
               : a[i] == PATH ? (long)"/"
               : a[i] == FD   ? fd
                              : a[i];
    }
    r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (fd >= 0)
        close(fd);
    if (r == -1 && errno == EFAULT)
        return true;
    /* One byte before the hole may be moved, or be a string that ends. */
    if ((p->kind & BAD_HALF) && (c->partial || r == -1))
        return true;
    dprintf(2, "call %d at %p: %ld, errno %d\n", c->nr, (void *)p->at, r,
            errno);
    return false;
}

UTEST(badptr_each_is_efault)
{
    make_places();
    close(open("/tmp/badptr", O_CREAT | O_RDWR, 0600));
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (unsigned k = 0; k < nplaces; k++) {
            if ((places[k].kind & calls[i].kind) == 0 ||
                (places[k].at == NULL && may_be_null(&calls[i])))
                continue;
            CHECK(try_call(&calls[i], &places[k]));
        }
    }
    unlink("/tmp/badptr");
    chdir("/");
    CHECK(getpid() > 1 && open("/bin/true", O_RDONLY) >= 0);
}

/* Copies that run over the end of a page: what lies before it is there. */
UTEST(badptr_across_pages)
{
    int zero, file = open("/bin/true", O_RDONLY);

    make_places();
    zero = open("/dev/zero", O_RDONLY);
    for (long before = 1; before <= 64; before++) {
        char *at = edge + 1 - before;
        long r;

        memset(at, 1, (size_t)before);
        r = pread(file, at, 4096, 0);
        CHECK(r == before || (r == -1 && errno == EFAULT));
        r = read(zero, at, 4096);
        CHECK(r == before || (r == -1 && errno == EFAULT));
        /* A path that ends with the page, and one that does not. */
        memset(at, '/', (size_t)before);
        CHECK(chdir(at) == -1 && errno == EFAULT);
        *edge = 0;
        CHECK(before == 1 || chdir(at) == 0);
        CHECK(syscall(160, at) == -1 && errno == EFAULT);
    }
    /* The first page is missing, and what is around it is not touched. */
    CHECK(read(zero, edge + 1, 1) == -1 && errno == EFAULT);
    CHECK(read(zero, (void *)-4096l, 8192) == -1 && errno == EFAULT);
    CHECK(read(zero, rw, -1) > 0 || errno == EFAULT);
}

/* --- everything mixed --- */

static uint64_t state;

static long
some_value(void)
{
    static const long numbers[] = {
        0,        1,          2,        3,        4,        5,        7,
        8,        16,         24,       64,       100,      4095,     4096,
        4097,     65536,      1l << 20, 1l << 30, 1l << 31, 1l << 32, 1l << 38,
        1l << 62, -1,         -2,       -8,       -100,     -4096,    -4097,
        1l << 63, 0x7fffffff, 1000000,  2097152};
    uint64_t r = rnd(&state);

    switch (r % 8) {
    case 0:
    case 1:
        return (long)places[(r >> 8) % nplaces].at;
    case 2:
        return (long)(edge + 1 - (r >> 8) % 64);
    case 3:
        return (long)(rw + (r >> 8) % 4096);
    case 4:
        return (long)((r >> 8) & 1 ? "/bin" : "/dev/null");
    default:
        return numbers[(r >> 8) % (sizeof(numbers) / sizeof(numbers[0]))];
    }
}

/* Not these: they end the machine, all others, or us. */
static bool
spared(long nr)
{
    return nr == 93 || nr == 94 || nr == 129 || nr == 130 || nr == 131 ||
           nr == 138 || nr == 139 || nr == 133 || nr == 142 || nr == 240;
}

#define ROUNDS 60

static int
junk(void *arg)
{
    long nr = (long)arg;
    unsigned long few[2] = {300, 300};

    for (int fd = 0; fd < 10; fd++)
        close(fd);
    open("/dev/null", O_RDWR);
    open("/dev/zero", O_RDWR);
    open("/bin/true", O_RDONLY);
    open("/", O_RDONLY);
    syscall(261, 0, 6, few, 0, 0, 0);
    make_places();
    for (int i = 0; i < ROUNDS; i++) {
        long a[6], r;

        for (int k = 0; k < 6; k++)
            a[k] = some_value();
        if (nr == 115 || nr == 101) /* not for long */
            memset(rw, 0, 4096);
        r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (r == 0 && (nr == NR_clone || nr == 435))
            _exit(0);
        if (r >= 0 && nr == NR_shmget) /* it would stay */
            CHECK(syscall(NR_shmctl, r, 0, 0) == 0);
    }
    return 0;
}

static bool *implemented; /* shared */

/* Which are there?  Those that are not say so, and that is all. */
static int
probe(void *arg)
{
    for (long nr = 0; nr < NR_MAX; nr++) {
        if (!spared(nr))
            implemented[nr] =
                syscall(nr, -1, -1, -1, -1, -1, -1) != -1 || errno != ENOSYS;
    }
    return 0;
}

/* A child for each number; one that waits for ever must be one that dies. */
static void
run_junk(long nr)
{
    pid_t pid = child(junk, (void *)nr);
    int status;

    for (int i = 0; i < 40; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return;
        if (i < 20)
            sched_yield();
        else
            usleep(1000);
    }
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
}

static void
some_numbers(long from, long to, uint64_t seed)
{
    state = seed;
    implemented = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(run_child(probe, NULL) == 0 && implemented[63]);
    for (long nr = from; nr < to; nr++) {
        if (implemented[nr])
            run_junk(nr);
        rnd(&state);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ; /* what CLONE_PARENT made ours */
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

UTEST(badptr_junk_below_128)
{
    some_numbers(0, 128, 1);
}

UTEST(badptr_junk_from_128)
{
    some_numbers(128, NR_MAX, 2);
    CHECK(syscall(600) == -1 && errno == ENOSYS);
    CHECK(syscall(-1) == -1 && errno == ENOSYS);
    CHECK(syscall(1l << 40) == -1 && errno == ENOSYS);
}

/* --- execve --- */

static int
exec_true(void *arg)
{
    char **list = arg;

    syscall(NR_execve, "/bin/true", list, 0);
    return errno;
}

static int
exec_env(void *arg)
{
    syscall(NR_execve, "/bin/true", 0, arg);
    return errno;
}

static char **
many(size_t n, char *text)
{
    char **list = (char **)pages((n + 1) * 8 / PAGE + 1, RW);

    for (size_t i = 0; i < n; i++)
        list[i] = text;
    return list;
}

UTEST(exec_no_arguments)
{
    char *none[] = {NULL};

    CHECK(run_child(exec_true, NULL) == 0);
    CHECK(run_child(exec_true, none) == 0);
    CHECK(run_child(exec_env, NULL) == 0);
}

static char *
pages_of_x(size_t n)
{
    char *text = pages(n / PAGE + 1, RW);

    memset(text, 'x', n);
    return text;
}

UTEST(exec_many_arguments)
{
    CHECK(run_child(exec_true, many(100000, "a")) == 0);
    CHECK(run_child(exec_env, many(1000, "a")) == 0);
    CHECK(run_child(exec_env, many(300, pages_of_x(8000))) == E2BIG << 8);
    CHECK(run_child(exec_true, many(140000, "")) == E2BIG << 8);
}

UTEST(exec_long_string)
{
    size_t size = 200 << 10;
    char *text = pages(size / PAGE + 1, RW), *list[] = {text, NULL};

    memset(text, 'x', size);
    CHECK(run_child(exec_true, list) == E2BIG << 8);
    text[131072] = 0; /* with its end one byte more than there may be */
    CHECK(run_child(exec_true, list) == E2BIG << 8);
    text[131071] = 0;
    CHECK(run_child(exec_true, list) == 0);
    text[5000] = 0;
    CHECK(run_child(exec_env, list) == 0);
}

UTEST(exec_lists_without_end)
{
    char **list = many(2 * PAGE / 8, "a"), *bad[] = {"a", (char *)8, NULL};

    munmap((char *)list + 2 * PAGE, PAGE);
    CHECK(run_child(exec_true, list) == EFAULT << 8);
    CHECK(run_child(exec_env, list) == EFAULT << 8);
    CHECK(run_child(exec_true, (char *)list + 2 * PAGE - 12) == EFAULT << 8);
    CHECK(run_child(exec_true, bad) == EFAULT << 8);
    make_places();
    memset(edge - 100, 'x', 101);
    bad[1] = edge - 100;
    CHECK(run_child(exec_true, bad) == EFAULT << 8);
}

static void
refused(const char *path, int error)
{
    CHECK(syscall(NR_execve, path, 0, 0) == -1 && errno == error);
}

UTEST(exec_wrong_paths)
{
    static char path[5000];

    memset(path, 'x', sizeof(path) - 1);
    refused("", ENOENT);
    refused("/", EACCES);
    refused("/bin/", EACCES);
    refused("/bin/true/", ENOTDIR);
    refused("/bin/true/x", ENOTDIR);
    refused("/dev/null", EACCES);
    refused("/nothing", ENOENT);
    refused(path, ENAMETOOLONG);
    path[300] = 0;
    refused(path, ENAMETOOLONG);
    path[255] = 0;
    refused(path, ENOENT);
}
