/* t_vmdisk.c: rows 49 to 57, 82 and 87 of the memory plan with files on a
 * disk: what gets there and back, and what happens if it does not. */
#include "lib/vmfile.h"

#define R PROT_READ

static char
look(const char *p)
{
    return *(volatile const char *)p;
}

static void
put(char *p, char c)
{
    *(volatile char *)p = c;
}

static int
load(void *p)
{
    return look(p);
}

static uint64_t
size_of(long fd)
{
    struct stat st;

    CHECK(FSTAT(fd, &st) == 0);
    return (uint64_t)st.st_size;
}

static bool
zeros(const char *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
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
