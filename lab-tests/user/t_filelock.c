/* t_filelock.c: flock(), record locks, files without names, vectors at a
 * position, in the folder that is asked for (dir=). */
#include "lib/files.h"

struct flock {
    int16_t type, whence;
    int64_t start, len;
    int32_t pid, pad;
};
enum { RD, WR, UN };
enum { GETLK = 5, SETLK = 6, SETLKW = 7, OFD_SETLK = 37 };

static long
lock(long fd, int cmd, int type, long start, long len)
{
    struct flock l = {.type = (int16_t)type, .start = start, .len = len};

    return sys(25, fd, cmd, (long)&l, 0, 0);
}

/* What another process gets for the lock: 0 or -EAGAIN. */
static long
other(const char *name, int type, long start, long len)
{
    int status;

    if (fork() == 0) {
        long fd = OPEN(name, O_RDWR);

        _exit(fd < 0 ? 99 : (int)-lock(fd, SETLK, type, start, len));
    }
    CHECK(wait(&status) > 0 && WIFEXITED(status));
    return -WEXITSTATUS(status);
}

UTEST(file_record_locks)
{
    struct flock l = {.type = WR};
    long fd, again;

    enter("record");
    fd = OPEN("f", O_CREAT | O_RDWR);
    CHECK(lock(fd, SETLK, WR, 10, 10) == 0);
    CHECK(other("f", RD, 19, 1) == -EAGAIN && other("f", WR, 20, 1) == 0);
    CHECK(other("f", WR, 0, 10) == 0 && other("f", WR, 0, 0) == -EAGAIN);
    CHECK(lock(fd, SETLK, UN, 13, 2) == 0); /* cut in two */
    CHECK(other("f", WR, 13, 2) == 0 && other("f", WR, 12, 1) == -EAGAIN);
    CHECK(other("f", WR, 15, 1) == -EAGAIN);
    CHECK(lock(fd, SETLK, RD, 0, 0) == 0 && other("f", RD, 12, 1) == 0);
    CHECK(other("f", WR, 1l << 40, 1) == -EAGAIN);
    CHECK(sys(25, fd, GETLK, (long)&l, 0, 0) == 0 && l.type == UN); /* ours */
    l.type = WR;
    if (fork() == 0) {
        CHECK(sys(25, fd, GETLK, (long)&l, 0, 0) == 0 && l.type == RD);
        _exit(l.pid == getppid() && l.start == 0 && l.len == 0 ? 0 : 1);
    }
    CHECK(wait((int *)&l) > 0 && *(int *)&l == 0);
    again = OPEN("f", O_RDONLY); /* any close of the file drops all of ours */
    CHECK(lock(again, SETLK, WR, 0, 1) == -EBADF);
    CHECK(CLOSE(again) == 0 && other("f", WR, 0, 0) == 0);
    CHECK(lock(fd, SETLK, 7, 0, 1) == -EINVAL);
    CHECK(lock(fd, SETLK, WR, -1, 1) == -EINVAL);
    CHECK(sys(25, fd, SETLK, 8, 0, 0) == -EFAULT);
    CHECK(sys(25, fd, 99, 0, 0, 0) == -EINVAL);
    CHECK(lock(fd, SETLK, WR, 0, 0) == 0);
    CHECK(CLOSE(fd) == 0 && other("f", WR, 0, 0) == 0);
    CHECK(UNLINK("f") == 0);
    leave();
}

UTEST(file_record_lock_waits)
{
    long fd;
    int status, p[2];
    char c;

    enter("waits");
    fd = OPEN("f", O_CREAT | O_RDWR);
    CHECK(pipe(p) == 0 && lock(fd, SETLK, WR, 0, 0) == 0);
    if (fork() == 0) {
        CHECK(lock(fd, SETLK, WR, 0, 1) == -EAGAIN);
        CHECK(write(p[1], "x", 1) == 1);
        _exit((int)-lock(fd, SETLKW, WR, 0, 1)); /* until we let go */
    }
    CHECK(read(p[0], &c, 1) == 1);
    CHECK(lock(fd, SETLK, UN, 0, 0) == 0);
    CHECK(wait(&status) > 0 && status == 0); /* and its end let go of its */
    CHECK(lock(fd, SETLK, WR, 0, 0) == 0);
    CHECK(CLOSE(fd) == 0 && UNLINK("f") == 0);
    leave();
}

UTEST(file_flock)
{
    long a, b, c;

    enter("flock");
    a = OPEN("f", O_CREAT | O_RDWR);
    b = OPEN("f", O_RDONLY);
    CHECK(sys(32, a, 2, 0, 0, 0) == 0); /* LOCK_EX */
    CHECK(sys(32, b, 2 | 4, 0, 0, 0) == -EAGAIN);
    CHECK(sys(32, b, 1 | 4, 0, 0, 0) == -EAGAIN);
    CHECK(lock(a, SETLK, WR, 0, 0) == 0); /* another kind */
    c = sys(23, a, 0, 0, 0, 0);           /* the same open file */
    CHECK(sys(32, c, 2 | 4, 0, 0, 0) == 0 && CLOSE(a) == 0);
    CHECK(sys(32, b, 1 | 4, 0, 0, 0) == -EAGAIN);
    CHECK(sys(32, c, 1, 0, 0, 0) == 0 && sys(32, b, 1 | 4, 0, 0, 0) == 0);
    CHECK(sys(32, c, 2 | 4, 0, 0, 0) == -EAGAIN);
    CHECK(sys(32, b, 8, 0, 0, 0) == 0 && sys(32, c, 2 | 4, 0, 0, 0) == 0);
    CHECK(CLOSE(c) == 0 && sys(32, b, 2 | 4, 0, 0, 0) == 0);
    CHECK(sys(32, b, 3, 0, 0, 0) == -EINVAL &&
          sys(32, 999, 1, 0, 0, 0) == -EBADF);
    CHECK(CLOSE(b) == 0 && UNLINK("f") == 0);
    leave();
}

UTEST(file_memfd)
{
    long fd = sys(279, (long)"name", 1, 0, 0, 0);
    struct stat st;
    char *map;

    CHECK(fd >= 0 && sys(25, fd, F_GETFD, 0, 0, 0) == 1);
    CHECK(FTRUNCATE(fd, 2 * PAGE) == 0 && FSTAT(fd, &st) == 0);
    CHECK(st.st_size == (long)(2 * PAGE) && st.st_nlink == 0);
    map = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, (int)fd, 0);
    CHECK(map != MAP_FAILED && CLOSE(fd) == 0);
    map[PAGE] = 'm'; /* outlives the last open file */
    CHECK(map[PAGE] == 'm' && munmap(map, 2 * PAGE) == 0);
    CHECK(sys(279, 8, 0, 0, 0, 0) == -EFAULT);
    CHECK(sys(279, (long)"n", 0x100, 0, 0, 0) == -EINVAL);
}

struct iovec {
    const void *base;
    size_t len;
};

UTEST(file_vectors_at_a_position)
{
    char a[4] = {0}, b[4] = {0};
    struct iovec out[2] = {{"abc", 3}, {"defg", 4}}, in[2] = {{a, 2}, {b, 4}};
    long fd;
    int p[2];

    enter("vector");
    fd = OPEN("f", O_CREAT | O_RDWR);
    CHECK(sys(70, fd, (long)out, 2, 5, 0) == 7 && LSEEK(fd, 0, 1) == 0);
    CHECK(sys(69, fd, (long)in, 2, 6, 0) == 6 && a[0] == 'b' && b[3] == 'g');
    CHECK(sys(69, fd, (long)in, 2, -1, 0) == -EINVAL);
    CHECK(sys(69, fd, 8, 2, 0, 0) == -EFAULT &&
          sys(69, fd, (long)in, 2000, 0, 0) == -EINVAL);
    CHECK(sys(69, 999, (long)in, 2, 0, 0) == -EBADF);
    CHECK(pipe(p) == 0 && sys(69, p[0], (long)in, 2, 0, 0) == -ESPIPE);
    CHECK(sys(223, fd, 0, 0, 1, 0) == 0 &&
          sys(223, p[0], 0, 0, 1, 0) == -ESPIPE);
    CHECK(CLOSE(fd) == 0 && UNLINK("f") == 0);
    leave();
}

/* Ten thousand names in a folder: each is found, none that is not there. */
UTEST(file_many_names)
{
    char name[16];
    struct stat st;
    unsigned n = 10000;

    enter("many");
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "n%u", i * 7919 % n);
        CHECK(CLOSE(OPEN(name, O_CREAT | O_EXCL | O_RDWR)) == 0);
    }
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        CHECK(STAT(name, &st) == 0);
        name[0] = 'm';
        CHECK(STAT(name, &st) == -ENOENT && STAT(name, &st) == -ENOENT);
    }
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        CHECK(UNLINK(name) == 0 && STAT(name, &st) == -ENOENT);
    }
    leave();
}
