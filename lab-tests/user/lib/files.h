/* files.h: the calls about files as they are, with Linux's numbers and negative
 * errors; each test works in a folder of its own, which must be empty at its
 * end. */
#ifndef LAB_TESTS_USER_FILES_H
#define LAB_TESTS_USER_FILES_H

#include "utest.h"
#include <sys/stat.h>

/* Into a new folder in utest_dir, and out of it and away.  If that is a disk
 * ("/dev/vda") with our file system, it is mounted for that long. */
void enter(const char *name);
void leave(void);
extern const char *files_dir; /* where that folder is, once entered */

long sys(long nr, long a, long b, long c, long d, long e);

#define MKNOD(p, m, d)   sys(33, -100, (long)(p), m, d, 0)
#define MKDIR(p, m)      sys(34, -100, (long)(p), m, 0, 0)
#define UNLINK(p)        sys(35, -100, (long)(p), 0, 0, 0)
#define RMDIR(p)         sys(35, -100, (long)(p), 0x200, 0, 0)
#define SYMLINK(t, p)    sys(36, (long)(t), -100, (long)(p), 0, 0)
#define LINK(a, b)       sys(37, -100, (long)(a), -100, (long)(b), 0)
#define RENAME(a, b)     sys(276, -100, (long)(a), -100, (long)(b), 0)
#define RENAME2(a, b, f) sys(276, -100, (long)(a), -100, (long)(b), f)
#define UMOUNT(p)        sys(39, (long)(p), 0, 0, 0, 0)
#define MOUNT(s, p, t, f, o) \
    sys(40, (long)(s), (long)(p), (long)(t), f, (long)(o))
#define TRUNCATE(p, n)        sys(45, (long)(p), n, 0, 0, 0)
#define FTRUNCATE(f, n)       sys(46, f, n, 0, 0, 0)
#define FALLOCATE(f, m, p, n) sys(47, f, m, p, n, 0)
#define ACCESS(p, m)          sys(48, -100, (long)(p), m, 0, 0)
#define CHDIR(p)              sys(49, (long)(p), 0, 0, 0, 0)
#define FCHDIR(f)             sys(50, f, 0, 0, 0, 0)
#define CHROOT(p)             sys(51, (long)(p), 0, 0, 0, 0)
#define CHMOD(p, m)           sys(53, -100, (long)(p), m, 0, 0)
#define CHOWN(p, u, g)        sys(54, -100, (long)(p), u, g, 0)
#define OPEN(p, f)            sys(56, -100, (long)(p), f, 0644, 0)
#define CLOSE(f)              sys(57, f, 0, 0, 0, 0)
#define GETDENTS(f, b, n)     sys(61, f, (long)(b), (long)(n), 0, 0)
#define LSEEK(f, o, w)        sys(62, f, o, w, 0, 0)
#define READ(f, b, n)         sys(63, f, (long)(b), (long)(n), 0, 0)
#define WRITE(f, b, n)        sys(64, f, (long)(b), (long)(n), 0, 0)
#define PREAD(f, b, n, o)     sys(67, f, (long)(b), (long)(n), o, 0)
#define PWRITE(f, b, n, o)    sys(68, f, (long)(b), (long)(n), o, 0)
#define READLINK(p, b, n)     sys(78, -100, (long)(p), (long)(b), n, 0)
#define STAT(p, s)            sys(79, -100, (long)(p), (long)(s), 0, 0)
#define LSTAT(p, s)           sys(79, -100, (long)(p), (long)(s), 0x100, 0)
#define FSTAT(f, s)           sys(80, f, (long)(s), 0, 0, 0)
#define UTIMENSAT(p, t)       sys(88, -100, (long)(p), (long)(t), 0, 0)

#define O_NOFOLLOW 0400000
#define O_PATH     010000000

static inline uint64_t
size_of(long fd)
{
    struct stat st;

    CHECK(FSTAT(fd, &st) == 0);
    return (uint64_t)st.st_size;
}

/* Are all N bytes at P 0? */
static inline bool
zeros(const char *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

#endif
