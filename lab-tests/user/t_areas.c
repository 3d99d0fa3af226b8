/* t_areas.c: areas of a program against what they should be: rows 94-96 of the
 * plan. */
#include "lib/utest.h"

#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)
#define WINDOW 256ul /* pages */
#define BASE   ((char *)0x40000000)

/* --- 94 --- */

/* Rights of each page of the window; NONE: no area. */
#define NONE 0xff
static uint8_t oracle[WINDOW], found[WINDOW];
static char text[16384];

static unsigned
rights(const char *s)
{
    return (s[0] == 'r' ? PROT_READ : 0) | (s[1] == 'w' ? PROT_WRITE : 0) |
           (s[2] == 'x' ? PROT_EXEC : 0);
}

/* What /proc/self/maps says of the window: in order, nothing twice. */
static void
look(void)
{
    int fd = open("/proc/self/maps", O_RDONLY);
    unsigned long base = (unsigned long)BASE, last = 0;
    long n, all = 0;

    CHECK(fd >= 0);
    while ((n = read(fd, text + all, sizeof(text) - 1 - (size_t)all)) > 0)
        all += n;
    CHECK(n == 0 && close(fd) == 0);
    text[all] = 0;
    memset(found, NONE, sizeof(found));
    for (char *at = text; *at != 0; at = strchr(at, '\n') + 1) {
        char *end;
        unsigned long from = strtoul(at, &end, 16);
        unsigned long to = strtoul(end + 1, &end, 16);

        CHECK(from < to && from >= last);
        last = to;
        for (; from < to && from < base + WINDOW * PAGE; from += PAGE) {
            if (from >= base)
                found[(from - base) / PAGE] = (uint8_t)rights(end + 1);
        }
    }
}

static void
change(uint64_t *state)
{
    unsigned r = (unsigned)(rnd(state) >> 16), what = r % 3;
    size_t first = r / 4 % WINDOW, n = 1 + r / 4096 % 32, stop = first;
    uint8_t prot = r >> 24 & 7;
    char *at = BASE + first * PAGE;

    if (n > WINDOW - first)
        n = WINDOW - first;
    if (what == 0) {
        CHECK(mmap(at, n * PAGE, prot, ANON | MAP_FIXED, -1, 0) == at);
        memset(oracle + first, prot, n);
    } else if (what == 1) {
        CHECK(munmap(at, n * PAGE) == 0);
        memset(oracle + first, NONE, n);
    } else {
        while (stop < first + n && oracle[stop] != NONE)
            stop++;
        errno = 0;
        CHECK(mprotect(at, n * PAGE, prot) == (stop < first + n ? -1 : 0));
        CHECK(errno == (stop < first + n ? ENOMEM : 0));
        memset(oracle + first, prot, stop - first);
    }
}

static int
random_calls(void *arg)
{
    uint64_t state = 20240607;

    memset(oracle, NONE, sizeof(oracle));
    for (unsigned n = 1; n <= 100000; n++) {
        change(&state);
        if (n % 16 == 0 && (oracle[n % WINDOW] & PROT_WRITE) &&
            oracle[n % WINDOW] != NONE)
            BASE[n % WINDOW * PAGE] = 1;
        if (n % 1000 != 0)
            continue;
        look();
        CHECK(memcmp(oracle, found, WINDOW) == 0);
        CHECK(mmcheck() == 0);
    }
    return 0;
}

/* On one hart, so that no others are told each time. */
UTEST(vm_row_94_a_hundred_thousand_random_calls)
{
    stay_on_hart(0);
    CHECK(run_child(random_calls, NULL) == 0);
}

/* --- 95 --- */

static char *
fixed(size_t offset, size_t n, int prot, int flags)
{
    return mmap(BASE + offset * PAGE, n * PAGE, prot, ANON | flags, -1, 0);
}

/* 30 of 40 pages were written, and the last 30 go. */
UTEST(vm_row_95_just_what_was_written_comes_back)
{
    char *p = fixed(0, 40, RW, MAP_FIXED);
    uint64_t free_before, anon;

    CHECK(p == BASE);
    fill(p, 30 * PAGE, 9);
    mark_counts();
    anon = stat_all("anon_pages");
    free_before = stat_all("free_pages");
    CHECK(munmap(p + 10 * PAGE, 30 * PAGE) == 0);
    CHECK(stat_all("free_pages") - free_before == 20);
    CHECK(anon - stat_all("anon_pages") == 20 && since("rss") == -20ul);
    CHECK(filled(p, 10 * PAGE, 9) && since("flt") == 0);
}

/* Several areas, from the middle of one into the middle of another. */
UTEST(vm_row_95_across_areas)
{
    uint64_t free_before;
    unsigned char in;

    for (size_t i = 0; i < 5; i++) {
        CHECK(fixed(10 * i, 8, i % 2 ? RW : RW | PROT_EXEC, MAP_FIXED) != NULL);
        memset(BASE + 10 * i * PAGE, 1, 8 * PAGE);
    }
    free_before = stat_all("free_pages");
    CHECK(munmap(BASE + 4 * PAGE, 40 * PAGE) == 0);
    CHECK(stat_all("free_pages") - free_before == 4 + 3 * 8 + 4);
    CHECK(BASE[3 * PAGE] == 1 && BASE[44 * PAGE] == 1);
    for (size_t i = 4; i < 44; i++)
        CHECK(mincore(BASE + i * PAGE, PAGE, &in) == -1 && errno == ENOMEM);
}

/* --- 96 --- */

UTEST(vm_row_96_fixed_replaces_and_a_hint_does_not)
{
    uint64_t anon;
    char *p;

    for (size_t i = 0; i < 3; i++) {
        p = fixed(4 * i, 4, i == 1 ? PROT_READ : RW, MAP_FIXED);
        CHECK(p == BASE + 4 * i * PAGE);
        for (size_t k = 0; k < 4 && i != 1; k++)
            p[k * PAGE] = (char)(k + 1);
    }
    CHECK(fixed(11, 2, RW, MAP_FIXED_NOREPLACE) == MAP_FAILED);
    CHECK(errno == EEXIST && BASE[11 * PAGE] == 4);
    CHECK(fixed(12, 2, PROT_READ, MAP_FIXED_NOREPLACE) == BASE + 12 * PAGE);
    p = fixed(2, 4, RW, 0);
    CHECK(p != MAP_FAILED && (p < BASE || p >= BASE + 14 * PAGE));
    CHECK(mmap((void *)0x50000123, PAGE, RW, ANON, -1, 0) ==
          (void *)0x50000000);
    anon = stat_all("anon_pages");
    CHECK(fixed(2, 8, PROT_READ, MAP_FIXED) == BASE + 2 * PAGE);
    CHECK(anon - stat_all("anon_pages") == 4); /* of the three areas */
    CHECK(BASE[PAGE] == 2 && BASE[2 * PAGE] == 0 && BASE[9 * PAGE] == 0);
    CHECK(BASE[10 * PAGE] == 3);
}

/* It fails, and what it would have replaced is there. */
UTEST(vm_row_96_a_fixed_mapping_that_fails_changes_nothing)
{
    unsigned failures = 0;
    char knob[32];

    for (unsigned n = 1; n <= 20; n++) {
        char *p = fixed(0, 9, RW, MAP_FIXED), *q;

        CHECK(p == BASE);
        fill(p, 9 * PAGE, n);
        snprintf(knob, sizeof(knob), "fail_alloc=any,%u", n);
        set_knob(knob);
        q = fixed(3, 3, PROT_READ, MAP_FIXED);
        set_knob("fail_alloc=any,0");
        CHECK(q == MAP_FAILED || q == BASE + 3 * PAGE);
        if (q != MAP_FAILED)
            continue;
        failures++;
        CHECK(errno == ENOMEM && filled(p, 9 * PAGE, n));
        p[4 * PAGE] = 1;
    }
    CHECK(failures > 0 && failures < 20);
}
