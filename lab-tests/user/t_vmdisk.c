/* t_vmdisk.c: rows 8, 49 to 57, 73, 82, 87, 89 and 104 of the memory plan with
 * files on a disk: what gets there and back, and what happens if it does not. */
#include "lib/vmfile.h"

#define R PROT_READ

static int
load(void *p)
{
    return look(p);
}

/* --- 8 --- */

/* A child that waits for a page of FD is killed while that takes MS: is the child
 * gone before the disk begins to read? */
static bool
killed_before_the_page_comes(long fd, unsigned ms)
{
    uint64_t cached, reads;
    char knob[32];
    int status;
    bool soon;
    pid_t pid;

    cold();
    map_at(AT, fd, 1, R, MAP_SHARED);
    snprintf(knob, sizeof(knob), "slow_io=%u", ms);
    set_knob(knob);
    cached = stat_all("cache_pages");
    reads = disk_count(READS);
    pid = child(load, AT);
    while (stat_all("cache_pages") ==
           cached) /* until it waits, or is about to */
        sched_yield();
    CHECK(syscall(129, (long)pid, (long)SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    soon = disk_count(READS) == reads;
    set_knob("slow_io=0");
    CHECK(filled(AT, PAGE, 0) && munmap(AT, PAGE) == 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && soon;
}

/* Who is killed does not wait for the disk; whoever wants the page gets it.  The
 * disk takes ever longer, until we are fast enough to see that. */
UTEST(vm_row_8_a_kill_ends_the_wait)
{
    bool seen = false;
    long fd;

    enter_disk("8");
    fd = file_of("f", 1, PAGE);
    for (unsigned ms = 200; ms <= 6400 && !seen; ms *= 2)
        seen = killed_before_the_page_comes(fd, ms);
    CHECK(seen);
    drop("f", fd);
    leave();
}

/* --- 49, 51, 52 --- */

UTEST(vm_row_49_a_half_page_goes_where_it_belongs)
{
    static char in[PAGE];
    long fd;

    enter_disk("49");
    fd = file_of("f", 4, PAGE / 2);
    map_at(AT, fd, 4, RW, MAP_SHARED);
    put(AT + 3 * PAGE + 5, '!');
    CHECK(munmap(AT, 4 * PAGE) == 0);
    cold();
    CHECK(size_of(fd) == 3 * PAGE + PAGE / 2);
    CHECK(PREAD(fd, in, PAGE, 3 * PAGE) == (long)(PAGE / 2) && in[5] == '!');
    for (unsigned i = 0; i < 3; i++) {
        CHECK(PREAD(fd, in, PAGE, i * PAGE) == (long)PAGE);
        CHECK(filled(in, PAGE, i));
    }
    drop("f", fd);
    leave();
}

UTEST(vm_row_51_the_tail_does_not_reach_the_disk)
{
    long fd;

    enter_disk("51");
    fd = file_of("f", 2, 5000 - PAGE);
    map_at(AT, fd, 3, RW, MAP_SHARED);
    CHECK(zeros(AT + 5000, 2 * PAGE - 5000));
    dies(load, AT + 2 * PAGE, SIGBUS, BUS_ADRERR, AT + 2 * PAGE);
    put(AT + 5000, 't');
    put(AT + 4999, 'k');
    CHECK(msync(AT, 2 * PAGE, MS_SYNC) == 0 && size_of(fd) == 5000);
    cold();
    CHECK(look(AT + 5000) == 0 && look(AT + 4999) == 'k');
    CHECK(munmap(AT, 3 * PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_52_a_cut_file_keeps_private_pages_before_the_cut)
{
    long fd;

    enter_disk("52");
    fd = file_of("f", 2, PAGE);
    map_at(AT, fd, 2, RW, MAP_PRIVATE);
    put(AT + 1, 'p');
    put(AT + PAGE, 'q');
    CHECK(FTRUNCATE(fd, PAGE / 2) == 0);
    CHECK(look(AT + 1) == 'p');
    dies(load, AT + PAGE, SIGBUS, BUS_ADRERR, AT + PAGE);
    CHECK(FTRUNCATE(fd, 2 * PAGE) == 0 && look(AT + PAGE) == 0);
    CHECK(FTRUNCATE(fd, 0) == 0);
    dies(load, AT, SIGBUS, BUS_ADRERR, AT);
    cold();
    CHECK(FTRUNCATE(fd, 2 * PAGE) == 0 && zeros(AT, 2 * PAGE));
    CHECK(munmap(AT, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* --- 53 --- */

UTEST(vm_row_53_a_bad_block_is_a_signal)
{
    static char first[PAGE];
    char knob[48];
    long fd, at;

    enter_disk("53");
    fd = file_of("f", 3, PAGE);
    CHECK(PREAD(fd, first, PAGE, PAGE) == (long)PAGE);
    at = find_on_disk(first);
    CHECK(at > 0);
    cold();
    map_at(AT, fd, 3, R, MAP_SHARED);
    snprintf(knob, sizeof(knob), "fail_block=vda,%ld,read", at);
    set_knob(knob);
    dies(load, AT + PAGE, SIGBUS, BUS_ADRERR, AT + PAGE);
    CHECK(PREAD(fd, first, PAGE, PAGE) == -EIO);
    /* What is read with it, or ahead, does not suffer. */
    CHECK(filled(AT, PAGE, 0) && filled(AT + 2 * PAGE, PAGE, 2));
    set_knob("fail_block=off");
    CHECK(filled(AT + PAGE, PAGE, 1));
    CHECK(munmap(AT, 3 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* --- 55 --- */

UTEST(vm_row_55_sequential_faults_of_a_cold_file)
{
    long fd;

    enter_disk("55");
    fd = file_of("f", 256, PAGE);
    cold();
    map_at(AT, fd, 256, R, MAP_PRIVATE);
    mark_counts();
    for (unsigned i = 0; i < 256; i++)
        CHECK(filled(AT + i * PAGE, PAGE, i));
    CHECK(since("maj") <= 20);
    CHECK(munmap(AT, 256 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* 64 MiB, one read after the other; the disk of the row is large enough. */
UTEST(vm_row_55_a_cold_read_of_64_MiB_is_600_requests)
{
    enum { CHUNK = 64 * 1024, CHUNKS = 1024 };
    char *buf = pages(CHUNK / PAGE, RW);
    uint64_t reads;
    long fd;

    enter_disk("64");
    fd = OPEN("f", O_CREAT | O_EXCL | O_RDWR);
    if (FALLOCATE(fd, 0, 0, (long)CHUNK * CHUNKS) == -ENOSPC) {
        drop("f", fd);
        leave();
        utest_skip("the disk is small");
    }
    for (unsigned i = 0; i < CHUNKS; i++) {
        fill(buf, CHUNK, i);
        CHECK(WRITE(fd, buf, CHUNK) == CHUNK);
    }
    CHECK(fsync((int)fd) == 0 && LSEEK(fd, 0, SEEK_SET) == 0);
    cold();
    reads = disk_count(READS);
    for (unsigned i = 0; i < CHUNKS; i++) {
        CHECK(READ(fd, buf, CHUNK) == CHUNK);
        CHECK(filled(buf, CHUNK, i));
    }
    reads = disk_count(READS) - reads;
    printf("# 64 MiB: %lu requests\n", reads);
    CHECK(reads >= 1 && reads <= 600);
    drop("f", fd);
    leave();
}

/* --- 57, 82, 87 --- */

UTEST(vm_row_57_one_msync_and_it_is_on_the_disk)
{
    static char copy[3][64];
    char *at = AT;
    long fd[3];

    enter_disk("57");
    for (unsigned i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};

        fd[i] = file_of(name, 1, PAGE);
        map_at(at + i * PAGE, fd[i], 1, RW, MAP_SHARED);
    }
    for (unsigned i = 0; i < 3; i++) {
        fill(at + i * PAGE, PAGE, 5000 + i);
        memcpy(copy[i], at + i * PAGE, 64);
        CHECK(find_on_disk(copy[i]) == -1);
    }
    CHECK(msync(at, 3 * PAGE, MS_SYNC) == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(find_on_disk(copy[i]) > 0);
    CHECK(msync(at, 4 * PAGE, MS_SYNC) == -1 && errno == ENOMEM);
    CHECK(mlock(at, PAGE) == 0);
    CHECK(msync(at, PAGE, MS_SYNC | MS_INVALIDATE) == -1 && errno == EBUSY);
    CHECK(munmap(at, 3 * PAGE) == 0);
    for (unsigned i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};

        drop(name, fd[i]);
    }
    leave();
}

UTEST(vm_row_82_a_page_goes_out_and_comes_in)
{
    uint64_t cached, reads;
    long fd;

    enter_disk("82");
    fd = file_of("f", 8, PAGE);
    map_at(AT, fd, 8, RW, MAP_SHARED);
    fill(AT + 3 * PAGE, PAGE, 77);
    cached = stat_all("cache_pages");
    cold();
    CHECK(stat_all("cache_pages") <= cached - 8); /* released */
    reads = disk_count(READS);
    CHECK(filled(AT + 3 * PAGE, PAGE, 77) && filled(AT, PAGE, 0));
    CHECK(disk_count(READS) > reads);
    CHECK(munmap(AT, 8 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* What is clean is not written again: neither page nor object. */
UTEST(vm_row_87_dirty_once_written_once)
{
    uint64_t wb, dirty = stat_all("dirty_pages");
    long fd;

    enter_disk("87");
    fd = file_of("f", 4, PAGE);
    map_at(AT, fd, 4, RW, MAP_SHARED);
    put(AT + PAGE, 1);
    put(AT + 3 * PAGE, 1);
    CHECK(stat_all("dirty_pages") == dirty + 2);
    wb = stat_all("wb");
    CHECK(msync(AT, 4 * PAGE, MS_SYNC) == 0);
    CHECK(stat_all("wb") == wb + 2 && stat_all("dirty_pages") == dirty);
    CHECK(msync(AT, 4 * PAGE, MS_SYNC) == 0 && fsync((int)fd) == 0);
    set_knob("flush_now=1");
    CHECK(stat_all("wb") == wb + 2);
    CHECK(munmap(AT, 4 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* A device may read a page of a file; what it wrote, write-back would not see. */
UTEST(vm_row_92_pinned_page_of_a_file_is_not_dropped)
{
    uint64_t frame;
    long fd, device;

    enter_disk("92");
    fd = file_of("f", 2, PAGE);
    map_at(AT, fd, 2, RW, MAP_SHARED);
    device = pin(AT, PAGE, false);
    CHECK(device >= 0 && look(AT) == *(char *)&(uint64_t){dma_read(device, 0)});
    CHECK(pin(AT, PAGE, true) == -EOPNOTSUPP);
    frame = page_of(AT).frame;
    put(AT, 'w');
    CHECK((dma_read(device, 0) & 0xff) == 'w');
    CHECK(munmap(AT, 2 * PAGE) == 0);
    cold();
    map_at(AT, fd, 2, RW, MAP_SHARED);
    CHECK(look(AT) == 'w' && page_of(AT).frame == frame);
    CHECK(page_of(AT).pins == 1);
    unpin(device);
    CHECK(page_of(AT).pins == 0);
    CHECK(munmap(AT, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* --- 73 --- */

/* Looks at 32 pages somewhere in a file of N, each written before: how many reads
 * of the disk and how many faults is that? */
static void
look_around(unsigned n, uint64_t *disk_reads, uint64_t *faults)
{
    enum { LOOKS = 32 };
    static unsigned at[LOOKS];
    static char page[PAGE];
    uint64_t state = 73;
    long fd = OPEN("f", O_CREAT | O_EXCL | O_RDWR);

    CHECK(fd >= 0 && FTRUNCATE(fd, (long)n * PAGE) == 0);
    for (unsigned i = 0; i < LOOKS; i++) {
        at[i] = i * (n / LOOKS) + (unsigned)(rnd(&state) % (n / LOOKS - 2)) + 1;
        fill(page, PAGE, i);
        CHECK(PWRITE(fd, page, PAGE, (long)at[i] * PAGE) == (long)PAGE);
    }
    CHECK(fsync((int)fd) == 0);
    cold();
    map_at(AT, fd, n, R, MAP_SHARED);
    CHECK(syscall(233, AT, n * PAGE, 1l) == 0); /* madvise: at random */
    *disk_reads = disk_count(READS);
    mark_counts();
    for (unsigned i = 0; i < LOOKS; i++)
        look(AT + (size_t)at[i] * PAGE);
    *faults = since("maj");
    *disk_reads = disk_count(READS) - *disk_reads;
    for (unsigned i = 0; i < LOOKS; i++)
        CHECK(filled(AT + (size_t)at[i] * PAGE, PAGE, i));
    CHECK(munmap(AT, n * PAGE) == 0);
    drop("f", fd);
}

UTEST(vm_row_73_a_page_costs_the_same_in_a_file_of_1_GiB)
{
    uint64_t reads[2], faults[2];

    enter_disk("73");
    look_around(256, &reads[0], &faults[0]);
    look_around(262144, &reads[1], &faults[1]);
    CHECK(faults[0] == 32 && faults[1] == 32);
    CHECK(reads[0] == 32 && reads[1] == 32);
    leave();
}

/* --- 89 --- */

/* Whole pages only: the archive has them in place.  What is left are tables that no
 * program needs to run, and reading it would make a page that stays. */
static void
copy_program(const char *from, const char *to)
{
    char *buf = pages(1, RW);
    long in = OPEN(from, O_RDONLY), out = OPEN(to, O_CREAT | O_EXCL | O_RDWR);
    uint64_t left = size_of(in);

    for (; left >= PAGE; left -= PAGE) {
        CHECK(READ(in, buf, PAGE) == (long)PAGE);
        CHECK(WRITE(out, buf, PAGE) == (long)PAGE);
    }
    CHECK(CLOSE(in) == 0 && CLOSE(out) == 0 && CHMOD(to, 0755) == 0);
}

static int
execs(void *name)
{
    char *argv[] = {name, NULL};

    execve(name, argv, environ);
    return errno;
}

/* A program comes from the disk page by page; bad ones leave the caller alive. */
UTEST(vm_row_89_programs_from_a_disk)
{
    uint64_t reads;
    long fd;

    enter_disk("89");
    copy_program("/bin/true", "true");
    copy_program("/bin/false", "false");
    cold();
    reads = disk_count(READS);
    CHECK(run_child(execs, "./true") == 0);
    CHECK(disk_count(READS) > reads);
    reads = disk_count(READS);
    CHECK(run_child(execs, "./true") == 0);
    CHECK(disk_count(READS) == reads); /* what is in memory is shared */
    CHECK(run_child(execs, "./false") == 1 << 8);
    fd = OPEN("true", O_WRONLY);
    CHECK(fd >= 0 && PWRITE(fd, "no program", 10, 0) == 10 && CLOSE(fd) == 0);
    CHECK(run_child(execs, "./true") == ENOEXEC << 8);
    CHECK(UNLINK("true") == 0 && UNLINK("false") == 0);
    leave();
}

/* --- 104 --- */

static unsigned
in_memory(unsigned n)
{
    static unsigned char in[1024];
    unsigned sum = 0;

    CHECK(mincore(AT, n * PAGE, in) == 0);
    for (unsigned i = 0; i < n; i++)
        sum += in[i] & 1;
    return sum;
}

/* Somebody takes memory until there is little left: pages of files leave, by
 * themselves, and nobody is killed. */
UTEST(vm_row_104_clean_pages_make_room)
{
    uint64_t killed = stat_all("oomk");
    unsigned n = 0;
    char *p;
    long fd;

    enter_disk("104");
    fd = file_of("f", 1024, PAGE);
    cold();
    map_at(AT, fd, 1024, R, MAP_SHARED);
    for (unsigned i = 0; i < 1024; i++)
        (void)look(AT + i * PAGE);
    CHECK(in_memory(1024) == 1024);
    p = pages(200000, RW); /* more than there is */
    for (; n < 200000 && in_memory(1024) == 1024; n += 16) {
        for (unsigned i = n; i < n + 16; i++)
            put(p + i * PAGE, 1);
        sched_yield();
    }
    CHECK(n < 200000 && in_memory(1024) > 0);
    CHECK(stat_all("oomk") == killed && stat_of("free_pages") > 128);
    CHECK(munmap(p, 200000 * PAGE) == 0);
    for (unsigned i = 0; i < 1024; i++)
        CHECK(filled(AT + i * PAGE, PAGE, i));
    CHECK(munmap(AT, 1024 * PAGE) == 0);
    drop("f", fd);
    leave();
}
