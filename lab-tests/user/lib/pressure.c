/* pressure.c: programs that use more memory than there is, and know what it should
 * hold: see pressure.h. */
#include "pressure.h"

#define WORDS (PAGE / sizeof(uint64_t))

static size_t npages;
static uint32_t *version; /* of each page; shared with nobody */
static uint64_t *memory;

static uint64_t
mark_of(unsigned who, size_t page, uint32_t v)
{
    return ((uint64_t)who << 56) ^ ((uint64_t)page << 32) ^ v;
}

static void
write_page(unsigned who, size_t page)
{
    uint64_t *p = memory + page * WORDS,
             m = mark_of(who, page, ++version[page]);

    p[0] = m;
    p[WORDS / 2] = m + 1;
    p[WORDS - 1] = m + 2;
}

static bool
page_is_right(unsigned who, size_t page)
{
    const uint64_t *p = memory + page * WORDS;
    uint64_t m = mark_of(who, page, version[page]);

    return p[0] == m && p[WORDS / 2] == m + 1 && p[WORDS - 1] == m + 2;
}

static uint64_t
random_of(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* N accesses.  Half of them go to an eighth of the pages.  Returns how many pages
 * were wrong. */
static unsigned
use(unsigned who, uint64_t *state, unsigned n)
{
    unsigned wrong = 0;

    while (n-- > 0) {
        uint64_t x = random_of(state);
        size_t page = (x >> 8) % (x & 1 ? npages : npages / 8);

        wrong += !page_is_right(who, page);
        if (x & 2)
            write_page(who, page);
    }
    return wrong;
}

/* A child sees what we have now, whatever we do. */
static unsigned
fork_once(unsigned who, uint64_t *state)
{
    pid_t pid = fork();
    int status;
    unsigned wrong;

    if (pid == 0)
        _exit(use(who, state, 200) != 0);
    if (pid < 0)
        return 1;
    wrong = use(who, state, 200);
    CHECK(waitpid(pid, &status, 0) == pid);
    return wrong + (status != 0);
}

/* ROUNDS thousands of accesses; 0: for ever, and in silence. */
static int
worker(unsigned who, unsigned rounds)
{
    uint64_t state = who * 0x9e3779b97f4a7c15ul + 1;
    unsigned wrong = 0;

    memory = (uint64_t *)pages(npages, RW);
    version = (uint32_t *)pages(npages * sizeof(uint32_t) / PAGE + 1, RW);
    for (size_t i = 0; i < npages; i++)
        write_page(who, i);
    for (unsigned r = 0; (rounds == 0 || r < rounds) && wrong == 0; r++) {
        wrong += use(who, &state, 1000);
        wrong += fork_once(who, &state);
        if (rounds != 0)
            dprintf(2, "process %u: %u of %u\n", who, r + 1, rounds);
    }
    for (size_t i = 0; i < npages; i++)
        wrong += !page_is_right(who, i);
    dprintf(2, "process %u: %u wrong\n", who, wrong);
    return wrong != 0;
}

void
pressure_start(pid_t pid[PRESSURE_PROCS], size_t size, unsigned rounds)
{
    npages = size / PAGE;
    for (unsigned i = 0; i < PRESSURE_PROCS; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            _exit(worker(i, rounds));
        CHECK(pid[i] > 0);
    }
}
