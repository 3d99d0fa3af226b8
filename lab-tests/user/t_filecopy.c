/* t_filecopy.c: what programs do with files beside reading and writing them: copies
 * inside the kernel, holes, FIFOs, files opened by their number, random bytes; in the
 * folder that is asked for (dir=). */
#include "lib/files.h"

#define SENDFILE(o, i, p, n)           sys(71, o, i, (long)(p), (long)(n), 0)
#define COPY_RANGE(i, ip, o, op, n, f) syscall(285, i, ip, o, op, (long)(n), f)
#define FALLOC_PUNCH                   3l /* and the size stays */
#define GETRANDOM(p, n, flags)         sys(278, (long)(p), (long)(n), flags, 0, 0)

static long
new_file(const char *name, size_t n, uint64_t seed)
{
    long fd = OPEN(name, O_CREAT | O_EXCL | O_RDWR);
    char *buf = pages(n / PAGE + 1, RW);

    CHECK(fd >= 0);
    fill(buf, n, seed);
    CHECK(WRITE(fd, buf, n) == (long)n && LSEEK(fd, 0, SEEK_SET) == 0);
    CHECK(munmap(buf, (n / PAGE + 1) * PAGE) == 0);
    return fd;
}

static void
drop(const char *name, long fd)
{
    CHECK(CLOSE(fd) == 0 && UNLINK(name) == 0);
}

static uint64_t
blocks_of(long fd)
{
    struct stat st;

    CHECK(FSTAT(fd, &st) == 0);
    return (uint64_t)st.st_blocks;
}

/* --- sendfile, copy_file_range --- */

UTEST(file_sendfile_to_files_and_pipes)
{
    char *buf = pages(20, RW);
    int64_t pos = 5;
    int p[2];
    long in, out;

    enter("send");
    in = new_file("in", 70001, 3);
    out = OPEN("out", O_CREAT | O_EXCL | O_RDWR);
    CHECK(SENDFILE(out, in, NULL, 100000) == 70001);
    CHECK(LSEEK(in, 0, SEEK_CUR) == 70001 && LSEEK(out, 0, SEEK_CUR) == 70001);
    CHECK(PREAD(out, buf, 80000, 0) == 70001 && filled(buf, 70001, 3));
    CHECK(SENDFILE(out, in, NULL, 10) == 0);
    CHECK(LSEEK(out, 0, SEEK_SET) == 0 && SENDFILE(out, in, &pos, 10) == 10);
    CHECK(pos == 15 && LSEEK(in, 0, SEEK_CUR) == 70001);
    CHECK(PREAD(in, buf, 10, 5) == 10 && PREAD(out, buf + 16, 10, 0) == 10);
    CHECK(memcmp(buf, buf + 16, 10) == 0);
    CHECK(pipe(p) == 0 && LSEEK(in, 0, SEEK_SET) == 0);
    CHECK(SENDFILE(p[1], in, NULL, 60000) == 60000);
    for (long n = 0, got; n < 60000; n += got) {
        got = READ(p[0], buf + n, 60000 - n);
        CHECK(got > 0);
    }
    CHECK(PREAD(in, buf + 60000, 10000, 60000) == 10000);
    CHECK(filled(buf, 70000, 3));
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
    drop("in", in);
    drop("out", out);
    leave();
}

/* What does not fit stays in the file. */
UTEST(file_sendfile_stops_where_there_is_no_room)
{
    static char buf[PAGE];
    int p[2];
    long in, n;

    enter("full");
    in = new_file("in", 100000, 4);
    CHECK(syscall(59, p, 04000l) == 0); /* pipe2: not to wait */
    n = SENDFILE(p[1], in, NULL, 100000);
    CHECK(n == 65536 && LSEEK(in, 0, SEEK_CUR) == n);
    CHECK(SENDFILE(p[1], in, NULL, 10) == -EAGAIN);
    CHECK(LSEEK(in, 0, SEEK_CUR) == n && READ(p[0], buf, PAGE) == (long)PAGE);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
    drop("in", in);
    leave();
}

UTEST(file_sendfile_refuses)
{
    int64_t bad = -1;
    int p[2];
    long in, out, append;

    enter("refuse");
    in = new_file("in", 100, 5);
    out = OPEN("out", O_CREAT | O_EXCL | O_WRONLY);
    append = OPEN("out", O_WRONLY | O_APPEND);
    CHECK(pipe(p) == 0);
    CHECK(SENDFILE(999, in, NULL, 1) == -EBADF);
    CHECK(SENDFILE(out, 999, NULL, 1) == -EBADF);
    CHECK(SENDFILE(out, out, NULL, 1) == -EBADF);
    CHECK(SENDFILE(p[0], in, NULL, 1) == -EBADF);
    CHECK(SENDFILE(out, p[0], NULL, 1) == -EINVAL);
    CHECK(SENDFILE(append, in, NULL, 1) == -EINVAL);
    CHECK(SENDFILE(out, in, 8, 1) == -EFAULT);
    CHECK(SENDFILE(out, in, &bad, 1) == -EINVAL);
    CHECK(LSEEK(in, 0, SEEK_CUR) == 0 && LSEEK(out, 0, SEEK_END) == 0);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0 && CLOSE(append) == 0);
    drop("in", in);
    drop("out", out);
    leave();
}

UTEST(file_copy_file_range)
{
    char *buf = pages(20, RW);
    int64_t from = 0, to = 100;
    int p[2];
    long in, out;

    enter("range");
    in = new_file("in", 50000, 6);
    out = OPEN("out", O_CREAT | O_EXCL | O_RDWR);
    CHECK(COPY_RANGE(in, &from, out, &to, 80000, 0l) == 50000);
    CHECK(from == 50000 && to == 50100 && LSEEK(in, 0, SEEK_CUR) == 0);
    CHECK(LSEEK(out, 0, SEEK_CUR) == 0 && PREAD(out, buf, 100, 0) == 100);
    CHECK(zeros(buf, 100) && PREAD(out, buf, 60000, 100) == 50000);
    CHECK(filled(buf, 50000, 6));
    CHECK(COPY_RANGE(in, NULL, out, NULL, 10, 0l) == 10);
    CHECK(LSEEK(in, 0, SEEK_CUR) == 10 && LSEEK(out, 0, SEEK_CUR) == 10);
    from = 0;
    to = 5;
    CHECK(COPY_RANGE(in, &from, in, &to, 10, 0l) == -1 && errno == EINVAL);
    CHECK(COPY_RANGE(in, NULL, out, NULL, 1, 1l) == -1 && errno == EINVAL);
    CHECK(COPY_RANGE(999, NULL, out, NULL, 1, 0l) == -1 && errno == EBADF);
    CHECK(pipe(p) == 0);
    CHECK(COPY_RANGE(in, NULL, p[1], NULL, 1, 0l) == -1 && errno == EINVAL);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
    drop("in", in);
    drop("out", out);
    leave();
}

/* --- holes --- */

UTEST(file_punched_holes_are_zeros)
{
    char *in = pages(20, RW), *want = pages(20, RW), *at;
    uint64_t state = 7, before;
    long fd;

    enter("punch");
    fd = new_file("f", 20 * PAGE - 100, 8);
    CHECK(PREAD(fd, want, 20 * PAGE, 0) == 20 * (long)PAGE - 100);
    CHECK(fsync((int)fd) == 0);
    before = blocks_of(fd);
    at = mmap(NULL, 20 * PAGE, RW, MAP_SHARED, (int)fd, 0);
    CHECK(at != MAP_FAILED && memcmp(at, want, 20 * PAGE - 100) == 0);
    at[9 * PAGE] = 1; /* dirty, and mapped writable */
    CHECK(FALLOCATE(fd, FALLOC_PUNCH, 8 * PAGE, 4 * PAGE) == 0);
    memset(want + 8 * PAGE, 0, 4 * PAGE);
    CHECK(memcmp(at, want, 20 * PAGE - 100) == 0);
    CHECK(blocks_of(fd) == before - 4 * 8);
    at[9 * PAGE] = want[9 * PAGE] = 5; /* a block for it again */
    CHECK(fsync((int)fd) == 0 && blocks_of(fd) == before - 3 * 8);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t pos = rnd(&state) % (20 * PAGE), n = rnd(&state) % 9000 + 1;

        CHECK(FALLOCATE(fd, FALLOC_PUNCH, (long)pos, (long)n) == 0);
        if (pos < 20 * PAGE - 100)
            memset(want + pos, 0,
                   n < 20 * PAGE - 100 - pos ? n : 20 * PAGE - 100 - pos);
        CHECK(PREAD(fd, in, 20 * PAGE, 0) == 20 * (long)PAGE - 100);
        CHECK(memcmp(in, want, 20 * PAGE - 100) == 0);
        CHECK(memcmp(at, want, 20 * PAGE - 100) == 0);
    }
    CHECK(munmap(at, 20 * PAGE) == 0);
    CHECK(FALLOCATE(fd, FALLOC_PUNCH, 0, 1l << 40) == 0 && blocks_of(fd) == 0);
    CHECK(LSEEK(fd, 0, SEEK_END) == 20 * (long)PAGE - 100);
    CHECK(FALLOCATE(fd, 2, 0, 10) == -EOPNOTSUPP); /* only with KEEP_SIZE */
    drop("f", fd);
    leave();
}

UTEST(file_keep_size_gives_room_only)
{
    static char buf[PAGE];
    long fd;

    enter("keep");
    fd = new_file("f", 10, 9);
    CHECK(FALLOCATE(fd, 1, 0, 4 * PAGE) == 0);
    CHECK(LSEEK(fd, 0, SEEK_END) == 10 && PREAD(fd, buf, PAGE, 0) == 10);
    CHECK(filled(buf, 10, 9) && FTRUNCATE(fd, 2 * PAGE) == 0);
    CHECK(PREAD(fd, buf, PAGE, PAGE) == (long)PAGE && zeros(buf, PAGE));
    CHECK(FALLOCATE(fd, FALLOC_PUNCH, 0, 4 * PAGE) == 0 && blocks_of(fd) == 0);
    drop("f", fd);
    leave();
}

/* --- FIFOs --- */

#define FIFO(name) MKNOD(name, S_IFIFO | 0644, 0)

static int
writes_to(void *name)
{
    long fd = OPEN(name, O_WRONLY);

    CHECK(fd >= 0 && WRITE(fd, "through", 7) == 7 && CLOSE(fd) == 0);
    return 0;
}

/* open() of each end waits for the other; what is written comes out. */
UTEST(file_fifo_ends_meet)
{
    struct stat st;
    char buf[16];
    int status;
    long fd;

    enter("fifo");
    CHECK(FIFO("f") == 0 && FIFO("f") == -EEXIST);
    for (unsigned i = 0; i < 20; i++) {
        pid_t pid = child(writes_to, "f");

        fd = OPEN("f", O_RDONLY);
        CHECK(fd >= 0 && READ(fd, buf, 16) == 7);
        CHECK(memcmp(buf, "through", 7) == 0 && READ(fd, buf, 16) == 0);
        CHECK(FSTAT(fd, &st) == 0 && (st.st_mode & S_IFMT) == S_IFIFO);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(CLOSE(fd) == 0);
    }
    CHECK(UNLINK("f") == 0);
    leave();
}

UTEST(file_fifo_without_waiting)
{
    char buf[8];
    long r, w, both;

    enter("fifo");
    CHECK(FIFO("f") == 0);
    CHECK(OPEN("f", O_WRONLY | O_NONBLOCK) == -ENXIO);
    r = OPEN("f", O_RDONLY | O_NONBLOCK);
    CHECK(r >= 0 && READ(r, buf, 8) == 0); /* nobody writes */
    w = OPEN("f", O_WRONLY | O_NONBLOCK);
    CHECK(w >= 0 && READ(r, buf, 8) == -EAGAIN);
    CHECK(WRITE(w, "ab", 2) == 2 && READ(r, buf, 8) == 2);
    CHECK(LSEEK(r, 0, SEEK_SET) == -ESPIPE && CLOSE(w) == 0);
    CHECK(READ(r, buf, 8) == 0 && CLOSE(r) == 0);
    both = OPEN("f", O_RDWR);
    CHECK(both >= 0 && WRITE(both, "c", 1) == 1 && READ(both, buf, 8) == 1);
    CHECK(WRITE(both, "lost", 4) == 4 && CLOSE(both) == 0);
    r = OPEN("f", O_RDONLY | O_NONBLOCK);
    CHECK(READ(r, buf, 8) == 0 && CLOSE(r) == 0 && UNLINK("f") == 0);
    leave();
}

static int
opens(void *name)
{
    (void)OPEN(name, O_RDONLY);
    return 7;
}

UTEST(file_fifo_nobody_comes)
{
    int status;
    pid_t pid;

    enter("fifo");
    CHECK(FIFO("f") == 0);
    pid = child(opens, "f");
    usleep(20000);
    CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
    CHECK(OPEN("f", O_WRONLY | O_NONBLOCK) == -ENXIO && UNLINK("f") == 0);
    leave();
}

/* --- by number --- */

UTEST(file_opened_by_its_number)
{
    char buf[16], path[40];
    int p[2];
    long fd, again;

    enter("number");
    CHECK(pipe(p) == 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", p[1]);
    again = OPEN(path, O_WRONLY);
    CHECK(again >= 0 && WRITE(again, "x", 1) == 1 && close(p[1]) == 0);
    CHECK(READ(p[0], buf, 16) == 1 && CLOSE(again) == 0);
    CHECK(READ(p[0], buf, 16) == 0 && close(p[0]) == 0);
    fd = new_file("f", 100, 10); /* a file that lost its name */
    CHECK(UNLINK("f") == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%ld", fd);
    again = OPEN(path, O_RDWR);
    CHECK(again >= 0 && READ(again, buf, 16) == 16 && filled(buf, 16, 10));
    CHECK(LSEEK(fd, 0, SEEK_CUR) == 0 &&
          CLOSE(again) == 0); /* its own position */
    CHECK(CLOSE(fd) == 0 && OPEN(path, O_RDONLY) == -ENOENT);
    CHECK(MKDIR("d", 0755) == 0);
    fd = OPEN("d", O_RDONLY);
    snprintf(path, sizeof(path), "/proc/self/fd/%ld/g", fd);
    again = OPEN(path, O_CREAT | O_EXCL | O_RDWR);
    CHECK(again >= 0 && CLOSE(again) == 0 && UNLINK("d/g") == 0);
    CHECK(CLOSE(fd) == 0 && RMDIR("d") == 0);
    leave();
}

/* --- random bytes --- */

UTEST(file_random_bytes_differ)
{
    static const char *const names[] = {"/dev/random", "/dev/urandom"};
    static char a[1000], b[1000];

    for (unsigned i = 0; i < 2; i++) {
        long fd = OPEN(names[i], O_RDWR);

        CHECK(fd >= 0 && READ(fd, a, 1000) == 1000 &&
              READ(fd, b, 1000) == 1000);
        CHECK(memcmp(a, b, 1000) != 0 && !zeros(a + 900, 100));
        CHECK(WRITE(fd, a, 10) == 10 && READ(fd, 8, 10) == -EFAULT);
        CHECK(CLOSE(fd) == 0);
    }
    CHECK(GETRANDOM(a, 1000, 0) == 1000 && GETRANDOM(b, 1000, 3) == 1000);
    CHECK(memcmp(a, b, 1000) != 0);
    CHECK(GETRANDOM(8, 10, 0) == -EFAULT && GETRANDOM(a, 10, 8) == -EINVAL);
}
