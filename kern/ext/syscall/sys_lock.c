/* sys_lock.c: adds flock() and the record locks of fcntl() to
 * syscall/sys_file.c; a first reader may skip it. */
#include "ext/fs/locks.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* Without ext/fs/locks.c. */
WEAK int
range_lock(struct inode *i, const struct range_lock *want, bool wait)
{
    return -ENOLCK;
}

WEAK void
range_lock_test(struct inode *i, struct range_lock *ask)
{
    ask->type = LOCK_NONE;
}

#define LOCK_SH 1u
#define LOCK_EX 2u
#define LOCK_NB 4u
#define LOCK_UN 8u

static long
sys_flock(ARGS)
{
    unsigned op = (unsigned)a1 & ~LOCK_NB;
    struct range_lock want = {.whole = true, .end = UINT64_MAX};
    struct file *f = fd_get(current_process()->files, (int)a0);
    long r;

    if (f == NULL)
        return -EBADF;
    want.owner = f;
    want.type = op == LOCK_SH   ? LOCK_READ
                : op == LOCK_EX ? LOCK_WRITE
                                : LOCK_NONE;
    if (f->flags & O_PATH)
        r = -EBADF;
    else if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
        r = -EINVAL;
    else
        r = range_lock(f->inode, &want, !(a1 & LOCK_NB));
    file_put(f);
    return r;
}
SYSCALL(32, flock, "fd", sys_flock);

struct user_flock { /* fcntl(2) */
    int16_t type, whence;
    int64_t start, len;
    int32_t pid, pad;
};

#define F_GETLK      5
#define F_SETLK      6
#define F_SETLKW     7
#define F_OFD_GETLK  36
#define F_OFD_SETLKW 38

/* What U means for F. */
static long
range_of(struct file *f, const struct user_flock *u, struct range_lock *want)
{
    int64_t base = u->whence == 1   ? (int64_t)f->pos
                   : u->whence == 2 ? (int64_t)f->inode->size
                                    : 0;
    int64_t start, end;

    if (u->whence < 0 || u->whence > 2 || u->type < 0 || u->type > 2)
        return -EINVAL;
    if (__builtin_add_overflow(base, u->start, &start))
        return -EOVERFLOW;
    if (u->len >= 0) {
        if (u->len == 0)
            end = INT64_MAX;
        else if (__builtin_add_overflow(start, u->len - 1, &end))
            return -EOVERFLOW;
    } else {
        end = start - 1;
        start += u->len;
    }
    if (start < 0)
        return -EINVAL;
    want->type = (enum lock_type)u->type;
    want->start = (uint64_t)start;
    want->end = (uint64_t)end;
    return 0;
}

static long
get_lock(struct file *f, struct range_lock *want, uintptr_t user)
{
    struct user_flock u = {0};

    range_lock_test(f->inode, want);
    u.type = (int16_t)want->type;
    if (want->type == LOCK_NONE) {
        if (copy_to_user(user, &u.type, sizeof(u.type)) != 0)
            return -EFAULT;
        return 0;
    }
    u.start = (int64_t)want->start;
    u.len = want->end == INT64_MAX ? 0 : (int64_t)(want->end - want->start + 1);
    u.pid = want->pid;
    return copy_to_user(user, &u, sizeof(u)) != 0 ? -EFAULT : 0;
}

long
fcntl_more(struct file *f, unsigned cmd, uintptr_t arg)
{
    bool by_file = cmd >= F_OFD_GETLK && cmd <= F_OFD_SETLKW;
    unsigned access = f->flags & O_ACCMODE;
    struct process *p = current_process();
    struct range_lock want = {.owner = p->files, .pid = p->pid};
    struct user_flock u;
    long r;

    if (!by_file && (cmd < F_GETLK || cmd > F_SETLKW))
        return -EINVAL;
    if (copy_from_user(&u, arg, sizeof(u)) != 0)
        return -EFAULT;
    if (by_file) {
        if (u.pid != 0)
            return -EINVAL;
        want.owner = f;
        want.pid = -1;
        cmd -= F_OFD_GETLK - F_GETLK;
    }
    r = range_of(f, &u, &want);
    if (r != 0)
        return r;
    if (cmd == F_GETLK)
        return want.type == LOCK_NONE ? -EINVAL : get_lock(f, &want, arg);
    if ((want.type == LOCK_READ && access == O_WRONLY) ||
        (want.type == LOCK_WRITE && access == O_RDONLY))
        return -EBADF;
    return range_lock(f->inode, &want, cmd == F_SETLKW);
}
