/* t_quota.c: which private pages stay in memory, from user mode: the table of
 * replacement of docs/design/mm.md with real loads and stores, policies by name, row 59,
 * and RLIMIT_RSS.  Swap is memory here, made by /dev/utest. */
#include "lib/utest.h"

#define RLIMIT_RSS 5
#define REGION     8

static const char *const policies[] = {"fifo", "lru", "clock", "second",
                                       "enhanced"};

static void
swap_is(unsigned long slots)
{
    CHECK(ask(UTEST_SWAP, (void *)slots) == 0);
}

/* Write LINE to /proc/PATH: 0, or a negative errno. */
static int
order(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY), r = 0;

    CHECK(fd >= 0);
    if (write(fd, line, strlen(line)) < 0)
        r = -errno;
    close(fd);
    return r;
}

static int
quota(const char *p, unsigned long n, unsigned long frames, const char *policy)
{
    char line[96];

    snprintf(line, sizeof(line), "0x%lx 0x%lx %lu %s", (unsigned long)p,
             (unsigned long)p + n * PAGE, frames, policy);
    return order("/proc/self/quota", line);
}

/* Does the text of PATH have WORDS in it? */
static bool
shows(const char *path, const char *words)
{
    static char text[512];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    CHECK(fd >= 0 && n >= 0);
    text[n] = 0;
    close(fd);
    return strstr(text, words) != NULL;
}

static unsigned
resident(const char *p, unsigned n)
{
    unsigned there = 0;

    for (unsigned i = 0; i < n; i++)
        there += (page_of(p + i * PAGE).flags & PAGE_PRESENT) != 0;
    return there;
}

/* --- the table --- */

static const struct {
    const char *text;
    unsigned frames, want[5][2]; /* faults and writes, as policies[] */
} table[] = {
    {"wa wb wc wd wc wa wd wb we wb wa wb wc wd we ra wa",
     4,
     {{11, 7}, {9, 5}, {9, 5}, {9, 5}, {9, 5}}},
    {"wa wb wc wd wc wa wd wb we wb wa wb wc wd we ra wa",
     3,
     {{10, 7}, {12, 9}, {10, 7}, {10, 7}, {10, 7}}},
    {"wa wb wc wd wc wa wd wb we wb wa wb wc wd we ra wa",
     5,
     {{5, 0}, {5, 0}, {5, 0}, {5, 0}, {5, 0}}},
    {"ra rb rc rd ra rb re ra rb rc rd re",
     3,
     {{9, 0}, {10, 0}, {9, 0}, {9, 0}, {9, 0}}},
    {"ra rb rc rd ra rb re ra rb rc rd re",
     4,
     {{10, 0}, {8, 0}, {10, 0}, {10, 0}, {10, 0}}},
    {"wa rb wc rd ra rb re wa rb rc rd re",
     3,
     {{9, 3}, {10, 3}, {9, 3}, {9, 3}, {9, 2}}},
    {"wa rb wc rd ra rb re wa rb rc rd re",
     4,
     {{10, 3}, {8, 2}, {10, 3}, {10, 3}, {8, 0}}},
    {"ra rb rc rd re ra rb rc rd re ra rb rc rd re ra rb rc rd re",
     4,
     {{20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}}},
};

static void
run_script(const char *text, const char *policy, unsigned frames,
           uint64_t *faults, uint64_t *writes)
{
    volatile char *p = pages(REGION, RW);
    uint64_t in, out;

    CHECK(quota((char *)p, REGION, REGION, policy) == 0);
    for (unsigned i = 0; i < REGION; i++)
        p[i * PAGE] = (char)(i + 1);
    CHECK(quota((char *)p, REGION, 0, policy) == 0);
    CHECK(resident((char *)p, REGION) == 0);
    CHECK(quota((char *)p, REGION, frames, policy) == 0);
    in = stat_of("swpin");
    out = stat_of("swpout");
    for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2) {
        unsigned i = (unsigned)(text[1] - 'a');

        if (text[0] == 'w')
            p[i * PAGE] = (char)(i + 1);
        else
            CHECK(p[i * PAGE] == (char)(i + 1));
        set_knob("tick_now=1");
    }
    *faults = stat_of("swpin") - in;
    *writes = stat_of("swpout") - out;
    CHECK(munmap((char *)p, REGION * PAGE) == 0);
}

UTEST(vm_row_71_the_table_with_real_loads_and_stores)
{
    swap_is(64);
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (unsigned k = 0; k < 5; k++) {
            uint64_t faults, writes;

            run_script(table[i].text, policies[k], table[i].frames, &faults,
                       &writes);
            if (faults != table[i].want[k][0] || writes != table[i].want[k][1])
                printf("%s, %u frames, %s: %lu, %lu\n", policies[k],
                       table[i].frames, table[i].text, faults, writes);
            CHECK(faults == table[i].want[k][0]);
            CHECK(writes == table[i].want[k][1]);
        }
    }
    CHECK(order("/proc/self/quota", "none") == 0);
    swap_is(0);
}

/* --- by name --- */

UTEST(vm_row_71_policies_by_name)
{
    char *p = pages(REGION, RW);

    swap_is(64);
    CHECK(quota(p, REGION, 4, "best") == -EINVAL);
    CHECK(order("/proc/self/quota", "0x1000") == -EINVAL);
    CHECK(order("/proc/self/quota", "0x2000 0x1000 4") == -EINVAL);
    CHECK(order("/proc/ucore/knobs", "swap_policy=best") == -EINVAL);
    CHECK(shows("/proc/ucore/replacement", "policies clock, ") ||
          shows("/proc/ucore/replacement", ", clock"));
    CHECK(quota(p, REGION, 4, "second") == 0);
    fill(p, REGION * PAGE, 5);
    CHECK(shows("/proc/self/quota", " 4 4 second\n"));
    CHECK(quota(p, REGION, 4, "") == 0); /* as the machine's, with its pages */
    CHECK(shows("/proc/self/quota", " 4 4 "));
    CHECK(shows("/proc/self/quota", " machine\n"));
    for (unsigned k = 0; k < 5; k++) {
        char line[64];

        snprintf(line, sizeof(line), "swap_policy=%s", policies[k]);
        CHECK(order("/proc/ucore/knobs", line) == 0);
        snprintf(line, sizeof(line), "policy %s\n", policies[k]);
        CHECK(shows("/proc/ucore/replacement", line));
        snprintf(line, sizeof(line), " 4 4 %s machine\n", policies[k]);
        CHECK(shows("/proc/self/quota", line));
        CHECK(filled(p, REGION * PAGE, 5) && resident(p, REGION) == 4);
    }
    CHECK(order("/proc/ucore/knobs", "swap_policy=clock") == 0);
    CHECK(order("/proc/self/quota", "none") == 0);
    CHECK(!shows("/proc/self/quota", "-"));
    CHECK(filled(p, REGION * PAGE, 5) && resident(p, REGION) == REGION);
    swap_is(0);
}

/* --- 59: two processes, the same addresses --- */

#define SAME     ((uint64_t *)0x50000000)
#define TOUCHED  64u
#define ACCESSES 20000u

static int
uses_at_random(void *seed)
{
    static uint64_t sum[TOUCHED];
    uint64_t state = (uint64_t)seed, in, *p;

    p = mmap(SAME, TOUCHED * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0);
    CHECK(p == SAME);
    CHECK(quota((char *)p, TOUCHED, 4, state == 1 ? "fifo" : "clock") == 0);
    for (unsigned i = 0; i < TOUCHED; i++)
        p[i * 512] = sum[i] = (uint64_t)seed << 32 | i;
    in = stat_of("swpin");
    for (unsigned n = 0; n < ACCESSES; n++) {
        uint64_t x = rnd(&state);
        unsigned i = x % TOUCHED;

        CHECK(p[i * 512] == sum[i]);
        if (x >> 8 & 1)
            p[i * 512] = sum[i] = x;
        if (n % 500 == 0)
            CHECK(resident((char *)p, TOUCHED) <= 4);
    }
    for (unsigned i = 0; i < TOUCHED; i++)
        CHECK(p[i * 512] == sum[i]);
    CHECK(stat_of("swpin") - in > ACCESSES * 7 / 8); /* 15 of 16 are out */
    return 0;
}

UTEST(vm_row_59_two_processes_at_the_same_addresses)
{
    int status;

    swap_is(256);
    for (unsigned long i = 1; i <= 2; i++)
        (void)child(uses_at_random, (void *)i);
    for (unsigned i = 0; i < 2; i++)
        CHECK(wait(&status) > 0 && status == 0);
    swap_is(0);
}

/* --- RLIMIT_RSS --- */

#define MUCH 200u
#define MAY  60u

static void
limit_rss(uint64_t bytes)
{
    uint64_t l[2] = {bytes, ~0ul};

    CHECK(syscall(164, (long)RLIMIT_RSS, l) == 0);
}

static void
uses_much(uint64_t seed)
{
    char *p = pages(MUCH, RW);

    for (unsigned i = 0; i < MUCH; i++)
        fill(p + i * PAGE, 64, seed + i);
    CHECK(resident(p, MUCH) < MAY);
    for (unsigned i = 0; i < MUCH; i++)
        CHECK(filled(p + i * PAGE, 64, seed + i));
    CHECK(resident(p, MUCH) < MAY && stat_of("swpin") > MUCH / 2);
    CHECK(munmap(p, MUCH * PAGE) == 0);
}

static int
inherits_it(void *arg)
{
    uses_much(1000);
    CHECK(shows("/proc/self/quota", " 60 "));
    return 0;
}

UTEST(vm_row_71_limit_of_resident_memory)
{
    char *before = pages(MUCH, RW);

    swap_is(2048);
    fill(before, MUCH * PAGE, 3);
    limit_rss(MAY * PAGE);
    CHECK(resident(before, MUCH) < MAY); /* what is too much went */
    uses_much(50);
    CHECK(run_child(inherits_it, NULL) == 0);
    CHECK(filled(before, MUCH * PAGE, 3));
    limit_rss(~0ul);
    CHECK(filled(before, MUCH * PAGE, 3) && resident(before, MUCH) == MUCH);
    swap_is(0);
}

/* Without swap it is only kept. */
UTEST(vm_row_71_limit_of_resident_memory_without_swap)
{
    char *p = pages(MUCH, RW);

    limit_rss(MAY * PAGE);
    fill(p, MUCH * PAGE, 7);
    CHECK(filled(p, MUCH * PAGE, 7) && resident(p, MUCH) == MUCH);
    limit_rss(~0ul);
}

/* There is no memory for it: nothing has changed, and children get none. */
UTEST(vm_row_71_a_limit_that_finds_no_memory_is_not_set)
{
    uint64_t few[2] = {MAY * PAGE, ~0ul}, now[2];

    set_knob("fail_alloc=area,1");
    CHECK(syscall(164, (long)RLIMIT_RSS, few) == -1 && errno == ENOMEM);
    set_knob("fail_alloc=area,0");
    CHECK(syscall(163, (long)RLIMIT_RSS, now) == 0 && now[0] == ~0ul);
    CHECK(!shows("/proc/self/quota", "-"));
    limit_rss(MAY * PAGE);
    CHECK(syscall(163, (long)RLIMIT_RSS, now) == 0 && now[0] == MAY * PAGE);
    CHECK(shows("/proc/self/quota", " 60 "));
    limit_rss(~0ul);
}
