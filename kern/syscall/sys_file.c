/* sys_file.c: calls about open files: read, write, seek, duplicate, close. */
#include "fs/pipe.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>

static struct files *
my_files(void)
{
    return current_process()->files;
}

static long
sys_read(ARGS)
{
    bool owned;
    struct file *f = file_use((int)a0, &owned);
    long r;

    if (f == NULL)
        return -EBADF;
    r = file_read(f, a1, a2, NULL);
    file_unuse(f, owned);
    return r;
}
SYSCALL(63, read, "fpu", sys_read);

/* Nobody will ever read it: most programs are not to go on. */
static long
written(long r)
{
    if (r == -EPIPE)
        signal_self(SIGPIPE, 0, 0);
    return r;
}

static long
sys_write(ARGS)
{
    bool owned;
    struct file *f = file_use((int)a0, &owned);
    long r;

    if (f == NULL)
        return -EBADF;
    r = file_write(f, a1, a2, NULL);
    file_unuse(f, owned);
    return written(r);
}
SYSCALL(64, write, "fpu", sys_write);

static long
at_place(ARGS, long (*fn)(struct file *, uintptr_t, size_t, uint64_t *))
{
    bool owned;
    struct file *f = file_use((int)a0, &owned);
    uint64_t pos = a3;
    long r;

    if (f == NULL)
        return -EBADF;
    if ((int64_t)pos < 0)
        r = -EINVAL;
    else if ((f->inode->mode & S_IFMT) == S_IFIFO)
        r = -ESPIPE;
    else
        r = fn(f, a1, a2, &pos);
    file_unuse(f, owned);
    return r;
}

static long
sys_pread64(ARGS)
{
    return at_place(a0, a1, a2, a3, a4, a5, file_read);
}
SYSCALL(67, pread64, "fpud", sys_pread64);

static long
sys_pwrite64(ARGS)
{
    return at_place(a0, a1, a2, a3, a4, a5, file_write);
}
SYSCALL(68, pwrite64, "fpud", sys_pwrite64);

/* readv and writev: piece by piece, until one is short. */
struct user_iovec {
    uint64_t base, len;
};
#define IOV_MAX 1024

static long
pieces(ARGS, long (*fn)(struct file *, uintptr_t, size_t, uint64_t *))
{
    struct file *f = fd_get(my_files(), (int)a0);
    long done = 0, r = 0;

    if (f == NULL)
        return -EBADF;
    if (a2 > IOV_MAX)
        r = -EINVAL;
    for (uint64_t i = 0; i < a2 && r >= 0; i++) {
        struct user_iovec v;

        if (copy_from_user(&v, a1 + i * sizeof(v), sizeof(v)) != 0) {
            r = -EFAULT;
            break;
        }
        if ((int64_t)v.len < 0) {
            r = -EINVAL;
            break;
        }
        r = v.len == 0 ? 0 : fn(f, v.base, v.len, NULL);
        if (r > 0)
            done += r;
        if (r < (long)v.len)
            break;
    }
    file_put(f);
    return done > 0 ? done : r;
}

static long
sys_readv(ARGS)
{
    return pieces(a0, a1, a2, a3, a4, a5, file_read);
}
SYSCALL(65, readv, "fpd", sys_readv);

static long
sys_writev(ARGS)
{
    return written(pieces(a0, a1, a2, a3, a4, a5, file_write));
}
SYSCALL(66, writev, "fpd", sys_writev);

#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3
#define SEEK_HOLE 4

static long
seek(struct file *f, int64_t offset, unsigned whence)
{
    uint32_t type = f->inode->mode & S_IFMT;
    int64_t base, size = (int64_t)f->inode->size;

    if (type != S_IFREG && type != S_IFDIR && type != S_IFBLK)
        return type == S_IFCHR ? 0 : -ESPIPE;
    if (whence > SEEK_HOLE)
        return -EINVAL;
    if (whence >= SEEK_DATA && (offset < 0 || offset >= size))
        return -ENXIO;
    if (whence == SEEK_HOLE) /* all of it counts as data */
        offset = size;
    base = whence == SEEK_CUR ? (int64_t)f->pos : whence == SEEK_END ? size : 0;
    if (__builtin_add_overflow(base, offset, &base))
        return -EOVERFLOW;
    if (base < 0)
        return -EINVAL;
    f->pos = (uint64_t)base;
    return base;
}

static long
sys_lseek(ARGS)
{
    struct file *f = fd_get(my_files(), (int)a0);
    long r;

    if (f == NULL)
        return -EBADF;
    mutex_lock(&f->lock);
    r = seek(f, (int64_t)a1, (unsigned)a2);
    mutex_unlock(&f->lock);
    file_put(f);
    return r;
}
SYSCALL(62, lseek, "fdd", sys_lseek);

static long
sys_close(ARGS)
{
    return fd_close(my_files(), (int)a0);
}
SYSCALL(57, close, "f", sys_close);

/* --- numbers --- */

static long
duplicate(int fd, int least, bool cloexec)
{
    struct file *f = fd_get(my_files(), fd);
    long r;

    if (f == NULL)
        return -EBADF;
    r = fd_install(my_files(), least, f, cloexec);
    if (r < 0)
        file_put(f);
    return r;
}

static long
sys_dup(ARGS)
{
    return duplicate((int)a0, 0, false);
}
SYSCALL(23, dup, "f", sys_dup);

static long
sys_dup3(ARGS)
{
    struct file *f;
    long r;

    if (a0 == a1 || (a2 & ~(uint64_t)O_CLOEXEC))
        return -EINVAL;
    f = fd_get(my_files(), (int)a0);
    if (f == NULL)
        return -EBADF;
    r = fd_replace(my_files(), (int)a1, f, (a2 & O_CLOEXEC) != 0);
    if (r < 0)
        file_put(f);
    return r;
}
SYSCALL(24, dup3, "ffo", sys_dup3);

static long
sys_pipe2(ARGS)
{
    uint32_t flags = (uint32_t)a1;
    struct file *end[2];
    int fd[2];
    long r;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    r = pipe_create(flags & O_NONBLOCK, end);
    if (r != 0)
        return r;
    for (int i = 0; i < 2; i++) {
        fd[i] = fd_install(my_files(), 0, end[i], (flags & O_CLOEXEC) != 0);
        if (fd[i] < 0)
            file_put(end[i]);
    }
    r = fd[1] < 0 ? fd[1] : fd[0] < 0 ? fd[0] : 0;
    if (r == 0 && copy_to_user(a0, fd, sizeof(fd)) != 0)
        r = -EFAULT;
    for (int i = 0; i < 2 && r != 0; i++) {
        if (fd[i] >= 0)
            fd_close(my_files(), fd[i]);
    }
    return r;
}
SYSCALL(59, pipe2, "po", sys_pipe2);

enum { F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC = 1030 };
#define F_GETPIPE_SZ 1032
#define MAY_SET      (O_APPEND | O_NONBLOCK)

WEAK long
fcntl_more(struct file *f, unsigned cmd, uintptr_t arg)
{
    return -EINVAL;
}

static long
sys_fcntl(ARGS)
{
    struct file *f = fd_get(my_files(), (int)a0);
    long r = 0;

    if (f == NULL)
        return -EBADF;
    switch (a1) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        r = duplicate((int)a0, (int)a2, a1 == F_DUPFD_CLOEXEC);
        break;
    case F_GETFD:
        r = fd_cloexec(my_files(), (int)a0, -1);
        break;
    case F_SETFD:
        r = fd_cloexec(my_files(), (int)a0, (int)(a2 & 1)) < 0 ? -EBADF : 0;
        break;
    case F_GETFL:
        r = (long)(atomic_load(&f->flags) & ~O_CLOEXEC);
        break;
    case F_SETFL:
        atomic_store(&f->flags,
                     (f->flags & ~MAY_SET) | ((uint32_t)a2 & MAY_SET));
        break;
    case F_GETPIPE_SZ:
        r = (f->inode->mode & S_IFMT) == S_IFIFO ? (long)PIPE_SIZE : -EBADF;
        break;
    default:
        r = fcntl_more(f, (unsigned)a1, a2);
    }
    file_put(f);
    return r;
}
SYSCALL(25, fcntl, "fdx", sys_fcntl);

static long
sys_ioctl(ARGS)
{
    struct file *f = fd_get(my_files(), (int)a0);
    long r;

    if (f == NULL)
        return -EBADF;
    r = f->ops->ioctl == NULL ? -ENOTTY
                              : f->ops->ioctl(f->inode, f, (unsigned)a1, a2);
    file_put(f);
    return r;
}
SYSCALL(29, ioctl, "fxp", sys_ioctl);
