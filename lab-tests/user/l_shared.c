/* l_shared.c: processes share twice the memory there is, and no store of any of them is
 * lost.  rounds=N: thousands of accesses of each process.
 *
 *     each page    lock | version | ... | mark | ... | mark + 1
 *
 * Whoever comes to a page locks it there, looks whether its marks are those of its
 * version, and perhaps writes the next.  At the end there are as many versions as
 * there were writes.  Every eighth page is one of a file without a
 * name, which is also read and written by calls. */
#include "lib/files.h"
#include <sys/mman.h>

#define PROCS 4u
#define SIZE  (128ul << 20)
#define BYTES (SIZE / 8) /* of the file */
#define WORDS (PAGE / sizeof(uint64_t))

static uint64_t *anonymous, *file;
static long fd;          /* of FILE */
static uint64_t *writes; /* [a] of all processes */

static uint64_t *
page_words(size_t page)
{
    return page % 8 != 0 ? anonymous + page * WORDS : file + page / 8 * WORDS;
}

static uint64_t
mark_of(size_t page, uint64_t version)
{
    return ((uint64_t)page << 40) ^ (version * 0x9e3779b97f4a7c15ul);
}

static bool
is_right(size_t page, const uint64_t *p)
{
    uint64_t m = p[1] == 0 ? 0 : mark_of(page, p[1]);

    return p[WORDS / 2] == m && p[WORDS - 1] == (m == 0 ? 0 : m + 1);
}

/* The same of what a call reads.  => the page locked */
static bool
reads_right(size_t page)
{
    static uint64_t buf[WORDS];

    return page % 8 != 0 ||
           (PREAD(fd, buf, PAGE, (long)(page / 8 * PAGE)) == PAGE &&
            is_right(page, buf));
}

static void
write_next(size_t page, uint64_t *p, bool by_call)
{
    uint64_t m = mark_of(page, ++p[1]), last = m + 1;

    p[WORDS / 2] = m;
    if (by_call && page % 8 == 0)
        CHECK(PWRITE(fd, &last, 8, (long)(page / 8 * PAGE + PAGE - 8)) == 8);
    else
        p[WORDS - 1] = last;
    (void)__atomic_fetch_add(writes, 1, __ATOMIC_RELAXED);
}

/* One access.  Returns whether it found what it should. */
static bool
use_page(size_t page, uint64_t how)
{
    uint64_t *p = page_words(page);
    bool right;

    while (__atomic_exchange_n(&p[0], 1, __ATOMIC_ACQUIRE) != 0)
        sched_yield();
    right = is_right(page, p) && ((how & 12) != 0 || reads_right(page));
    if (how & 2)
        write_next(page, p, (how & 48) == 0);
    __atomic_store_n(&p[0], 0, __ATOMIC_RELEASE);
    return right;
}

static unsigned
use(uint64_t *state, unsigned n)
{
    unsigned wrong = 0;

    while (n-- > 0) {
        uint64_t x = rnd(state);
        size_t npages = SIZE / PAGE;

        wrong += !use_page((x >> 8) % (x & 1 ? npages : npages / 8), x);
    }
    return wrong;
}

static int
worker(void *arg)
{
    size_t who = (size_t)arg;
    uint64_t state = who * 2 + 1;
    unsigned wrong = 0;

    /* Its share of the pages, so that all are there once. */
    for (size_t page = who; page < SIZE / PAGE; page += PROCS)
        wrong += !use_page(page, 2);
    for (unsigned r = 0; r < utest_rounds && wrong == 0; r++) {
        pid_t pid;
        int status;

        wrong += use(&state, 1000);
        pid = fork();
        if (pid == 0)
            _exit(use(&state, 200) != 0);
        wrong += pid < 0 || use(&state, 200) != 0;
        wrong += waitpid(pid, &status, 0) != pid || status != 0;
        dprintf(2, "process %zu: %u of %u\n", who, r + 1, utest_rounds);
    }
    return wrong != 0;
}

UTEST(vm_row_83_pressure_on_shared_memory)
{
    uint64_t in = stat_all("swpin"), out = stat_all("swpout"), sum = 0;
    pid_t pid[PROCS];
    unsigned bad = 0;
    int status;

    fd = sys(279, (long)"eighth", 0, 0, 0, 0); /* memfd_create */
    CHECK(fd >= 0 && FTRUNCATE(fd, BYTES) == 0);
    anonymous = mmap(NULL, SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    file = mmap(NULL, BYTES, RW, MAP_SHARED, (int)fd, 0);
    writes = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(anonymous != MAP_FAILED && file != MAP_FAILED);
    CHECK(writes != MAP_FAILED);
    for (size_t i = 0; i < PROCS; i++)
        pid[i] = child(worker, (void *)i);
    for (unsigned i = 0; i < PROCS; i++) {
        CHECK(waitpid(pid[i], &status, 0) == pid[i]);
        bad += status != 0;
    }
    for (size_t page = 0; page < SIZE / PAGE; page++) {
        bad += !is_right(page, page_words(page));
        sum += page_words(page)[1];
    }
    in = stat_all("swpin") - in;
    out = stat_all("swpout") - out;
    dprintf(2, "shared: %lu writes, %lu versions, %lu pages in, %lu out\n",
            *writes, sum, in, out);
    CHECK(bad == 0 && sum == *writes);
    CHECK(in > SIZE / PAGE / 4 &&
          out > SIZE / PAGE / 2); /* it was a pressure */
}
