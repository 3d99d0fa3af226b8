/* sys_vector.c: adds preadv, pwritev, memfd_create and fadvise64 to
 * syscall/sys_file.c; a first reader may skip it. */
#include "ext/fs/memfd.h"
#include "fs/file.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

WEAK int
memfd_inode(struct inode **made)
{
    return -ENOSYS;
}

struct user_iovec {
    uint64_t base, len;
};
#define IOV_MAX 1024

/* Piece by piece from POS on, until one is short. */
static long
pieces_at(struct file *f, uintptr_t vector, uint64_t n, uint64_t pos,
          long (*fn)(struct file *, uintptr_t, size_t, uint64_t *))
{
    long done = 0;

    for (uint64_t i = 0; i < n; i++) {
        struct user_iovec v;
        uint64_t at = pos + (uint64_t)done;
        long r;

        if (copy_from_user(&v, vector + i * sizeof(v), sizeof(v)) != 0)
            return done > 0 ? done : -EFAULT;
        if ((int64_t)v.len < 0)
            return done > 0 ? done : -EINVAL;
        r = v.len == 0 ? 0 : fn(f, v.base, v.len, &at);
        if (r < 0)
            return done > 0 ? done : r;
        done += r;
        if ((uint64_t)r < v.len)
            break;
    }
    return done;
}

static long
vector_at(ARGS, long (*fn)(struct file *, uintptr_t, size_t, uint64_t *))
{
    struct file *f = fd_get(current_process()->files, (int)a0);
    long r;

    if (f == NULL)
        return -EBADF;
    if ((int64_t)a3 < 0 || a2 > IOV_MAX)
        r = -EINVAL;
    else if ((f->inode->mode & S_IFMT) == S_IFIFO)
        r = -ESPIPE;
    else
        r = pieces_at(f, a1, a2, a3, fn);
    file_put(f);
    return r;
}

static long
sys_preadv(ARGS)
{
    return vector_at(a0, a1, a2, a3, a4, a5, file_read);
}
SYSCALL(69, preadv, "fpdd", sys_preadv);

static long
sys_pwritev(ARGS)
{
    return vector_at(a0, a1, a2, a3, a4, a5, file_write);
}
SYSCALL(70, pwritev, "fpdd", sys_pwritev);

/* Advice, which may be ignored. */
static long
sys_fadvise64(ARGS)
{
    struct file *f = fd_get(current_process()->files, (int)a0);
    bool pipe;

    if (f == NULL)
        return -EBADF;
    pipe = (f->inode->mode & S_IFMT) == S_IFIFO;
    file_put(f);
    return pipe ? -ESPIPE : a3 > 5 || (int64_t)a2 < 0 ? -EINVAL : 0;
}
SYSCALL(223, fadvise64, "fddd", sys_fadvise64);

#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u /* accepted; there are no seals */
#define MFD_NAME_MAX      249

static long
sys_memfd_create(ARGS)
{
    char name[MFD_NAME_MAX + 1];
    struct inode *i;
    struct file *f;
    long r = strncpy_from_user(name, a0, sizeof(name));

    if (r < 0 || r > MFD_NAME_MAX)
        return r < 0 ? r : -EINVAL;
    if (a1 & ~(uint64_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
        return -EINVAL;
    r = memfd_inode(&i);
    if (r != 0)
        return r;
    r = file_open(i, O_RDWR, &f);
    if (r != 0) {
        inode_put(i);
        return r;
    }
    r = fd_install(current_process()->files, 0, f, (a1 & MFD_CLOEXEC) != 0);
    if (r < 0)
        file_put(f);
    return r;
}
SYSCALL(279, memfd_create, "sx", sys_memfd_create);
