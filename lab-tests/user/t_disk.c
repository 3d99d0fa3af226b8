/* t_disk.c: disks as files in /dev.  They want the disk vda, which they
 * overwrite; at the end of each test the cache is emptied. */
#include "lib/files.h"

#define BLKFLSBUF    0x1261
#define BLKSSZGET    0x1268
#define BLKGETSIZE64 0x80081272

#define IOCTL(f, c, p) sys(29, f, c, (long)(p), 0, 0)
#define FSYNC(f)       sys(82, f, 0, 0, 0, 0)

static uint64_t size;

static long
disk(void)
{
    long fd = OPEN("/dev/vda", O_RDWR);
    int block = 0;

    if (fd < 0)
        utest_skip("no disk");
    CHECK(IOCTL(fd, BLKGETSIZE64, &size) == 0 && size > 1 << 20);
    CHECK(IOCTL(fd, BLKSSZGET, &block) == 0 && block >= 512);
    return fd;
}

static void
let_go(long fd)
{
    CHECK(IOCTL(fd, BLKFLSBUF, 0) == 0);
    CHECK(CLOSE(fd) == 0);
}

UTEST(disk_file_says_what_it_is)
{
    struct stat st;
    long fd = disk();

    CHECK(FSTAT(fd, &st) == 0 && (st.st_mode & S_IFMT) == S_IFBLK);
    CHECK(st.st_rdev == 254 << 8);
    CHECK(LSEEK(fd, 0, SEEK_END) == (long)size);
    CHECK(IOCTL(fd, 0x1234, 0) == -ENOTTY);
    let_go(fd);
}

UTEST(disk_file_keeps_what_is_written)
{
    static char out[20000], in[20000];
    long fd = disk();

    for (unsigned i = 0; i < 20; i++) {
        fill(out, sizeof(out), i);
        CHECK(PWRITE(fd, out, sizeof(out), i * 50077) == sizeof(out));
    }
    CHECK(FSYNC(fd) == 0);
    CHECK(IOCTL(fd, BLKFLSBUF, 0) == 0); /* now it is read again */
    for (unsigned i = 0; i < 20; i++) {
        CHECK(PREAD(fd, in, sizeof(in), i * 50077) == sizeof(in));
        CHECK(filled(in, sizeof(in), i));
    }
    let_go(fd);
}

UTEST(disk_file_has_an_end)
{
    static char buf[8192];
    long fd = disk();

    CHECK(PREAD(fd, buf, sizeof(buf), size - 4096) == 4096);
    CHECK(PREAD(fd, buf, sizeof(buf), size) == 0);
    memset(buf, 7, sizeof(buf));
    CHECK(PWRITE(fd, buf, sizeof(buf), size - 4096) == 4096);
    CHECK(PWRITE(fd, buf, sizeof(buf), size) == -ENOSPC);
    CHECK(LSEEK(fd, 0, SEEK_END) == (long)size);
    let_go(fd);
}

UTEST(disk_file_is_mapped)
{
    char buf[16];
    long fd = disk();
    char *p = mmap(NULL, 64 * PAGE, RW, MAP_SHARED, (int)fd, 0);

    CHECK(p != MAP_FAILED);
    for (unsigned i = 0; i < 64; i++)
        p[i * PAGE + 5] = (char)(i + 1);
    CHECK(PREAD(fd, buf, 16, 63 * PAGE) == 16 && buf[5] == 64);
    CHECK(munmap(p, 64 * PAGE) == 0);
    CHECK(FSYNC(fd) == 0 && IOCTL(fd, BLKFLSBUF, 0) == 0);
    for (unsigned i = 0; i < 64; i++)
        CHECK(PREAD(fd, buf, 16, i * PAGE) == 16 && buf[5] == (char)(i + 1));
    let_go(fd);
}

UTEST(disk_file_tells_of_bad_blocks)
{
    static char buf[PAGE];
    long fd = disk();

    set_knob("fail_block=vda,100");
    CHECK(PREAD(fd, buf, PAGE, 100 * PAGE) == -EIO);
    set_knob("fail_block=off");
    CHECK(PREAD(fd, buf, PAGE, 100 * PAGE) == PAGE);
    set_knob("fail_block=vda,100,write,once");
    CHECK(PWRITE(fd, buf, PAGE, 100 * PAGE) == PAGE);
    CHECK(FSYNC(fd) == -EIO);
    CHECK(FSYNC(fd) == 0);
    let_go(fd);
}
