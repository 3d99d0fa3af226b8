/* sys_attr.c: adds calls about what an inode has beside its contents, and about
 * its size, to syscall/sys_path.c; a first reader may skip it. */
#include "fs/ops.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* The file FD shows, with a reference, or NULL. */
static struct file *
file_at(uint64_t fd)
{
    return fd_get(current_process()->files, (int)fd);
}

/* --- mode, owner, times --- */

struct change {
    uint32_t mode, uid, gid; /* ~0: stays */
    int64_t atime, mtime;    /* TIME_STAYS */
};
#define TIME_STAYS INT64_MIN
#define NO_CHANGE                                                 \
    {                                                             \
        .mode = ~0u, .uid = ~0u, .gid = ~0u, .atime = TIME_STAYS, \
        .mtime = TIME_STAYS                                       \
    }

static long
change(struct inode *i, const struct change *c)
{
    bool fixed = i->ops->create == NULL && i->ops->dirty == NULL;

    if (i->super == NULL || i->super->readonly || fixed)
        return -EROFS;
    mutex_lock(&i->lock);
    if (c->mode != ~0u)
        i->mode = (i->mode & S_IFMT) | (c->mode & 07777);
    if (c->uid != ~0u)
        i->uid = c->uid;
    if (c->gid != ~0u)
        i->gid = c->gid;
    if (c->atime != TIME_STAYS)
        i->atime = c->atime;
    if (c->mtime != TIME_STAYS)
        i->mtime = c->mtime;
    i->ctime = inode_now();
    if (i->ops->dirty != NULL)
        i->ops->dirty(i);
    mutex_unlock(&i->lock);
    return 0;
}

static long
change_at(int dirfd, uintptr_t path, unsigned flags, const struct change *c)
{
    struct inode *i;
    long r = inode_at(dirfd, path, flags, &i);

    if (r != 0)
        return r;
    r = change(i, c);
    inode_put(i);
    return r;
}

static long
change_fd(uint64_t fd, const struct change *c)
{
    struct file *f = file_at(fd);
    long r;

    if (f == NULL)
        return -EBADF;
    r = f->flags & O_PATH ? -EBADF : change(f->inode, c);
    file_put(f);
    return r;
}

static long
sys_fchmodat(ARGS)
{
    struct change c = NO_CHANGE;

    c.mode = (uint32_t)a2 & 07777;
    return change_at((int)a0, a1, 0, &c);
}
SYSCALL(53, fchmodat, "fso", sys_fchmodat);

static long
sys_fchmod(ARGS)
{
    struct change c = NO_CHANGE;

    c.mode = (uint32_t)a1 & 07777;
    return change_fd(a0, &c);
}
SYSCALL(52, fchmod, "fo", sys_fchmod);

static long
sys_fchownat(ARGS)
{
    struct change c = NO_CHANGE;

    if (a4 & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    c.uid = (uint32_t)a2;
    c.gid = (uint32_t)a3;
    return change_at((int)a0, a1, (unsigned)a4, &c);
}
SYSCALL(54, fchownat, "fsddx", sys_fchownat);

static long
sys_fchown(ARGS)
{
    struct change c = NO_CHANGE;

    c.uid = (uint32_t)a1;
    c.gid = (uint32_t)a2;
    return change_fd(a0, &c);
}
SYSCALL(55, fchown, "fdd", sys_fchown);

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

/* What utimensat() means by T. */
static int
time_of(const struct user_timespec *t, int64_t now, int64_t *ns)
{
    if (t->nsec == UTIME_NOW)
        *ns = now;
    else if (t->nsec == UTIME_OMIT)
        *ns = TIME_STAYS;
    else if (t->nsec < 0 || t->nsec >= 1000000000)
        return -EINVAL;
    else if (__builtin_mul_overflow(t->sec, 1000000000, ns) ||
             __builtin_add_overflow(*ns, t->nsec, ns))
        *ns = INT64_MAX;
    return 0;
}

static long
sys_utimensat(ARGS)
{
    struct user_timespec t[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    struct change c = NO_CHANGE;
    int64_t now = inode_now();

    if (a3 & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (a2 != 0 && copy_from_user(t, a2, sizeof(t)) != 0)
        return -EFAULT;
    if (time_of(&t[0], now, &c.atime) != 0 ||
        time_of(&t[1], now, &c.mtime) != 0)
        return -EINVAL;
    return a1 == 0 ? change_fd(a0, &c)
                   : change_at((int)a0, a1, (unsigned)a3, &c);
}
SYSCALL(88, utimensat, "fspx", sys_utimensat);

/* --- size --- */

static long
sys_truncate(ARGS)
{
    struct inode *i;
    long r;

    if ((int64_t)a1 < 0)
        return -EINVAL;
    r = inode_at(AT_FDCWD, a0, 0, &i);
    if (r != 0)
        return r;
    r = fs_truncate(i, a1);
    inode_put(i);
    return r;
}
SYSCALL(45, truncate, "su", sys_truncate);

static long
sys_ftruncate(ARGS)
{
    struct file *f;
    long r;

    if ((int64_t)a1 < 0)
        return -EINVAL;
    f = file_at(a0);
    if (f == NULL)
        return -EBADF;
    r = (f->flags & O_ACCMODE) == O_RDONLY || (f->flags & O_PATH)
            ? -EINVAL
            : fs_truncate(f->inode, a1);
    file_put(f);
    return r == -EISDIR ? -EINVAL : r;
}
SYSCALL(46, ftruncate, "fu", sys_ftruncate);

#define FALLOC_KEEP_SIZE  1u
#define FALLOC_PUNCH_HOLE 2u

/* Replaced by kern/ext/fs/punch.c. */
WEAK int
fs_punch(struct inode *i, uint64_t pos, uint64_t end)
{
    return -EOPNOTSUPP;
}

static long
sys_fallocate(ARGS)
{
    struct file *f;
    long r;

    if ((int64_t)a2 < 0 || (int64_t)a3 <= 0)
        return -EINVAL;
    f = file_at(a0);
    if (f == NULL)
        return -EBADF;
    if ((f->flags & O_ACCMODE) == O_RDONLY || (f->flags & O_PATH))
        r = -EBADF;
    else if (a1 & ~(uint64_t)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE))
        r = -EOPNOTSUPP;
    else if ((f->inode->mode & S_IFMT) == S_IFIFO)
        r = -ESPIPE;
    else if ((int64_t)(a2 + a3) < 0)
        r = -EFBIG;
    else if ((a1 & FALLOC_PUNCH_HOLE) && !(a1 & FALLOC_KEEP_SIZE))
        r = -EOPNOTSUPP;
    else
        r = a1 & FALLOC_PUNCH_HOLE ? fs_punch(f->inode, a2, a2 + a3)
                                   : fs_allocate(f->inode, a2, a2 + a3,
                                                 (a1 & FALLOC_KEEP_SIZE) != 0);
    file_put(f);
    return r;
}
SYSCALL(47, fallocate, "fxdd", sys_fallocate);

/* --- the file system --- */

struct user_statfs { /* statfs(2) */
    int64_t type, bsize, blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};

#define RAMFS_MAGIC 0x858458f6
#define ST_RDONLY   1
#define ST_VALID    0x20

static long
give_statfs(struct inode *i, uintptr_t to)
{
    struct statfs_info info = {
        .type = RAMFS_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX};
    struct super *s = i->super;
    struct user_statfs u;

    if (s != NULL && s->ops->statfs != NULL)
        s->ops->statfs(s, &info);
    u = (struct user_statfs){
        .type = (int64_t)info.type,
        .bsize = (int64_t)info.bsize,
        .blocks = (int64_t)info.blocks,
        .bfree = (int64_t)info.bfree,
        .bavail = (int64_t)info.bfree,
        .files = (int64_t)info.files,
        .ffree = (int64_t)info.ffree,
        .fsid = {(int32_t)i->dev, 0},
        .namelen = (int64_t)info.namelen,
        .frsize = (int64_t)info.bsize,
        .flags = ST_VALID | (s == NULL || s->readonly ? ST_RDONLY : 0),
    };
    return copy_to_user(to, &u, sizeof(u)) != 0 ? -EFAULT : 0;
}

static long
sys_statfs(ARGS)
{
    struct inode *i;
    long r = inode_at(AT_FDCWD, a0, 0, &i);

    if (r != 0)
        return r;
    r = give_statfs(i, a1);
    inode_put(i);
    return r;
}
SYSCALL(43, statfs, "sp", sys_statfs);

static long
sys_fstatfs(ARGS)
{
    struct file *f = file_at(a0);
    long r;

    if (f == NULL)
        return -EBADF;
    r = give_statfs(f->inode, a1);
    file_put(f);
    return r;
}
SYSCALL(44, fstatfs, "fp", sys_fstatfs);

/* --- statx, faccessat2 --- */

struct statx_time {
    int64_t sec;
    uint32_t nsec, pad;
};

struct user_statx { /* statx(2) */
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t spare[14];
};
_Static_assert(sizeof(struct user_statx) == 256, "statx(2)");

#define STATX_BASIC     0x7ffu
#define STATX_RESERVED  0x80000000u
#define STATX_SYNC_BOTH 0x6000u /* as one flag they contradict each other */

static struct statx_time
split(int64_t ns)
{
    return (struct statx_time){ns / 1000000000, (uint32_t)(ns % 1000000000), 0};
}

static long
sys_statx(ARGS)
{
    struct user_statx s = {.mask = STATX_BASIC, .blksize = PAGE_SIZE};
    struct inode *i;
    long r;

    if ((a2 & STATX_SYNC_BOTH) == STATX_SYNC_BOTH || (a3 & STATX_RESERVED))
        return -EINVAL;
    r = inode_at((int)a0, a1, (unsigned)a2, &i);
    if (r != 0)
        return r;
    s.nlink = i->nlink;
    s.uid = i->uid;
    s.gid = i->gid;
    s.mode = (uint16_t)i->mode;
    s.ino = i->ino;
    s.size = i->size;
    s.blocks = atomic_load(&i->blocks);
    s.atime = split(i->atime);
    s.ctime = split(i->ctime);
    s.mtime = split(i->mtime);
    s.rdev_major = (uint32_t)(i->rdev >> 8);
    s.rdev_minor = i->rdev & 255;
    s.dev_minor = (uint32_t)i->dev;
    inode_put(i);
    return copy_to_user(a4, &s, sizeof(s)) != 0 ? -EFAULT : 0;
}
SYSCALL(291, statx, "fsxxp", sys_statx);

static long
sys_faccessat2(ARGS)
{
    struct inode *i;
    long r = inode_at((int)a0, a1, (unsigned)a3, &i);

    if (r != 0)
        return r;
    if ((a2 & 1) && !(i->mode & 0111))
        r = -EACCES;
    inode_put(i);
    return r;
}
SYSCALL(439, faccessat2, "fsox", sys_faccessat2);
