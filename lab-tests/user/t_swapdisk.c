/* t_swapdisk.c: what goes wrong with swap on a disk, and what ends while it is under
 * way: rows 8, 16, 61, 62 and 63 of the memory plan; and what /proc says of swapped pages. */
#include "lib/swap.h"
#include <sys/mman.h>

#define LOCKED 0x1000u

static int
load(void *p)
{
    (void)*(volatile char *)p;
    return 0;
}

/* Which block of BIG holds the page at P. */
static unsigned
block_of(const void *p)
{
    return (unsigned)(page_of(p).slot &
                      0xffffffffffff); /* slot + 1; the header */
}

static void
bad_block(unsigned block, const char *what)
{
    char knob[48];

    snprintf(knob, sizeof(knob), "fail_block=vdb1,%u,%s", block, what);
    set_knob(knob);
}

static void
slow_disk(unsigned ms)
{
    char knob[32];

    snprintf(knob, sizeof(knob), "slow_io=%u", ms);
    set_knob(knob);
}

/* --- errors --- */

UTEST(vm_row_62_a_page_that_cannot_be_written_stays)
{
    long total;
    unsigned out = 0;
    char *p;

    swap_begin();
    total = number_in("/proc/meminfo", "SwapTotal");
    p = pages(32, RW);
    fill(p, 32 * PAGE, 62);
    bad_block(5, "write");
    CHECK(syscall(233, p, 32 * PAGE, 21l) == 0);
    set_knob("fail_block=off");
    for (unsigned i = 0; i < 32; i++)
        out += is_out(p + i * PAGE);
    CHECK(out == 31); /* of the run that failed each went alone */
    CHECK(number_in("/proc/meminfo", "SwapTotal") == total - 4);
    CHECK(filled(p, 32 * PAGE, 62));
    push_out(p, 32); /* the bad slot is not used again */
    for (unsigned i = 0; i < 32; i++)
        CHECK(block_of(p + i * PAGE) != 5);
    CHECK(filled(p, 32 * PAGE, 62) && munmap(p, 32 * PAGE) == 0);
    swap_end();
}

UTEST(vm_row_62_who_reads_what_cannot_be_read_gets_SIGBUS)
{
    char *p;

    swap_begin();
    p = pages(8, RW);
    fill(p, 8 * PAGE, 63);
    push_out(p, 8);
    bad_block(block_of(p + 3 * PAGE), "read");
    dies(load, p + 3 * PAGE + 5, SIGBUS, BUS_ADRERR, p + 3 * PAGE + 5);
    CHECK(filled(p, 3 * PAGE, 63)); /* nobody else is hurt */
    CHECK(SWAPOFF(BIG) == -EIO);    /* and nothing is lost */
    set_knob("fail_block=off");
    CHECK(filled(p, 8 * PAGE, 63) && munmap(p, 8 * PAGE) == 0);
    swap_end();
}

/* --- two want it at once --- */

static volatile uint64_t *told; /* shared: [0]: go */

enum { SWPIN, MAJ, MIN_, RETRY, FRAME, THEY_TOLD = 8 };

static uint64_t
told_by_both(unsigned what)
{
    return told[1 * THEY_TOLD + what] + told[2 * THEY_TOLD + what];
}

/* Child I of two reads the page at SHOWN, and tells what that was. */
static char *shown;

static int
reads_and_tells(void *i)
{
    volatile uint64_t *mine = told + (uintptr_t)i * THEY_TOLD;

    warm_up(shown + PAGE);
    mine[SWPIN] = 0;
    mark_counts();
    while (told[0] == 0)
        sched_yield();
    CHECK(filled(shown, PAGE, 61));
    mine[SWPIN] = since("swpin");
    mine[MAJ] = since("maj");
    mine[MIN_] = since("min");
    mine[RETRY] = since("retry");
    mine[FRAME] = page_of(shown).frame;
    return 0;
}

/* Did one of the two wait for the other one's read, which takes MS?  There is one read
 * in any case. */
static bool
one_waits(unsigned ms)
{
    int status;

    push_out(shown, 1);
    slow_disk(ms);
    told[0] = 0;
    for (uintptr_t i = 1; i <= 2; i++)
        (void)child(reads_and_tells, (void *)i);
    told[0] = 1;
    for (unsigned i = 0; i < 2; i++)
        CHECK(wait(&status) > 0 && status == 0);
    slow_disk(0);
    CHECK(told_by_both(SWPIN) == 1 && told_by_both(MAJ) == 1);
    CHECK(told_by_both(MIN_) == 1);
    CHECK(told[THEY_TOLD + FRAME] == told[2 * THEY_TOLD + FRAME]);
    fill(shown, PAGE, 61);
    return told_by_both(RETRY) == 2; /* who reads passes twice, too */
}

UTEST(vm_row_61_two_processes_share_one_read)
{
    bool seen = false;

    swap_begin();
    told = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED);
    shown = pages(2, RW);
    fill(shown, PAGE, 61);
    fill(shown + PAGE, PAGE, 1);
    for (unsigned ms = 50; ms <= 1600 && !seen; ms *= 2)
        seen = one_waits(ms);
    CHECK(seen && munmap(shown, 2 * PAGE) == 0);
    swap_end();
}

/* --- who is killed --- */

static bool
sleeps(pid_t pid)
{
    char path[32], text[256];
    long fd, n;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    fd = OPEN(path, O_RDONLY);
    n = READ(fd, text, sizeof(text) - 1);
    CHECK(n > 0 && CLOSE(fd) == 0);
    text[n] = 0;
    return strstr(text, "State:\tS") != NULL;
}

/* A child reads the page at P, which takes MS; another one waits for it and is killed:
 * is it gone before the page is there?  *READS: the first one read it. */
static bool
killed_while_another_reads(char *p, unsigned ms)
{
    pid_t reader, waiter;
    int status;
    bool soon;

    push_out(p, 1);
    slow_disk(ms);
    reader = child(load, p);
    while (!(page_of(p).flags & LOCKED) && is_out(p))
        sched_yield();
    waiter = child(load, p);
    while (!sleeps(waiter) && (page_of(p).flags & LOCKED))
        sched_yield();
    CHECK(kill(waiter, SIGKILL) == 0);
    CHECK(waitpid(waiter, &status, 0) == waiter);
    soon = (page_of(p).flags & LOCKED) != 0 && WIFSIGNALED(status);
    CHECK(waitpid(reader, &status, 0) == reader && status == 0);
    slow_disk(0);
    CHECK(filled(p, PAGE, 8));
    fill(p, PAGE, 8);
    return soon;
}

UTEST(vm_row_8_a_kill_ends_the_wait_for_a_swapped_page)
{
    bool seen = false;
    char *p;

    swap_begin();
    p = pages(1, RW);
    fill(p, PAGE, 8);
    for (unsigned ms = 200; ms <= 6400 && !seen; ms *= 2)
        seen = killed_while_another_reads(p, ms);
    CHECK(seen && munmap(p, PAGE) == 0);
    swap_end();
}

/* The reader itself is killed: the page comes, for the other one who has it. */
UTEST(vm_row_8_a_reader_of_swap_is_killed)
{
    char *p;
    pid_t pid;
    int status;

    swap_begin();
    p = pages(1, RW);
    fill(p, PAGE, 9);
    push_out(p, 1);
    slow_disk(50);
    pid = child(load, p);
    while (!(page_of(p).flags & LOCKED) && is_out(p))
        sched_yield();
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    slow_disk(0);
    CHECK(filled(p, PAGE, 9) && munmap(p, PAGE) == 0);
    swap_end();
}

static int
swaps_and_ends(void *how)
{
    char *p = pages(256, RW);

    fill(p, 256 * PAGE, 16);
    push_out(p, 256);
    CHECK(filled(p, 8 * PAGE, 16));
    if (how != NULL)
        (void)kill(getpid(), SIGKILL);
    return 0;
}

UTEST(vm_row_16_slots_go_with_their_process)
{
    swap_begin();
    CHECK(run_child(swaps_and_ends, NULL) == 0);
    CHECK(swaps_column(BIG, 1) == 0);
    CHECK(run_child(swaps_and_ends, "killed") == SIGKILL);
    CHECK(swaps_column(BIG, 1) == 0);
    swap_end();
}

/* --- swapoff --- */

static void
hears(int sig)
{
    (void)sig;
}

/* Takes BIG off; a signal with a handler ends the call, and not the process. */
static int
takes_off(void *arg)
{
    (void)arg;
    signal(SIGUSR1, hears);
    return SWAPOFF(BIG) == -EINTR ? 1 : 0;
}

/* A child that takes BIG off, which takes MS for each page, gets SIG: is there still
 * something on it? */
static bool
stopped_while_it_takes_off(char *p, size_t n, int sig, unsigned ms)
{
    uint64_t in = stat_all("swpin");
    int status;
    pid_t pid;

    push_out(p, n);
    slow_disk(ms);
    pid = child(takes_off, NULL);
    while (stat_all("swpin") == in)
        sched_yield();
    CHECK(kill(pid, sig) == 0 && waitpid(pid, &status, 0) == pid);
    slow_disk(0);
    CHECK(filled(p, n * PAGE, 7));
    if (status == 0) { /* it was faster */
        CHECK(SWAPON(BIG, 0) == 0);
        return false;
    }
    CHECK(sig == SIGKILL ? WTERMSIG(status) == sig : WIFEXITED(status));
    return swaps_column(BIG, 1) > 0;
}

static void
signal_stops_swapoff(int sig)
{
    bool seen = false;
    char *p;

    swap_begin();
    p = pages(64, RW);
    fill(p, 64 * PAGE, 7);
    for (unsigned ms = 10; ms <= 640 && !seen; ms *= 2)
        seen = stopped_while_it_takes_off(p, 64, sig, ms);
    CHECK(seen && SWAPOFF(BIG) == 0 && SWAPON(BIG, 0) == 0);
    CHECK(munmap(p, 64 * PAGE) == 0);
    swap_end();
}

UTEST(vm_row_63_a_kill_ends_swapoff)
{
    signal_stops_swapoff(SIGKILL);
}

UTEST(vm_row_63_a_signal_interrupts_swapoff)
{
    signal_stops_swapoff(SIGUSR1);
}

#define ROUNDS 150u

/* 48 pages that leave memory again and again, each with a number that grows. */
static int
thrashes(void *arg)
{
    uint64_t state = (uint64_t)arg + 1, *p = (uint64_t *)(void *)pages(48, RW);
    static uint64_t want[48];

    for (unsigned round = 0; round < ROUNDS; round++) {
        CHECK(syscall(233, p, 48 * PAGE, 21l) == 0);
        for (unsigned i = 0; i < 24; i++) {
            unsigned at = (unsigned)(rnd(&state) % 48);

            CHECK(p[at * 512] == want[at]);
            if (i % 3 != 0)
                p[at * 512] = ++want[at];
        }
    }
    for (unsigned at = 0; at < 48; at++)
        CHECK(p[at * 512] == want[at]);
    return 0;
}

UTEST(vm_row_63_swapoff_while_four_harts_swap)
{
    uint64_t in = stat_all("swpin");
    unsigned left = 4, off = 0;
    int status;

    swap_begin();
    set_knob("swap_readahead=7");
    for (unsigned long i = 0; i < 4; i++)
        (void)child(thrashes, (void *)i);
    for (uint64_t out = stat_all("swpout"); left > 0; sched_yield()) {
        if (stat_all("swpout") - out >= 64) { /* there is something */
            CHECK(SWAPOFF(BIG) == 0 && SWAPON(BIG, 0) == 0);
            out = stat_all("swpout");
            off++;
        }
        while (waitpid(-1, &status, WNOHANG) > 0) {
            CHECK(status == 0);
            left--;
        }
    }
    CHECK(off > 0 && stat_all("swpin") > in);
    swap_end();
}

/* --- what others see --- */

UTEST(vm_row_97_proc_tells_of_swapped_pages)
{
    uint64_t word;
    unsigned char in[16];
    char *p;
    long fd;

    swap_begin();
    p = pages(16, RW);
    fill(p, 16 * PAGE, 97);
    CHECK(number_in("/proc/self/status", "VmSwap") == 0);
    push_out(p, 12);
    CHECK(number_in("/proc/self/status", "VmSwap") == 48);
    CHECK(number_in("/proc/self/smaps_rollup", "Swap") == 48);
    CHECK(number_in("/proc/meminfo", "SwapTotal") == BIG_SLOTS * 4l);
    CHECK(number_in("/proc/meminfo", "SwapFree") == (BIG_SLOTS - 12) * 4l);
    CHECK(number_in("/proc/vmstat", "pswpout") >= 12);
    CHECK(mincore(p, 16 * PAGE, in) == 0);
    for (unsigned i = 0; i < 16; i++)
        CHECK(in[i] == (i >= 12));
    fd = OPEN("/proc/self/pagemap", O_RDONLY);
    CHECK(PREAD(fd, &word, 8, (long)((uint64_t)p / PAGE * 8)) == 8);
    CHECK(word >> 62 == 1 && (word & 31) == 0);
    CHECK((word >> 5 & 0xffffffff) == block_of(p) - 1);
    CHECK(PREAD(fd, &word, 8, (long)((uint64_t)p / PAGE * 8 + 12 * 8)) == 8);
    CHECK(word >> 62 == 2 && (word >> 56 & 1) == 1 && CLOSE(fd) == 0);
    CHECK(filled(p, 8 * PAGE, 97)); /* these are in both */
    CHECK(number_in("/proc/meminfo", "SwapCached") == 32);
    CHECK(munmap(p, 16 * PAGE) == 0);
    swap_end();
}
