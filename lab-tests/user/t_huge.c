/* t_huge.c: leaves of 2 MiB and 1 GiB in programs: rows 10, 17, 24-26 of the
 * plan. */
#include "lib/utest.h"

#define ANON          (MAP_PRIVATE | MAP_ANONYMOUS)
#define MADV_HUGEPAGE 14
#define HUGE          (2ul << 20)
#define GIB           (1ul << 30)
#define N             512ul /* pages of one leaf */
#define AT            ((char *)0x40000000)

/* N pages from OFFSET pages behind AT on, huge where that is possible. */
static char *
map_huge(size_t offset, size_t n)
{
    char *p = mmap(AT + offset * PAGE, n * PAGE, RW, ANON | MAP_FIXED_NOREPLACE,
                   -1, 0);

    CHECK(p == AT + offset * PAGE);
    CHECK(madvise(p, n * PAGE, MADV_HUGEPAGE) == 0);
    return p;
}

static void
number(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *(uint64_t *)(p + i * PAGE) = 1000 + i;
}

/* Do pages FROM to TO - 1 of P have their numbers? */
static bool
numbered(const char *p, size_t from, size_t to)
{
    while (from < to && *(const uint64_t *)(p + from * PAGE) == 1000 + from)
        from++;
    return from == to;
}

static char *
one_leaf(void)
{
    char *p = map_huge(0, N);

    number(p, N);
    CHECK(page_of(p).level == 1);
    mark_counts();
    return p;
}

UTEST(vm_row_10_each_request_ends_in_one_fault)
{
    char *p = map_huge(0, 4 * N);

    mark_counts();
    for (int i = 0; i < 4; i++)
        p[i * HUGE + i * PAGE] = 1;
    CHECK(since("flt") == 4 && since("hmap") == 4 && since("min") == 4);
    CHECK(since("retry") == 0 && since("spur") == 0);
    for (int i = 0; i < 4; i++)
        CHECK(page_of(p + i * HUGE).level == 1 && p[i * HUGE + i * PAGE] == 1);
    p[5] = 1;
    CHECK(since("flt") == 4);
}

/* What is seen of each of 512 pages under one entry. */
UTEST(vm_row_17_every_page_under_a_leaf)
{
    char *p = one_leaf();
    uint64_t first = page_of(p).frame;

    CHECK(first % N == 0);
    for (size_t i = 0; i < N; i++) {
        struct utest_page page = page_of(p + i * PAGE);

        CHECK(page.level == 1 && page.frame == first + i);
        CHECK((page.flags & (PAGE_PRESENT | PAGE_WRITE | PAGE_ANON)) ==
              (PAGE_PRESENT | PAGE_WRITE | PAGE_ANON));
        CHECK(page.mapcount == 1);
    }
    CHECK(since("flt") == 0 && since("hsplit") == 0 && numbered(p, 0, N));
}

UTEST(vm_row_24_one_byte_in_each_half)
{
    char *p = map_huge(0, 2 * N);

    mark_counts();
    p[5] = 1;
    p[HUGE + 7 * PAGE] = 2;
    CHECK(since("hmap") == 2 && since("flt") == 2 && since("rss") == 1024);
    CHECK(since("anon") == 0);
    for (size_t i = 0; i < 2 * HUGE; i += 512)
        CHECK(p[i + 5] == (i == 0) && p[i] == (i == HUGE + 7 * PAGE ? 2 : 0));
    CHECK(since("flt") == 2);
}

UTEST(vm_row_24_only_whole_aligned_2_MiB)
{
    static const struct { /* of the area; how many leaves fit */
        size_t start, pages;
        unsigned leaves;
    } row[] = {{1, 3 * N, 2}, {N - 1, N + 1, 1}, {0, N - 1, 0},
               {1, N, 0},     {0, 2 * N + 1, 2}, {300, 2 * N, 1}};

    for (unsigned r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        char *p = map_huge(row[r].start, row[r].pages);

        mark_counts();
        number(p, row[r].pages);
        CHECK(since("hmap") == row[r].leaves);
        CHECK(since("flt") == row[r].pages - row[r].leaves * (N - 1));
        CHECK(since("rss") == row[r].pages && numbered(p, 0, row[r].pages));
        CHECK(munmap(p, row[r].pages * PAGE) == 0);
        CHECK(since("rss") == 0);
    }
}

/* If there is no free GiB, smaller leaves serve it. */
UTEST(vm_row_25_one_GiB_or_less)
{
    long r = range_do(RANGE_GIB, NULL, GIB);
    volatile char *p = (char *)r;
    bool whole;

    CHECK(r > 0 && r % (long)GIB == 0);
    whole = page_of((char *)r).level == 2;
    mark_counts();
    for (int i = 0; i < 8; i++)
        p[i * (HUGE * 16 + PAGE)] = (char)(i + 1);
    for (int i = 0; i < 8; i++)
        CHECK(p[i * (HUGE * 16 + PAGE)] == i + 1);
    CHECK(since("hmap") == (whole ? 0 : 8) && since("flt") == since("hmap"));
    CHECK(munmap((char *)r, PAGE) == (whole ? -1 : 0)); /* never cut */
    CHECK(munmap((char *)r, GIB) == 0);
    CHECK(range_do(RANGE_GIB, NULL, 1ul << 60) == -ENOMEM);
}

/* --- 26 --- */

UTEST(vm_row_26_one_page_is_unmapped)
{
    char *p = one_leaf();

    CHECK(munmap(p + 100 * PAGE, PAGE) == 0);
    CHECK(since("hsplit") == 1 && since("rss") == -1ul);
    CHECK(numbered(p, 0, 100) && numbered(p, 101, N));
    CHECK(since("flt") == 0);
}

static int
store(void *p)
{
    *(volatile char *)p = 1;
    return 0;
}

UTEST(vm_row_26_half_is_protected)
{
    char *p = one_leaf();

    CHECK(mprotect(p + HUGE / 2, HUGE / 2, PROT_READ) == 0);
    CHECK(since("hsplit") == 1 && since("rss") == 0);
    CHECK(page_of(p).level == 0 && page_of(p + HUGE - PAGE).level == 0);
    dies(store, p + HUGE / 2, SIGSEGV, SEGV_ACCERR, p + HUGE / 2);
    CHECK(numbered(p, 0, N));
    p[9] = 1;
}

static int go[2];

/* A relative that writes nothing, and sees none of what is written. */
static int
looks_later(void *p)
{
    char c;

    CHECK(read(go[0], &c, 1) == 1);
    CHECK(numbered(p, 0, N));
    return 0;
}

/* 4 KiB are copied, not 2 MiB. */
UTEST(vm_row_26_one_byte_copies_4_KiB)
{
    char *p = one_leaf();
    uint64_t all;
    int status;
    pid_t pid;

    CHECK(pipe(go) == 0);
    pid = child(looks_later, p);
    CHECK(page_of(p).level == 1 && !(page_of(p).flags & PAGE_WRITE));
    mark_counts();
    all = stat_all("anon_pages");
    p[7 * PAGE + 99] = 1;
    CHECK(stat_all("anon_pages") - all == 1);
    CHECK(since("cow") == 1 && since("hsplit") == 1 && since("flt") == 1);
    CHECK(page_of(p).level == 0 && numbered(p, 8, N));
    CHECK(write(go[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int
nothing(void *arg)
{
    return 0;
}

/* The relative has ended: one fault, and all of the leaf may be written. */
UTEST(vm_row_26_a_leaf_is_ours_again)
{
    char *p = one_leaf();

    CHECK(run_child(nothing, NULL) == 0);
    mark_counts();
    number(p, N);
    CHECK(since("reuse") == 1 && since("flt") == 1 && since("cow") == 0);
    CHECK(since("hsplit") == 0 && page_of(p).level == 1 && numbered(p, 0, N));
}
