/* t_fault.c: accesses that are allowed and those that are not: rows 1-7 and M10
 * of the plan, and the other ways to die of an instruction. */
#include "lib/utest.h"

static int
load(void *p)
{
    (void)*(volatile char *)p;
    return 0;
}

static int
store(void *p)
{
    *(volatile char *)p = 1;
    return 0;
}

static int
fetch(void *p)
{
    ((void (*)(void))p)();
    return 0;
}

static int (*const access_by[])(void *) = {load, store, fetch};

UTEST(vm_row_1_hole)
{
    char *p = pages(3, RW);
    uint64_t before;

    CHECK(munmap(p + PAGE, PAGE) == 0);
    for (int i = 0; i < 3; i++)
        dies(access_by[i], p + PAGE + 8, SIGSEGV, SEGV_MAPERR, p + PAGE + 8);
    dies(load, NULL, SIGSEGV, SEGV_MAPERR, NULL);
    dies(load, (void *)0xffffffc000000123ul, SIGSEGV, SEGV_MAPERR,
         (void *)0xffffffc000000123ul);
    dies(store, (void *)0x123456789abcdeul, SIGSEGV, SEGV_MAPERR,
         (void *)0x123456789abcdeul);
    before = stat_all("segv");
    dies(load, p + PAGE, SIGSEGV, SEGV_MAPERR, p + PAGE);
    CHECK(stat_all("segv") - before == 1);
    store(p); /* we live */
}

static char *code;
static const uint32_t ret_code = 0x00008067;

/* 8 rights, 3 accesses. */
UTEST(vm_row_2_rights_and_accesses)
{
    for (int prot = 0; prot < 8; prot++) {
        char *p = pages(1, RW);

        memcpy(p, &ret_code, sizeof(ret_code));
        CHECK(mprotect(p, PAGE, prot) == 0);
        for (int i = 0; i < 3; i++) {
            int need = i == 0 ? PROT_READ : i == 1 ? PROT_WRITE : PROT_EXEC;
            bool may = (prot & need) != 0;

            if (may)
                CHECK(run_child(access_by[i], p) == 0);
            else
                dies(access_by[i], p, SIGSEGV, SEGV_ACCERR, p);
        }
        CHECK(mprotect(p, PAGE, PROT_READ) == 0);
        CHECK(memcmp(p, &ret_code, sizeof(ret_code)) == 0);
    }
}

/* Rights PROT, asked for when the page is there, or before. */
static void
entry_is_legal(int prot, bool there)
{
    char *p = pages(1, there ? RW : prot);
    unsigned flags;

    if (there) {
        memcpy(p, &ret_code, sizeof(ret_code));
        CHECK(mprotect(p, PAGE, prot) == 0);
    }
    if (prot & PROT_WRITE)
        *p = (char)ret_code;
    else if (prot & PROT_READ)
        load(p);
    else if (prot & PROT_EXEC)
        fetch(p);
    flags = page_of(p).flags;
    CHECK(!!(flags & PAGE_PRESENT) == (prot != PROT_NONE));
    CHECK((flags & PAGE_READ) || !(flags & PAGE_WRITE));
    CHECK(!!(flags & PAGE_WRITE) == !!(prot & PROT_WRITE));
    CHECK(!!(flags & PAGE_EXEC) == !!(prot & PROT_EXEC));
    if (prot == PROT_NONE)
        dies(load, p, SIGSEGV, SEGV_ACCERR, p);
    else if (!(prot & PROT_WRITE))
        dies(store, p, SIGSEGV, SEGV_ACCERR, p);
    else if (prot & PROT_READ)
        CHECK(run_child(load, p) == 0);
    CHECK(munmap(p, PAGE) == 0);
}

UTEST(vm_row_3_entries_are_legal)
{
    static const int prots[] = {PROT_READ, PROT_EXEC, RW, PROT_NONE,
                                PROT_WRITE};

    for (unsigned i = 0; i < 5; i++) {
        entry_is_legal(prots[i], true);
        if (prots[i] != PROT_EXEC) /* zeros are no instruction */
            entry_is_legal(prots[i], false);
    }
}

static int
call_code(void *arg)
{
    return ((int (*)(void))code)();
}

static void
put_code(int value) /* li a0, VALUE; ret */
{
    uint32_t words[2] = {(uint32_t)value << 20 | 0x00000513, ret_code};

    memcpy(code, words, sizeof(words));
}

UTEST(vm_row_4_code_is_fetched_anew)
{
    code = pages(1, RW);
    for (int i = 1; i <= 10; i++) {
        put_code(i);
        if (i == 1)
            dies(call_code, NULL, SIGSEGV, SEGV_ACCERR, code);
        CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
        CHECK(call_code(NULL) == i);
        CHECK(run_child(call_code, NULL) == i << 8);
        CHECK(mprotect(code, PAGE, RW) == 0);
    }
}

/* Written on one hart, run on another, which has run what was there before. */
UTEST(vm_row_4_code_is_fetched_anew_elsewhere)
{
    unsigned n = harts();

    code = pages(1, RW);
    for (unsigned i = 1; i <= 4 * n; i++) {
        stay_on_hart(i % n);
        put_code((int)i);
        CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
        stay_on_hart((i + 1) % n);
        CHECK(call_code(NULL) == (int)i);
        stay_on_hart((i + 2) % n);
        CHECK(call_code(NULL) == (int)i);
        CHECK(mprotect(code, PAGE, RW) == 0);
    }
}

static volatile uint64_t victim_text = 1;

#define CONSTANT 0x1122334455667788ul

/* How often CONSTANT is in the file that we run; not in its last page, which the
 * cache would keep when the test is over. */
static unsigned
in_our_file(void)
{
    static uint64_t words[PAGE / 8];
    int fd = open("/proc/self/exe", O_RDONLY);
    unsigned found = 0;
    off_t size;

    CHECK(fd >= 0);
    size = lseek(fd, 0, SEEK_END);
    for (off_t at = 0; at + (off_t)PAGE <= size; at += (off_t)PAGE) {
        CHECK(pread(fd, words, PAGE, at) == (ssize_t)PAGE);
        for (unsigned i = 0; i < PAGE / 8; i++)
            found += words[i] == CONSTANT;
    }
    CHECK(close(fd) == 0);
    return found;
}

/* A forced write, as a debugger's, to a page the target may not write: the copy
 * is the target's alone. */
UTEST(vm_row_5_forced_write_copies)
{
    /* Whole pages of the file, and not the last one. */
    static const uint64_t constant[3 * PAGE / 8]
        __attribute__((aligned(PAGE))) = {CONSTANT};
    volatile const uint64_t *c = constant;
    struct utest_force w = {.addr = (uint64_t)constant, .value = 99};
    unsigned before = in_our_file();
    int fd[2], to[2], status;
    uint64_t fcow;
    char go;
    pid_t pid;

    CHECK(before > 0);
    CHECK(pipe(fd) == 0 && pipe(to) == 0);
    pid = fork();
    if (pid == 0) {
        if (*c != CONSTANT || write(fd[1], "y", 1) != 1)
            _exit(2);
        if (read(to[0], &go, 1) != 1)
            _exit(2);
        _exit(*c == 99 ? 0 : 3);
    }
    w.pid = pid;
    CHECK(read(fd[0], &go, 1) == 1); /* it has read */
    fcow = stat_all("fcow");
    CHECK(ask(UTEST_FORCE, &w) == 0);
    CHECK(stat_all("fcow") - fcow == 1);
    CHECK(*c == CONSTANT); /* we run the same file */
    CHECK(in_our_file() == before);
    CHECK(write(to[1], "x", 1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
    CHECK(victim_text == 1);
}

UTEST(vm_row_6_calls_fault_for_us)
{
    char *p = pages(4, RW);
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    int fd[2];
    uint64_t before;

    CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
    CHECK(read(zero, p + 2 * PAGE, 8) == -1 && errno == EFAULT);
    CHECK(read(zero, (void *)-8ul, 8) == -1 && errno == EFAULT);
    CHECK(pipe(fd) == 0);
    CHECK(write(fd[1], p + 2 * PAGE, 8) == -1 && errno == EFAULT);
    before = stat_of("min");
    CHECK(read(zero, p, 8) == 8);
    CHECK(stat_of("min") - before == 1);
    before = stat_of("min");
    CHECK(write(fd[1], p + PAGE, 8) == 8); /* the zero page */
    CHECK(stat_of("min") - before == 1);
    CHECK(mprotect(p + 3 * PAGE, PAGE, PROT_READ) == 0);
    CHECK(read(zero, p + 3 * PAGE, 8) == -1 && errno == EFAULT);
    close(null);
}

/* One allocation fails: the access happens again, and the data is right.  All
 * fail: the process is killed, and nobody else. */
UTEST(vm_row_7_shortage_is_survived)
{
    for (int n = 1; n <= 6; n++) {
        char *p = pages(1, RW), knob[40];

        snprintf(knob, sizeof(knob), "fail_alloc=any,%d", n);
        mark_counts();
        set_knob(knob);
        *p = (char)n;
        set_knob("fail_alloc=any,0");
        CHECK(*p == n && p[1] == 0 && since("segv") == 0);
        CHECK(since("oom") <= 1 && since("anon") == 1);
        CHECK(since("flt") == 1 + since("oom"));
        CHECK(munmap(p, PAGE) == 0);
    }
}

UTEST(vm_row_M10_store_to_shared_text)
{
    const char *text = (const char *)&store;
    char first = *text;
    uint64_t before = stat_all("segv");

    dies(store, (void *)text, SIGSEGV, SEGV_ACCERR, text);
    CHECK(stat_all("segv") - before == 1);
    CHECK(*text == first);
}

/* --- other deaths --- */

static int
illegal(void *arg)
{
    __asm__ volatile(".word 0");
    return 0;
}

UTEST(die_of_an_illegal_instruction)
{
    struct utest_cause c = {.signo = -1};
    int status;

    c.pid = child(illegal, NULL);
    while (c.signo == -1) {
        int pid = c.pid;

        CHECK(ask(UTEST_CAUSE, &c) == 0);
        c.pid = pid;
        sched_yield();
    }
    CHECK(waitpid(c.pid, &status, 0) == c.pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
    CHECK(c.signo == SIGILL);
    CHECK(c.addr >= (uint64_t)illegal && c.addr < (uint64_t)illegal + 64);
}

static int
breakpoint(void *arg)
{
    __asm__ volatile("ebreak");
    return 0;
}

UTEST(die_of_a_breakpoint)
{
    int status = run_child(breakpoint, NULL);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
}

static int
privileged(void *arg)
{
    __asm__ volatile("csrr t0, sstatus" ::: "t0");
    return 0;
}

UTEST(die_of_a_privileged_instruction)
{
    int status = run_child(privileged, NULL);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
}

/* RISC-V has no trap for it: the result is -1, and no SIGFPE. */
UTEST(division_by_zero_goes_on)
{
    volatile long zero = 0, r;

    __asm__ volatile("div %0, %1, %2" : "=r"(r) : "r"(5l), "r"(zero));
    CHECK(r == -1);
}

static int
jump_odd(void *arg)
{
    char *p = pages(1, RW);

    ((void (*)(void))(p + 2 * PAGE + 0x1000000))();
    return 0;
}

UTEST(die_of_a_jump_into_nothing)
{
    int status = run_child(jump_odd, NULL);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* --- the stack: row 97 --- */

static int
deep(void *arg)
{
    volatile char frame[PAGE];

    frame[0] = (char)(uintptr_t)arg;
    if ((uintptr_t)arg > 0)
        frame[1] = (char)deep((void *)((uintptr_t)arg - 1));
    return frame[0] != (char)(uintptr_t)arg;
}

UTEST(vm_row_97_stack_grows)
{
    CHECK(run_child(deep, (void *)1500) == 0); /* 6 MiB of 8 */
}

UTEST(vm_row_97_stack_has_a_limit)
{
    int status = run_child(deep, (void *)100000);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* Whatever lies nearest below: nothing is mapped within the gap. */
UTEST(vm_row_97_stack_guard)
{
    char here, *low;

    low = (char *)(((uintptr_t)&here - (9ul << 20)) & ~(PAGE - 1));
    CHECK(mmap(low, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
               -1, 0) == low);
    CHECK(run_child(deep, (void *)1500) == 0);
    CHECK(WIFSIGNALED(run_child(deep, (void *)3000)));
    CHECK(*low == 0);
}
