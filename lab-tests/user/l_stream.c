/* l_stream.c: files go by that are larger than memory, and who is at work does not
 * notice: rows 38, 64 and 67 of the memory plan.  On one hart, whose time is counted
 * in instructions: so "each 10 ms" means the same on every computer.  Half a gigabyte
 * passes a machine of 64 MiB, which has swap. */
#include "lib/swap.h"
#include "lib/vmfile.h"
#include <sys/mman.h>

#define MIB   (1ul << 20)
#define CHUNK (64 * 1024)
#define BYTES (128 * MIB) /* twice the memory */
#define HOT   (2 * MIB)

static char *chunk;

static void
on_disk(const char *name)
{
    if (strncmp(utest_dir, "/dev/vd", 7) != 0)
        utest_skip("no disk");
    enter(name);
    chunk = pages(CHUNK / PAGE, RW);
}

static long
new_file(void)
{
    long fd = OPEN("stream", O_CREAT | O_EXCL | O_RDWR);

    CHECK(fd >= 0);
    return fd;
}

static void
away(long fd)
{
    CHECK(CLOSE(fd) == 0 && UNLINK("stream") == 0);
    leave();
}

/* --- row 67: who writes more than there is memory --- */

static long most_dirty;

static long
pages_of(const char *name)
{
    return number_in("/proc/meminfo", name) / 4;
}

/* No more is dirty than a fifth of what there is for it: what is free, and what
 * files have in memory; and a run that was just written. */
static void
look_at_dirty(void)
{
    long room = pages_of("MemFree") + pages_of("Cached") - pages_of("Shmem");
    long dirty = pages_of("Dirty");

    most_dirty = dirty > most_dirty ? dirty : most_dirty;
    CHECK(dirty <= room / 5 + 64);
}

UTEST(vm_row_67_a_writer_of_twice_the_memory)
{
    uint64_t killed;
    long fd;

    on_disk("67");
    killed = stat_all("oomk");
    fd = new_file();
    for (size_t at = 0; at < BYTES; at += CHUNK) {
        fill(chunk, CHUNK, at);
        CHECK(WRITE(fd, chunk, CHUNK) == CHUNK);
        if (at % MIB == 0)
            look_at_dirty();
    }
    CHECK(most_dirty > 500); /* it is not written at once, either */
    CHECK(LSEEK(fd, 0, SEEK_SET) == 0);
    for (size_t at = 0; at < BYTES; at += CHUNK)
        CHECK(READ(fd, chunk, CHUNK) == CHUNK && filled(chunk, CHUNK, at));
    CHECK(stat_all("oomk") == killed);
    away(fd);
}

/* ... with stores, while half of the memory is somebody's. */
UTEST(vm_row_67_stores_to_twice_the_memory)
{
    uint64_t killed;
    char *p, *mine;
    long fd;

    on_disk("67s");
    killed = stat_all("oomk");
    mine = pages(16 * MIB / PAGE, RW);
    fill(mine, 16 * MIB, 1);
    CHECK(mlock(mine, 16 * MIB) == 0);
    fd = new_file();
    CHECK(FTRUNCATE(fd, BYTES) == 0);
    p = mmap(NULL, BYTES, RW, MAP_SHARED, (int)fd, 0);
    CHECK(p != MAP_FAILED);
    for (size_t at = 0; at < BYTES; at += PAGE) {
        *(size_t *)(p + at) = at + 1;
        if (at % MIB == 0)
            look_at_dirty();
    }
    for (size_t at = 0; at < BYTES; at += PAGE)
        CHECK(*(size_t *)(p + at) == at + 1);
    CHECK(stat_all("oomk") == killed && filled(mine, 16 * MIB, 1));
    CHECK(munmap(p, BYTES) == 0);
    away(fd);
}

/* Nobody asks for it, and after 6 s it is on the disk, also if the power goes away
 * then. */
UTEST(vm_row_67_after_6_s_it_is_on_the_disk)
{
    char *data = pages(2, RW);
    long fd;

    on_disk("67d");
    fill(data, 2 * PAGE, 67);
    fd = new_file();
    CHECK(WRITE(fd, data, 2 * PAGE) == 2 * PAGE && pages_of("Dirty") >= 2);
    usleep(6000000);
    CHECK(pages_of("Dirty") == 0 && disk_count(IN_FLIGHT) == 0);
    CHECK(find_on_disk(data) > 0 && find_on_disk(data + PAGE) > 0);
    away(fd);
}

/* --- row 64: what is used stays --- */

static char *hot, *hot_file;
static volatile uint64_t *told; /* shared: 0: warm up, 1: count, 2: end */

/* Looks at its pages each 10 ms.  Returns how many it had to wait for. */
static int
uses_its_pages(void *arg)
{
    uint64_t before = 0;

    fill(hot, HOT, 64);
    while (told[0] != 2) {
        for (size_t at = 0; at < HOT; at += PAGE) {
            (void)*(volatile char *)(hot + at);
            (void)*(volatile char *)(hot_file + at / 8 / PAGE * PAGE);
        }
        if (told[1] == 0 && told[0] == 1) {
            before = stat_of("maj");
            told[1] = 1;
        }
        usleep(10000);
    }
    before = stat_of("maj") - before;
    return before > 100 ? 100 : (int)before;
}

UTEST(vm_row_64_a_stream_of_four_times_the_memory)
{
    long fd;
    pid_t pid;
    int status;

    on_disk("64s");
    told = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    hot = pages(HOT / PAGE, RW);
    fd = new_file();
    for (size_t at = 0; at < BYTES; at += CHUNK)
        CHECK(WRITE(fd, chunk, CHUNK) == CHUNK);
    hot_file = mmap(NULL, HOT / 8, PROT_READ, MAP_SHARED, (int)fd, 0);
    CHECK(told != MAP_FAILED && hot_file != MAP_FAILED);
    pid = child(uses_its_pages, NULL);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t steal = stat_all("steal");

        CHECK(LSEEK(fd, MIB, SEEK_SET) == MIB);
        for (size_t at = MIB; at < BYTES; at += CHUNK)
            CHECK(READ(fd, chunk, CHUNK) == CHUNK);
        CHECK(stat_all("steal") - steal > BYTES / PAGE / 2);
        if (round == 0) { /* it is warm now */
            told[0] = 1;
            while (told[1] != 1)
                sched_yield();
        }
    }
    told[0] = 2;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(status == 0); /* not one page of it was waited for */
    CHECK(munmap(hot_file, HOT / 8) == 0);
    away(fd);
}

/* --- row 38: a copy of pages that the machine threw out --- */

static char *mine; /* 64 pages, and one more that is in memory */
static int go[2];

/* The second reader: no page has to come for it. */
static int
verifies_and_writes(void *arg)
{
    char c;

    warm_up(mine + 64 * PAGE);
    CHECK(READ(go[0], &c, 1) == 1);
    mark_counts();
    CHECK(filled(mine, 64 * PAGE, 38));
    CHECK(since("swpin") == 0 && since("maj") == 0 && since("min") == 64);
    fill(mine, 64 * PAGE, 39);
    CHECK(since("cow") == 64);
    return filled(mine, 64 * PAGE, 39) ? 7 : 2;
}

/* More than there is, until all of MINE is out; holds it all, when it is told so. */
static int
hog(void *arg)
{
    size_t n = 80 * MIB / PAGE;
    char *p = pages(n, RW);

    for (unsigned turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < n; i++)
            p[i * PAGE] = (char)turn;
    *told = 1;
    for (size_t i = 0; *told != 2; i = (i + 1) % n)
        p[i * PAGE]++;
    *told = 3;
    for (;;)
        sleep(1000);
    return 0;
}

static void
hog_says(uint64_t what)
{
    while (*told != what)
        sched_yield();
}

/* 64 pages that the machine threw out are read once, though others have to leave for
 * them; and the relative finds each in memory. */
UTEST(vm_row_38_a_copy_while_memory_is_short)
{
    unsigned out = 0;
    uint64_t written;
    pid_t pid, child_pid;
    int status;

    if (number_in("/proc/meminfo", "SwapTotal") == 0)
        utest_skip("no swap");
    told = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED && pipe(go) == 0);
    mine = pages(65, RW);
    fill(mine, 65 * PAGE, 38);
    pid = child(hog, NULL);
    hog_says(1);
    *told = 2;
    hog_says(3);
    for (unsigned i = 0; i < 64; i++)
        out += is_out(mine + i * PAGE);
    CHECK(out == 64); /* nobody had used them */
    set_knob("swap_readahead=0");
    fill(mine + 64 * PAGE, PAGE, 1);
    child_pid = child(verifies_and_writes, NULL);
    warm_up(mine + 64 * PAGE);
    written = stat_all("swpout");
    mark_counts();
    CHECK(filled(mine, 64 * PAGE, 38));
    CHECK(since("swpin") == 64 && since("maj") == 64);
    fill(pages(512, RW), 512 * PAGE, 1);
    CHECK(stat_all("swpout") - written > 256); /* it is short */
    CHECK(WRITE(go[1], "x", 1) == 1);
    CHECK(waitpid(child_pid, &status, 0) == child_pid && status == 7 << 8);
    CHECK(filled(mine, 64 * PAGE, 38));
    fill(mine, 64 * PAGE, 40);
    CHECK(filled(mine, 64 * PAGE, 40) && since("swpin") == 64);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    set_knob("swap_readahead=7");
    CHECK(munmap(mine, 65 * PAGE) == 0);
    CHECK(number_in("/proc/swaps", "vdb") >= 0);
}
