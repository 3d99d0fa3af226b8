/* t_badcalls.c: the table of calls itself says which arguments are addresses: each
 * of every call gets every bad place, with everything else about right, and with
 * each kind of file.  An error, or the end of the program; t_badptr.c knows for
 * many calls which. */
#include "lib/utest.h"

#define NR_MAX 512

static char *rw, *edge;
static void *places[16];
static unsigned nplaces;

static void
make_places(void)
{
    char *p = pages(6, RW);

    rw = p;
    edge = p + 2 * PAGE - 1; /* the last byte before a hole */
    memset(p, 0, 2 * PAGE);
    munmap(p + 2 * PAGE, PAGE);
    mprotect(p + 3 * PAGE, PAGE, PROT_READ);
    mprotect(p + 4 * PAGE, 2 * PAGE, PROT_NONE);
    places[nplaces++] = NULL;
    places[nplaces++] = (void *)8;
    places[nplaces++] = p + 2 * PAGE;
    places[nplaces++] = p + 3 * PAGE;
    places[nplaces++] = p + 4 * PAGE;
    places[nplaces++] = edge;
    places[nplaces++] = edge - 6; /* half of a word */
    places[nplaces++] = p + 4 * PAGE - 8;
    places[nplaces++] = (void *)0x3ffffffffcul;
    places[nplaces++] = (void *)0xffffffff80200000ul;
    places[nplaces++] = (void *)0x0123456789abcdeful;
    places[nplaces++] = (void *)~7ul;
}

/* Not these: they end us or others, or make more of us. */
static bool
spared(unsigned nr)
{
    return nr == 93 || nr == 94 || nr == 129 || nr == 130 || nr == 131 ||
           nr == 138 || nr == 139 || nr == 142 || nr == 220 || nr == 240 ||
           nr == 435;
}

static void
on_alarm(int signo)
{
}

/* What sleeps is woken: a signal every 2 ms. */
static void
wake_up(void)
{
    uint64_t act[3] = {(uint64_t)on_alarm, 0, 0};
    int64_t every[4] = {0, 2000, 0, 2000};

    CHECK(syscall(134, (long)SIGALRM, act, 0l, 8l) == 0);
    CHECK(syscall(103, 0l, every, 0l) == 0);
}

static int fds[4];

static long
good(char kind, unsigned round)
{
    static const long numbers[] = {0, 1, 8};

    switch (kind) {
    case 'p':
        return (long)rw;
    case 's':
        return (long)"/bin";
    case 'f':
        return fds[round % 4];
    }
    return numbers[round % 3];
}

/* One call with its argument BAD at PLACE. */
static void
call(const struct utest_call *c, unsigned bad, void *place, unsigned round)
{
    long a[6] = {0};

    for (unsigned i = 0; c->kinds[i] != 0 && i < 6; i++)
        a[i] = good(c->kinds[i], round);
    a[bad] = (long)place;
    if (c->nr == 102 || c->nr == 103 || c->nr == 134 || c->nr == 135)
        wake_up();
    (void)syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int
all_of_call(void *arg)
{
    const struct utest_call *c = arg;
    int fd[2];

    make_places();
    CHECK(pipe(fd) == 0 && fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0);
    fds[0] = open("/bin/true", O_RDONLY);
    fds[1] = open("/bin", O_RDONLY);
    fds[2] = open("/dev/null", O_RDWR);
    fds[3] = fd[0];
    wake_up();
    for (unsigned bad = 0; c->kinds[bad] != 0; bad++) {
        if (c->kinds[bad] != 'p' && c->kinds[bad] != 's')
            continue;
        for (unsigned k = 0; k < nplaces; k++) {
            for (unsigned round = 0; round < 12; round++)
                call(c, bad, places[k], round);
        }
    }
    return 0;
}

static bool
has_address(const struct utest_call *c)
{
    return strchr(c->kinds, 'p') != NULL || strchr(c->kinds, 's') != NULL;
}

/* Those with numbers FROM to TO - 1. */
static void
calls(unsigned from, unsigned to)
{
    struct utest_call c = {.nr = from};
    unsigned tried = 0;

    while (ask(UTEST_CALL, &c) == 0 && c.nr < to) {
        if (!spared(c.nr) && has_address(&c)) {
            int status = run_child(all_of_call, &c);

            /* Killed: it unmapped itself, or was out of memory. */
            CHECK(status == 0 || WIFSIGNALED(status));
            tried++;
        }
        c.nr++;
    }
    CHECK(tried > 20);
    CHECK(open("/bin/true", O_RDONLY) >= 0);
}

UTEST(badptr_every_address_below_128)
{
    calls(0, 128);
}

UTEST(badptr_every_address_from_128)
{
    calls(128, NR_MAX);
}
