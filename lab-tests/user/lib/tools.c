/* tools.c: what tests do again and again. */
#include "utest.h"

/* --- questions to the kernel --- */

static uint64_t
get_stat(const char *name, uint32_t all)
{
    struct utest_stat s = {.all = all};

    strlcpy(s.name, name, sizeof(s.name));
    CHECK(ask(UTEST_STAT, &s) == 0);
    return s.value;
}

uint64_t
stat_of(const char *name)
{
    return get_stat(name, 0);
}

uint64_t
stat_all(const char *name)
{
    return get_stat(name, 1);
}

void
count(struct counts *c)
{
    c->flt = stat_of("flt");
    c->anon = stat_of("anon");
    c->zero = stat_of("zero");
    c->cow = stat_of("cow");
    c->reuse = stat_of("reuse");
    c->spur = stat_of("spur");
    c->min = stat_of("min");
    c->maj = stat_of("maj");
    c->fread = stat_of("fread");
    c->fcow = stat_of("fcow");
    c->segv = stat_of("segv");
}

static const char *const names[] = {
    "flt",      "min",       "maj",     "spur",   "retry",  "adfix",
    "zero",     "anon",      "cow",     "reuse",  "fread",  "fcow",
    "fshared",  "mkwrite",   "around",  "segv",   "sigbus", "oom",
    "pt_alloc", "pt_free",   "hmap",    "hsplit", "lshare", "lunshare",
    "tlb_loc",  "lcollapse", "tlb_rem", "hint",   "migr",   "swpout",
    "swpin",    "rmapun",    "rss"};
#define NAMES (sizeof(names) / sizeof(names[0]))
static uint64_t was[NAMES];

/* The second look is at counters that the first one's own faults are in. */
void
mark_counts(void)
{
    for (int twice = 0; twice < 2; twice++) {
        for (unsigned i = 0; i < NAMES; i++)
            was[i] = stat_of(names[i]);
    }
}

uint64_t
since(const char *name)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (strcmp(names[i], name) == 0)
            return stat_of(name) - was[i];
    }
    utest_fail(__FILE__, __LINE__, name);
}

long
range_do(unsigned op, const void *p, size_t n)
{
    struct utest_range r = {.op = op, .addr = (uint64_t)p, .len = n};

    CHECK(ask(UTEST_RANGE, &r) == 0);
    return r.result;
}

struct utest_page
page_of(const void *p)
{
    struct utest_page page = {.va = (uint64_t)p};

    CHECK(ask(UTEST_PAGE, &page) == 0);
    return page;
}

long
pin(const void *p, size_t n, bool write)
{
    struct utest_pin u = {.addr = (uint64_t)p, .len = n, .write = write};
    long r = ask(UTEST_PIN, &u);

    return r < 0 ? r : (long)u.handle;
}

void
unpin(long handle)
{
    CHECK(ask(UTEST_UNPIN, (void *)handle) == 0);
}

void
dma_write(long handle, size_t offset, uint64_t value)
{
    struct utest_dma d = {(uint32_t)handle, 1, offset, value};

    CHECK(ask(UTEST_DMA, &d) == 0);
}

uint64_t
dma_read(long handle, size_t offset)
{
    struct utest_dma d = {(uint32_t)handle, 0, offset, 0};

    CHECK(ask(UTEST_DMA, &d) == 0);
    return d.value;
}

void
set_knob(const char *line)
{
    char text[64] = "";

    strlcpy(text, line, sizeof(text));
    CHECK(ask(UTEST_KNOB, text) == 0);
}

unsigned
mmcheck(void)
{
    return (unsigned)ask(UTEST_CHECK, NULL);
}

/* --- memory --- */

char *
pages(size_t n, int prot)
{
    char *p = mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

uint64_t
rnd(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

void
fill(void *p, size_t n, uint64_t seed)
{
    uint64_t state = seed * 2 + 1, *w = p;

    for (size_t i = 0; i < n / 8; i++)
        w[i] = rnd(&state);
}

bool
filled(const void *p, size_t n, uint64_t seed)
{
    uint64_t state = seed * 2 + 1;
    const uint64_t *w = p;

    for (size_t i = 0; i < n / 8; i++) {
        if (w[i] != rnd(&state))
            return false;
    }
    return true;
}

/* --- processes --- */

pid_t
child(int (*fn)(void *), void *arg)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn(arg));
    CHECK(pid > 0);
    return pid;
}

int
run_child(int (*fn)(void *), void *arg)
{
    pid_t pid = child(fn, arg);
    int status;

    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        _exit(77);
    return status;
}

void
dies(int (*fn)(void *), void *arg, int signo, int code, const void *addr)
{
    struct utest_cause c = {.signo = -1};
    int status;

    c.pid = child(fn, arg);
    for (pid_t pid = c.pid; c.signo == -1; c.pid = pid) {
        CHECK(ask(UTEST_CAUSE, &c) == 0);
        sched_yield();
    }
    CHECK(waitpid(c.pid, &status, 0) == c.pid);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signo);
    CHECK(c.signo == signo);
    CHECK(c.code == code);
    CHECK(c.addr == (uint64_t)addr);
}

/* --- harts --- */

void
stay_on_hart(unsigned i)
{
    uint64_t mask = 1ul << i;

    CHECK(syscall(122, 0l, 8l, &mask) == 0);
}

unsigned
harts(void)
{
    uint64_t mask = 0;
    unsigned n = 0;

    CHECK(syscall(123, 0l, 8l, &mask) == 8);
    for (; mask != 0; mask &= mask - 1)
        n++;
    return n;
}

void
await_word(volatile int *word, int value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
        sched_yield();
}

/* --- threads --- */

static int
thread_main(void *arg)
{
    struct uthread *t = arg;

    return t->fn(t->arg);
}

void
thread_start(struct uthread *t, int (*fn)(void *), void *arg)
{
    unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                          CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
                          CLONE_CHILD_CLEARTID;

    if (t->stack == NULL)
        t->stack = pages(UTHREAD_STACK / PAGE, RW);
    t->fn = fn;
    t->arg = arg;
    CHECK(raw_clone(flags, t->stack + UTHREAD_STACK, thread_main, t, &t->tid,
                    &t->tid) > 0);
}

void
thread_join(struct uthread *t)
{
    while (__atomic_load_n(&t->tid, __ATOMIC_ACQUIRE) != 0)
        sched_yield();
}
