/* t_rows.c: rows of the memory plan from user mode that need no file of their own:
 * 16 (tables), 77 (generations), 85 (a program in place), 91 (threads), 92 (populate, lock, pin), 97 and
 * 99 (what ucore checks at boot). */
#include "lib/utest.h"

#define NR_mlockall   230
#define NR_munlockall 231

/* --- 16 --- */

UTEST(vm_row_16_tables_come_back)
{
    enum { STEPS = 64 };
    char *p = pages((STEPS << 21) / PAGE, RW);
    uint64_t before = stat_of("pt_alloc") - stat_of("pt_free"), all;

    for (unsigned long i = 0; i < STEPS; i++)
        p[i << 21] = 1;
    all = stat_of("pt_alloc") - stat_of("pt_free");
    CHECK(all - before >= STEPS);
    CHECK(munmap(p, (size_t)STEPS << 21) == 0);
    CHECK(stat_of("pt_alloc") - stat_of("pt_free") <= before);
    CHECK(mmcheck() == 0);
}

static int
maps_sparsely(void *arg)
{
    mark_counts();
    for (int round = 0; round < 100; round++) {
        char *p = pages((1ul << 30) / PAGE, RW);

        for (unsigned long i = 0; i < 16; i++)
            p[i << 26] = 1;
        CHECK(munmap(p, 1ul << 30) == 0);
    }
    CHECK(since("pt_alloc") == since("pt_free"));
    CHECK(since("pt_alloc") >= 1600 && since("anon") == 1600);
    return 0;
}

/* 1 GiB, and 16 pages of it, a hundred times; on one hart, so that no others are
 * told each time. */
UTEST(vm_row_16_a_sparse_GiB_leaves_no_table)
{
    stay_on_hart(0);
    CHECK(run_child(maps_sparsely, NULL) == 0);
}

/* --- 77 --- */

#define GENERATIONS 10

static char *mine;

/* Generation N finds what each before it had when it forked, though all have
 * written something else since; and has a page of its own. */
static int
generation(void *arg)
{
    uintptr_t n = (uintptr_t)arg;
    int go[2], status;
    char c;
    pid_t pid;

    for (uintptr_t i = 0; i < n; i++)
        CHECK(mine[i * PAGE] == (char)(i + 1));
    if (n == GENERATIONS)
        return 0;
    mine[n * PAGE] = (char)(n + 1);
    CHECK(pipe(go) == 0);
    pid = fork();
    if (pid == 0) {
        if (read(go[0], &c, 1) != 1)
            _exit(9);
        _exit(generation((void *)(n + 1)));
    }
    CHECK(pid > 0);
    for (uintptr_t i = 0; i <= n; i++)
        mine[i * PAGE] = (char)(100 + n);
    CHECK(write(go[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 8;
}

UTEST(vm_row_77_what_each_generation_left)
{
    mine = pages(GENERATIONS, RW);
    CHECK(generation(NULL) == 0);
    CHECK(mine[0] == 100);
}

/* Each has a page of its own of a private file, and of the two behind them none
 * has: those come from the file. */
static int
heir(void *arg)
{
    uintptr_t n = (uintptr_t)arg;

    if (n < GENERATIONS) {
        mine[n * PAGE] = (char)(n + 1);
        return run_child(heir, (void *)(n + 1)) == 0 ? 0 : 1;
    }
    for (uintptr_t i = 0; i < GENERATIONS; i++)
        CHECK(mine[i * PAGE] == (char)(i + 1) && mine[i * PAGE + 1] == 'f');
    CHECK(mine[n * PAGE] == 'f' && mine[(n + 1) * PAGE] == 'f');
    CHECK(page_of(mine + n * PAGE).flags & PAGE_OBJECT);
    for (uintptr_t i = 1; i < GENERATIONS; i++)
        CHECK(page_of(mine + i * PAGE).epoch >
              page_of(mine + (i - 1) * PAGE).epoch);
    return 0;
}

UTEST(vm_row_77_ten_generations_over_a_file)
{
    static char page[PAGE];
    int fd = open("/tmp/77", O_CREAT | O_EXCL | O_RDWR, 0600);

    memset(page, 'f', PAGE);
    CHECK(fd >= 0 && unlink("/tmp/77") == 0);
    for (int i = 0; i < GENERATIONS + 2; i++)
        CHECK(write(fd, page, PAGE) == (ssize_t)PAGE);
    mine = mmap(NULL, (GENERATIONS + 2) * PAGE, RW, MAP_PRIVATE, fd, 0);
    CHECK(mine != MAP_FAILED && run_child(heir, NULL) == 0);
    CHECK(mine[0] == 'f' && pread(fd, page, 1, 0) == 1 && page[0] == 'f');
}

/* --- 85 --- */

static int variable = 1; /* in a page of .data */

static int
writes_a_variable(void *arg)
{
    uint64_t text = page_of(&page_of).frame, data;

    (void)*(volatile int *)&variable;
    data = page_of(&variable).frame;
    variable++;
    CHECK(page_of(&variable).flags & PAGE_ANON);
    CHECK(page_of(&variable).frame != data && variable == 3);
    CHECK(text != 0 && page_of(&page_of).frame == text);
    return 0;
}

/* Where the program comes from the boot archive, its pages are used where they
 * lie: they are nobody's cache, no count is kept of who maps them, and they are
 * still there when the next one runs. */
UTEST(vm_row_85_a_program_is_used_where_it_lies)
{
    uint64_t cached, text = page_of(&page_of).frame;
    char *argv[] = {"/bin/true", NULL};
    pid_t pid;
    int status;

    if (page_of(&page_of).flags & PAGE_OBJECT)
        utest_skip("not from a boot archive");
    variable = 2;
    for (int i = 0; i < 3; i++) {
        cached = stat_all("cache_pages");
        pid = fork();
        if (pid == 0) {
            execve(argv[0], argv, environ);
            _exit(9);
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        if (i > 0) /* its last page, which is not whole, came with the first */
            CHECK(stat_all("cache_pages") == cached);
    }
    CHECK(run_child(writes_a_variable, NULL) == 0 && variable == 2);
    CHECK(page_of(&page_of).frame == text);
    CHECK(page_of(&page_of).mapcount == 0);
}

/* --- 91 --- */

static char *common; /* a page that all four write, and one for each */

/* Maps, fills, protects and unmaps ranges of its own, and counts in the common
 * page, beside three others. */
static int
works(void *arg)
{
    uintptr_t who = (uintptr_t)arg;
    uint64_t state = who + 1;
    volatile uint64_t *count = (volatile uint64_t *)common + who;

    for (unsigned n = 1; n <= 60; n++) {
        size_t size = rnd(&state) % 8 + 1;
        char *p = pages(size, RW);

        fill(p, size * PAGE, who * 1000 + n);
        CHECK(mprotect(p, PAGE, PROT_READ) == 0);
        *count = n;
        CHECK(filled(p, size * PAGE, who * 1000 + n));
        CHECK(munmap(p, size * PAGE) == 0);
        if (n % 20 == 0) { /* the common page is taken away, for all */
            CHECK(mprotect(common, PAGE, PROT_READ) == 0);
            CHECK(mprotect(common, PAGE, RW) == 0);
        }
    }
    return 0;
}

static void
may_write_again(int signo)
{
    CHECK(mprotect(common, PAGE, RW) == 0);
}

UTEST(vm_row_91_threads_map_and_unmap)
{
    static struct uthread t[4];
    uint64_t act[3] = {(uint64_t)may_write_again, 0, 0};

    CHECK(syscall(134, (long)SIGSEGV, act, 0l, 8l) == 0);
    common = pages(1, RW);
    for (uintptr_t i = 0; i < 4; i++)
        thread_start(&t[i], works, (void *)i);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    for (int i = 0; i < 4; i++)
        CHECK(((volatile uint64_t *)common)[i] == 60);
}

/* --- 92; pins: t_pin.c --- */

UTEST(vm_row_92_populate)
{
    char *p = mmap(NULL, 16 * PAGE, RW,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    uint64_t flt;

    CHECK(p != MAP_FAILED);
    for (int i = 0; i < 16; i++)
        CHECK((page_of(p + i * PAGE).flags & (PAGE_PRESENT | PAGE_ANON)) ==
              (PAGE_PRESENT | PAGE_ANON));
    flt = stat_of("flt");
    for (int i = 0; i < 16; i++)
        p[i * PAGE] = 1;
    CHECK(stat_of("flt") == flt);
}

UTEST(vm_row_92_mlock)
{
    char *p = pages(16, RW);
    unsigned char in[16];
    uint64_t flt;

    CHECK(mincore(p, 16 * PAGE, in) == 0 && in[3] == 0);
    CHECK(mlock(p + 100, 15 * PAGE) == 0); /* whole pages */
    CHECK(mincore(p, 16 * PAGE, in) == 0);
    flt = stat_of("flt");
    for (int i = 0; i < 16; i++) {
        CHECK(in[i] & 1);
        p[i * PAGE] = 0;
    }
    CHECK(stat_of("flt") == flt);
    CHECK(munlock(p, 16 * PAGE) == 0);
    CHECK(p[0] == 0 && p[15 * PAGE] == 0);
    CHECK(munmap(p + PAGE, PAGE) == 0);
    CHECK(mlock(p, 3 * PAGE) == -1 && errno == ENOMEM); /* a hole */
}

UTEST(vm_row_92_mlockall)
{
    char *p = pages(2, RW), *later;

    CHECK(syscall(NR_mlockall, 3l) == 0);
    CHECK(page_of(p).flags & PAGE_PRESENT);
    later = pages(2, RW); /* MCL_FUTURE: it is there at once */
    CHECK(page_of(later).flags & PAGE_PRESENT);
    CHECK(syscall(NR_munlockall) == 0);
    later = pages(2, RW);
    CHECK(!(page_of(later).flags & PAGE_PRESENT));
    CHECK(syscall(NR_mlockall, 0l) == -1 && errno == EINVAL);
}

/* --- 97 --- */

UTEST(vm_row_97_heap_grows_and_shrinks)
{
    char *begin = sbrk(0);

    CHECK(sbrk(16 * PAGE) == begin);
    for (int i = 0; i < 16; i++)
        begin[i * PAGE] = (char)i;
    CHECK(sbrk(-8l * (long)PAGE) == begin + 16 * PAGE);
    CHECK(sbrk(8 * PAGE) == begin + 8 * PAGE);
    CHECK(begin[7 * PAGE] == 7 && begin[8 * PAGE] == 0); /* anew */
    CHECK(brk(begin) == 0);
}

UTEST(vm_row_97_remap_and_advise)
{
    char *p = pages(4, RW), *q;

    fill(p, 4 * PAGE, 3);
    q = mremap(p, 4 * PAGE, 400 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && filled(q, 4 * PAGE, 3) && q[399 * PAGE] == 0);
    CHECK(madvise(q, PAGE, MADV_DONTNEED) == 0);
    CHECK(q[0] == 0 && q[PAGE - 1] == 0);
    CHECK(mremap(q, 400 * PAGE, PAGE, 0) == q);
    CHECK(mincore(q, 2 * PAGE, (unsigned char *)p) == -1 && errno == ENOMEM);
}

/* --- 99: check_vma_struct, check_pgfault --- */

UTEST(vm_row_99_areas_and_first_faults)
{
    char *at = pages(1100, PROT_NONE);
    int sum = 0;

    /* Areas in steps of five pages, made from the middle to both ends. */
    CHECK(munmap(at, 1100 * PAGE) == 0);
    for (long i = 0; i < 200; i++) {
        long n = i % 2 == 0 ? 100 + i / 2 : 99 - i / 2;

        CHECK(mmap(at + 5 * n * (long)PAGE, 2 * PAGE, RW,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                   0) != MAP_FAILED);
    }
    for (long n = 0; n < 200; n++) {
        unsigned char in[2];
        char *a = at + 5 * n * (long)PAGE;

        CHECK(mincore(a, 2 * PAGE, in) == 0);
        CHECK(mincore(a + 2 * PAGE, PAGE, in) == -1 && errno == ENOMEM);
    }
    for (int i = 0; i < 100; i++) {
        at[i] = (char)i;
        sum += i;
    }
    for (int i = 0; i < 100; i++)
        sum -= at[i];
    CHECK(sum == 0);
}
