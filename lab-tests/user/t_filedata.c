/* t_filedata.c: what is in files: read, write, sizes, holes, mappings of them,
 * in the folder that is asked for (dir=). */
#include "lib/files.h"

static long
new_file(const char *name)
{
    long fd = OPEN(name, O_CREAT | O_EXCL | O_RDWR);

    CHECK(fd >= 0);
    return fd;
}

static void
drop(const char *name, long fd)
{
    CHECK(CLOSE(fd) == 0 && UNLINK(name) == 0);
}

static bool
all(const char *p, size_t n, char c)
{
    while (n > 0 && p[n - 1] == c)
        n--;
    return n == 0;
}

UTEST(file_write_then_read)
{
    char *out = pages(20, RW), *in = pages(20, RW);
    long fd;

    enter("data");
    fd = new_file("f");
    fill(out, 20 * PAGE, 5);
    CHECK(WRITE(fd, out, 10) == 10 && WRITE(fd, out + 10, 70001) == 70001);
    CHECK(size_of(fd) == 70011 && READ(fd, in, 10) == 0);
    CHECK(LSEEK(fd, 0, SEEK_SET) == 0 && READ(fd, in, 20 * PAGE) == 70011);
    CHECK(memcmp(in, out, 70011) == 0);
    CHECK(PWRITE(fd, "xyz", 3, 4094) == 3 && PREAD(fd, in, 5, 4093) == 5);
    CHECK(in[0] == out[4093] && memcmp(in + 1, "xyz", 3) == 0);
    CHECK(in[4] == out[4097] && LSEEK(fd, 0, SEEK_CUR) == 70011);
    CHECK(PREAD(fd, in, 10, 70011) == 0 && PREAD(fd, in, 10, 70010) == 1);
    CHECK(PREAD(fd, in, 1, -1) == -EINVAL && PWRITE(fd, in, 1, -1) == -EINVAL);
    CHECK(WRITE(fd, in, 0) == 0);
    drop("f", fd);
    leave();
}

UTEST(file_append)
{
    char buf[16];
    long a, b;

    enter("append");
    a = new_file("f");
    b = OPEN("f", O_WRONLY | O_APPEND);
    CHECK(WRITE(a, "one", 3) == 3 && WRITE(b, "two", 3) == 3);
    CHECK(LSEEK(b, 0, SEEK_CUR) == 6 && LSEEK(b, 0, SEEK_SET) == 0);
    CHECK(WRITE(b, "3", 1) == 1 && size_of(a) == 7);
    CHECK(PREAD(a, buf, 16, 0) == 7 && memcmp(buf, "onetwo3", 7) == 0);
    CHECK(READ(b, buf, 1) == -EBADF && CLOSE(b) == 0);
    b = OPEN("f", O_RDONLY);
    CHECK(WRITE(b, buf, 1) == -EBADF && FTRUNCATE(b, 0) == -EINVAL);
    CHECK(CLOSE(b) == 0);
    drop("f", a);
    leave();
}

UTEST(file_truncate_open)
{
    long fd, again;

    enter("otrunc");
    fd = new_file("f");
    CHECK(WRITE(fd, "abc", 3) == 3);
    again = OPEN("f", O_RDWR | O_TRUNC);
    CHECK(again >= 0 && size_of(fd) == 0 && CLOSE(again) == 0);
    drop("f", fd);
    leave();
}

UTEST(file_sizes)
{
    char *buf = pages(4, RW);
    struct stat st;
    long fd;

    enter("sizes");
    fd = new_file("f");
    memset(buf, 'x', 2 * PAGE);
    CHECK(WRITE(fd, buf, 2 * PAGE) == (long)(2 * PAGE));
    CHECK(FTRUNCATE(fd, 100) == 0 && size_of(fd) == 100);
    CHECK(FTRUNCATE(fd, 3 * PAGE) == 0 && size_of(fd) == 3 * PAGE);
    CHECK(PREAD(fd, buf, 4 * PAGE, 0) == (long)(3 * PAGE));
    CHECK(all(buf, 100, 'x') && all(buf + 100, 3 * PAGE - 100, 0));
    CHECK(FTRUNCATE(fd, 0) == 0 && FSTAT(fd, &st) == 0 && st.st_blocks == 0);
    CHECK(PWRITE(fd, "e", 1, 1l << 32) == 1); /* sparse */
    CHECK(size_of(fd) == (1ul << 32) + 1 && FSTAT(fd, &st) == 0);
    CHECK(st.st_blocks > 0 && st.st_blocks <= 64);
    CHECK(PREAD(fd, buf, PAGE, 1l << 20) == (long)PAGE && all(buf, PAGE, 0));
    CHECK(TRUNCATE("f", 5) == 0 && size_of(fd) == 5);
    CHECK(TRUNCATE("f", -1) == -EINVAL && TRUNCATE("no", 1) == -ENOENT);
    CHECK(TRUNCATE(".", 1) == -EISDIR && FTRUNCATE(fd, -1) == -EINVAL);
    CHECK(FTRUNCATE(999, 1) == -EBADF);
    drop("f", fd);
    leave();
}

UTEST(file_seek)
{
    long fd;

    enter("seek");
    fd = new_file("f");
    CHECK(PWRITE(fd, "x", 1, 3 * PAGE) == 1);
    CHECK(LSEEK(fd, 5, SEEK_SET) == 5 && LSEEK(fd, 2, SEEK_CUR) == 7);
    CHECK(LSEEK(fd, 1, SEEK_END) == (long)(3 * PAGE + 2));
    CHECK(LSEEK(fd, -1, SEEK_SET) == -EINVAL && LSEEK(fd, 0, 9) == -EINVAL);
    CHECK(LSEEK(fd, 1, SEEK_END) > 0 && READ(fd, (char *)8, 1) == 0);
    CHECK(LSEEK(fd, 3 * PAGE, 3) == (long)(3 * PAGE)); /* SEEK_DATA */
    CHECK(LSEEK(fd, 3 * PAGE + 1, 3) == -ENXIO && LSEEK(fd, -1, 3) == -ENXIO);
    CHECK(LSEEK(fd, 3 * PAGE, 4) == (long)(3 * PAGE + 1)); /* SEEK_HOLE */
    CHECK(LSEEK(fd, 4 * PAGE, 4) == -ENXIO);
    drop("f", fd);
    leave();
}

UTEST(file_allocate)
{
    char c = 1;
    long fd;

    enter("allocate");
    fd = new_file("f");
    CHECK(FALLOCATE(fd, 0, 0, 5000) == 0 && size_of(fd) == 5000);
    CHECK(PREAD(fd, &c, 1, 4999) == 1 && c == 0);
    CHECK(FALLOCATE(fd, 1, 0, 50000) == 0 && size_of(fd) == 5000);
    CHECK(FALLOCATE(fd, 0, 0, 100) == 0 && size_of(fd) == 5000);
    CHECK(FALLOCATE(fd, 0, -1, 1) == -EINVAL &&
          FALLOCATE(fd, 0, 0, 0) == -EINVAL);
    CHECK(FALLOCATE(fd, 0x40, 0, 1) == -EOPNOTSUPP);
    CHECK(FALLOCATE(999, 0, 0, 1) == -EBADF);
    drop("f", fd);
    leave();
}

/* Bad pointers: nothing, or what came before. */
UTEST(file_data_bad_pointers)
{
    char *buf = pages(2, RW), c;
    long fd;

    enter("pointers");
    fd = new_file("f");
    CHECK(munmap(buf + PAGE, PAGE) == 0);
    memset(buf, 'y', PAGE);
    CHECK(WRITE(fd, (char *)8, 10) == -EFAULT && size_of(fd) == 0);
    CHECK(WRITE(fd, (char *)-PAGE, 10) == -EFAULT && size_of(fd) == 0);
    CHECK(WRITE(fd, buf + PAGE - 10, 20) == 10 && size_of(fd) == 10);
    CHECK(PWRITE(fd, buf + PAGE - 10, PAGE, 0) == 10 && size_of(fd) == 10);
    CHECK(PWRITE(fd, buf + PAGE, PAGE, 0) == -EFAULT); /* nothing is lost */
    CHECK(PREAD(fd, &c, 1, 9) == 1 && c == 'y');
    CHECK(PREAD(fd, (char *)8, 10, 0) == -EFAULT);
    CHECK(PREAD(fd, buf + PAGE - 5, 10, 0) == 5);
    drop("f", fd);
    leave();
}

/* A page that is overwritten as a whole keeps its bytes if ours cannot be read. */
UTEST(file_data_short_whole_page_keeps_the_old)
{
    char *buf = pages(2, RW), *in = pages(1, RW);
    long fd;

    enter("short");
    fd = new_file("f");
    memset(buf, 'o', 2 * PAGE);
    CHECK(WRITE(fd, buf, PAGE) == (long)PAGE);
    CHECK(munmap(buf + PAGE, PAGE) == 0);
    memset(buf, 'n', PAGE);
    CHECK(PWRITE(fd, buf + 96, PAGE, 0) == (long)(PAGE - 96));
    CHECK(PREAD(fd, in, PAGE, 0) == (long)PAGE);
    CHECK(all(in, PAGE - 96, 'n') && all(in + PAGE - 96, 96, 'o'));
    drop("f", fd);
    leave();
}

UTEST(vm_row_50_read_write_and_mappings_agree)
{
    char *map, *private, c;
    long fd;

    enter("agree");
    fd = new_file("f");
    CHECK(FTRUNCATE(fd, 3 * PAGE) == 0);
    map = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, (int)fd, 0);
    private = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, (int)fd, 0);
    CHECK(map != MAP_FAILED && private != MAP_FAILED);
    CHECK(PWRITE(fd, "a", 1, 10) == 1 && map[10] == 'a' && private[10] == 'a');
    map[11] = 'b';
    CHECK(PREAD(fd, &c, 1, 11) == 1 && c == 'b' && private[11] == 'b');
    private[12] = 'p';
    CHECK(PREAD(fd, &c, 1, 12) == 1 && c == 0 && map[12] == 0);
    CHECK(PWRITE(fd, "q", 1, 12) == 1 && private[12] == 'p' && map[12] == 'q');
    map[2 * PAGE] = 'z'; /* a page nobody has read or written */
    CHECK(PREAD(fd, &c, 1, 2 * PAGE) == 1 && c == 'z');
    CHECK(PWRITE(fd, "w", 1, 2 * PAGE + 5) == 1 && map[2 * PAGE + 5] == 'w');
    drop("f", fd);
    CHECK(map[10] == 'a'); /* outlives close and unlink */
    map[10] = 'c';
    CHECK(munmap(map, 3 * PAGE) == 0 && munmap(private, 3 * PAGE) == 0);
    leave();
}

/* Writing a page of a file from a mapping of that page. */
UTEST(file_write_from_its_own_mapping)
{
    char *map, *want = pages(2, RW), *in = pages(2, RW);
    long fd;

    enter("own");
    fd = new_file("f");
    fill(want, 2 * PAGE, 3);
    CHECK(WRITE(fd, want, 2 * PAGE) == (long)(2 * PAGE));
    map = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, (int)fd, 0); /* untouched */
    CHECK(map != MAP_FAILED);
    CHECK(PWRITE(fd, map, PAGE, 0) == (long)PAGE);
    CHECK(PWRITE(fd, map + PAGE, PAGE, 0) == (long)PAGE);
    CHECK(PREAD(fd, in, PAGE, 0) == (long)PAGE);
    CHECK(memcmp(in, want + PAGE, PAGE) == 0);
    CHECK(FTRUNCATE(fd, 0) == 0 && FTRUNCATE(fd, 2 * PAGE) == 0);
    CHECK(PWRITE(fd, map, 2 * PAGE, 0) ==
          (long)(2 * PAGE)); /* holes into themselves */
    CHECK(PREAD(fd, map, PAGE, PAGE) == (long)PAGE && all(map, PAGE, 0));
    CHECK(munmap(map, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

static int
load(void *p)
{
    return *(volatile char *)p;
}

static int
store(void *p)
{
    *(volatile char *)p = 1;
    return 0;
}

static int
run_code(void *code)
{
    return ((int (*)(void))code)();
}

/* li a0, 5; ret.  The page comes with the fetch, once. */
UTEST(vm_row_4_code_in_a_file)
{
    static const uint32_t five[2] = {5u << 20 | 0x513, 0x8067};
    char *map, *data;
    uint64_t before;
    long fd;

    enter("code");
    fd = new_file("f");
    CHECK(PWRITE(fd, five, sizeof(five), PAGE) == sizeof(five));
    map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, (int)fd, 0);
    data = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, (int)fd, 0);
    CHECK(map != MAP_FAILED && data != MAP_FAILED);
    for (int i = 0; i < 2; i++) /* the first time, the counting faults */
        before = stat_of("min") + stat_of("maj");
    CHECK(run_code(map + PAGE) == 5 && run_code(map + PAGE) == 5);
    CHECK(stat_of("min") + stat_of("maj") - before == 1);
    dies(store, map + PAGE, SIGSEGV, SEGV_ACCERR, map + PAGE);
    dies(run_code, data + PAGE, SIGSEGV, SEGV_ACCERR, data + PAGE);
    data[PAGE] = 7; /* a copy */
    CHECK(run_code(map + PAGE) == 5);
    CHECK(munmap(map, 2 * PAGE) == 0 && munmap(data, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* What was written privately is forgotten, and the file is seen again. */
UTEST(vm_row_97_dontneed_shows_the_file_again)
{
    unsigned char in[4];
    char *map;
    long fd;

    enter("again");
    fd = new_file("f");
    CHECK(PWRITE(fd, "file", 4, 2 * PAGE) == 4);
    map = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, (int)fd, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map + 2 * PAGE, "mine", 4);
    map[PAGE] = 5;
    CHECK(page_of(map + 2 * PAGE).flags & PAGE_ANON);
    CHECK(mincore(map, 4 * PAGE, in) == 0);
    for (int i = 0; i < 2; i++) /* what lies in the cache counts, too */
        CHECK((in[i + 1] & 1) &&
              (page_of(map + (i + 1) * PAGE).flags & PAGE_PRESENT));
    CHECK(madvise(map + 2 * PAGE, PAGE, MADV_DONTNEED) == 0);
    CHECK(!(page_of(map + 2 * PAGE).flags & (PAGE_PRESENT | PAGE_ANON)));
    CHECK(memcmp(map + 2 * PAGE, "file", 4) == 0 && map[PAGE] == 5);
    CHECK(!(page_of(map + 2 * PAGE).flags & PAGE_ANON));
    CHECK(munmap(map, 4 * PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_51_beyond_the_end_is_sigbus)
{
    char *map, buf[64];
    long fd;

    enter("end");
    fd = new_file("f");
    CHECK(FTRUNCATE(fd, 5000) == 0);
    map = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, (int)fd, 0);
    CHECK(map != MAP_FAILED && map[0] == 0 && map[4999] == 0);
    CHECK(all(map + 5000, 2 * PAGE - 5000, 0));
    dies(load, map + 2 * PAGE, SIGBUS, BUS_ADRERR, map + 2 * PAGE);
    map[5000] = 't'; /* behind the end, in the last page */
    CHECK(size_of(fd) == 5000 && PREAD(fd, buf, 64, 4990) == 10);
    CHECK(FTRUNCATE(fd, 6000) == 0 && map[5000] == 0);
    map[6001] = 't';
    CHECK(PWRITE(fd, "w", 1, 7000) == 1 && map[6001] == 0);
    CHECK(munmap(map, 3 * PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_52_truncate_under_mappings)
{
    char *map, *priv;
    long fd;

    enter("cut");
    fd = new_file("f");
    CHECK(FTRUNCATE(fd, 2 * PAGE) == 0);
    map = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, (int)fd, 0);
    priv = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, (int)fd, 0);
    CHECK(map != MAP_FAILED && priv != MAP_FAILED);
    map[0] = map[PAGE] = 'a';
    CHECK(FTRUNCATE(fd, PAGE / 2) == 0);
    dies(load, map + PAGE, SIGBUS, BUS_ADRERR, map + PAGE);
    CHECK(map[0] == 'a');
    CHECK(FTRUNCATE(fd, 2 * PAGE) == 0 && map[PAGE] == 0); /* zeros again */
    CHECK(FTRUNCATE(fd, 0) == 0);
    dies(load, map, SIGBUS, BUS_ADRERR, map);
    dies(load, priv, SIGBUS, BUS_ADRERR, priv);
    CHECK(munmap(map, 2 * PAGE) == 0 && munmap(priv, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_56_pipes_and_terminals_are_not_mapped)
{
    int fd[2];
    long tty = OPEN("/dev/tty", O_RDWR);

    CHECK(pipe(fd) == 0 && tty >= 0);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd[0], 0) == MAP_FAILED);
    CHECK(errno == ENODEV);
    CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, (int)tty, 0) == MAP_FAILED);
    CHECK(errno == ENODEV);
}

/* A full file system: what fits is written, the rest is refused, and there is
 * room again when something goes. */
UTEST(file_full_tmpfs)
{
    char *buf = pages(8, RW), *map;
    long a, b;

    enter("full");
    CHECK(MKDIR("m", 0755) == 0 &&
          MOUNT("x", "m", "tmpfs", 0, "size=16k") == 0);
    a = new_file("m/a");
    memset(buf, 'f', 8 * PAGE);
    CHECK(WRITE(a, buf, 6 * PAGE) == (long)(4 * PAGE)); /* a short count */
    CHECK(size_of(a) == 4 * PAGE && WRITE(a, buf, 1) == -ENOSPC);
    CHECK(size_of(a) == 4 * PAGE && PWRITE(a, "g", 1, 0) == 1);
    b = new_file("m/b");
    CHECK(WRITE(b, "x", 1) == -ENOSPC && size_of(b) == 0);
    CHECK(FALLOCATE(b, 0, 0, PAGE) == -ENOSPC);
    CHECK(FTRUNCATE(b, PAGE) == 0);
    map = mmap(NULL, PAGE, RW, MAP_SHARED, (int)b, 0);
    CHECK(map != MAP_FAILED && map[0] == 0);
    CHECK(FTRUNCATE(a, 2 * PAGE) == 0);
    map[0] = 'm';
    CHECK(PREAD(b, buf, 1, 0) == 1 && buf[0] == 'm');
    CHECK(munmap(map, PAGE) == 0);
    CHECK(CLOSE(a) == 0 && CLOSE(b) == 0 && UMOUNT("m") == 0);
    CHECK(RMDIR("m") == 0);
    leave();
}

UTEST(file_fsync)
{
    long fd;
    int p[2];

    enter("fsync");
    fd = new_file("f");
    CHECK(WRITE(fd, "x", 1) == 1 && fsync((int)fd) == 0);
    CHECK(fdatasync((int)fd) == 0 && sys(267, fd, 0, 0, 0, 0) == 0);
    CHECK(sys(81, 0, 0, 0, 0, 0) == 0 && sys(82, 999, 0, 0, 0, 0) == -EBADF);
    CHECK(pipe(p) == 0 && sys(82, p[0], 0, 0, 0, 0) == -EINVAL);
    drop("f", fd);
    fd = OPEN("f", O_CREAT | O_RDWR | 04010000); /* O_SYNC */
    CHECK(WRITE(fd, "y", 1) == 1);
    drop("f", fd);
    leave();
}
