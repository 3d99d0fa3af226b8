/* sys_change.c: adds calls that change what a path names, and the newer forms of
 * stat() and access(), to syscall/sys_path.c; a first reader may skip it.
 *
 * What a file system cannot do, it leaves out of its operations; then these
 * calls say EROFS, after the errors that say more. */
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

/* The folder of the last component of the user's path, which goes to LAST
 * (NAME_MAX + 1 bytes).  With a reference. */
static long
parent_at(int dirfd, uintptr_t user, struct inode **dir, char *last)
{
    struct walk w;
    char *path;
    long r = user_path(user, &path);

    if (r != 0)
        return r;
    r = walk_from(dirfd, path, &w);
    if (r == 0) {
        r = namei_parent(&w, path, dir, last);
        walk_put(&w);
    }
    kfree(path);
    return r;
}

/* Make something of MODE at a path. */
static long
make_at(int dirfd, uintptr_t path, uint32_t mode)
{
    struct fs_place *fs = current_process()->fs;
    char last[NAME_MAX + 1];
    struct inode *i, *dir;
    long r = inode_at(dirfd, path, AT_SYMLINK_NOFOLLOW, &i);

    if (r == 0)
        inode_put(i);
    if (r != -ENOENT)
        return r == 0 ? -EEXIST : r;
    r = parent_at(dirfd, path, &dir, last);
    if (r != 0)
        return r;
    if (dir->ops->create == NULL) {
        r = -EROFS;
    } else {
        mutex_lock(&dir->lock);
        r = dir->ops->create(dir, last, strlen(last), mode & ~fs->umask, 0, &i);
        mutex_unlock(&dir->lock);
        if (r == 0)
            inode_put(i);
    }
    inode_put(dir);
    return r;
}

static long
sys_mkdirat(ARGS)
{
    return make_at((int)a0, a1, S_IFDIR | ((uint32_t)a2 & 01777));
}
SYSCALL(34, mkdirat, "fso", sys_mkdirat);

static long
sys_mknodat(ARGS)
{
    return make_at((int)a0, a1, (uint32_t)a2);
}
SYSCALL(33, mknodat, "fsox", sys_mknodat);

/* The path must not be there, but nothing can make it. */
static long
refuse_new(int dirfd, uintptr_t path)
{
    struct inode *i;
    long r = inode_at(dirfd, path, AT_SYMLINK_NOFOLLOW, &i);

    if (r == 0)
        inode_put(i);
    return r == 0 ? -EEXIST : r == -ENOENT ? -EROFS : r;
}

static long
sys_symlinkat(ARGS)
{
    return refuse_new((int)a1, a2);
}
SYSCALL(36, symlinkat, "sfs", sys_symlinkat);

static long
sys_linkat(ARGS)
{
    return refuse_new((int)a2, a3);
}
SYSCALL(37, linkat, "fsfsx", sys_linkat);

static long
sys_unlinkat(ARGS)
{
    char last[NAME_MAX + 1];
    struct inode *i, *dir;
    bool folder;
    long r;

    if (a2 & ~(uint64_t)AT_REMOVEDIR)
        return -EINVAL;
    r = inode_at((int)a0, a1, AT_SYMLINK_NOFOLLOW, &i);
    if (r != 0)
        return r;
    folder = (i->mode & S_IFMT) == S_IFDIR;
    inode_put(i);
    if (folder != ((a2 & AT_REMOVEDIR) != 0))
        return folder ? -EISDIR : -ENOTDIR;
    r = parent_at((int)a0, a1, &dir, last);
    if (r != 0)
        return r;
    if (dir->ops->unlink == NULL) {
        r = -EROFS;
    } else {
        mutex_lock(&dir->lock);
        r = dir->ops->unlink(dir, last, strlen(last), NULL);
        mutex_unlock(&dir->lock);
    }
    inode_put(dir);
    return r;
}
SYSCALL(35, unlinkat, "fsx", sys_unlinkat);

/* The path must be there, but nothing can change it. */
static long
refuse_change(int dirfd, uintptr_t path)
{
    struct inode *i;
    long r = inode_at(dirfd, path, 0, &i);

    if (r == 0)
        inode_put(i);
    return r == 0 ? -EROFS : r;
}

static long
sys_renameat2(ARGS)
{
    return refuse_change((int)a0, a1);
}
SYSCALL(276, renameat2, "fsfsx", sys_renameat2);

static long
sys_change_at(ARGS)
{
    return refuse_change((int)a0, a1);
}
SYSCALL(53, fchmodat, "fso", sys_change_at);
SYSCALL(54, fchownat, "fsddx", sys_change_at);

static long
sys_utimensat(ARGS)
{
    return a1 == 0 ? -EROFS : refuse_change((int)a0, a1);
}
SYSCALL(88, utimensat, "fspx", sys_utimensat);

/* --- by open file --- */

/* What FD shows, with a reference of its file, or NULL. */
static struct file *
file_at(uint64_t fd)
{
    return fd_get(current_process()->files, (int)fd);
}

static long
sys_refuse_fd(ARGS)
{
    struct file *f = file_at(a0);

    if (f == NULL)
        return -EBADF;
    file_put(f);
    return -EROFS;
}
SYSCALL(52, fchmod, "fo", sys_refuse_fd);
SYSCALL(55, fchown, "fdd", sys_refuse_fd);

static long
sys_ftruncate(ARGS)
{
    struct file *f = file_at(a0);
    long r;

    if (f == NULL)
        return -EBADF;
    if ((f->flags & O_ACCMODE) == O_RDONLY || (int64_t)a1 < 0)
        r = -EINVAL;
    else if (f->inode->ops->truncate == NULL)
        r = -EINVAL;
    else
        r = f->inode->ops->truncate(f->inode, a1);
    file_put(f);
    return r;
}
SYSCALL(46, ftruncate, "fu", sys_ftruncate);

/* Nothing is kept back that could be written. */
static long
sys_fsync(ARGS)
{
    struct file *f = file_at(a0);
    uint32_t type;

    if (f == NULL)
        return -EBADF;
    type = f->inode->mode & S_IFMT;
    file_put(f);
    return type == S_IFREG || type == S_IFDIR || type == S_IFBLK ? 0 : -EINVAL;
}
SYSCALL(82, fsync, "f", sys_fsync);
SYSCALL(83, fdatasync, "f", sys_fsync);

static long
sys_sync(ARGS)
{
    return 0;
}
SYSCALL(81, sync, "", sys_sync);

static long
sys_fchdir(ARGS)
{
    struct fs_place *fs = current_process()->fs;
    struct file *f = file_at(a0);
    struct inode *old = NULL;

    if (f == NULL)
        return -EBADF;
    if ((f->inode->mode & S_IFMT) == S_IFDIR) {
        inode_get(f->inode);
        spin_lock(&fs->lock);
        old = fs->cwd;
        fs->cwd = f->inode;
        spin_unlock(&fs->lock);
        inode_put(old);
    }
    file_put(f);
    return old == NULL ? -ENOTDIR : 0;
}
SYSCALL(50, fchdir, "f", sys_fchdir);

/* --- statfs --- */

struct user_statfs { /* statfs(2) */
    int64_t type, bsize, blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};

#define RAMFS_MAGIC 0x858458f6
#define ST_RDONLY   1

static long
give_statfs(uintptr_t to)
{
    struct user_statfs s = {
        .type = RAMFS_MAGIC,
        .bsize = PAGE_SIZE,
        .namelen = NAME_MAX,
        .frsize = PAGE_SIZE,
        .flags = ST_RDONLY,
    };

    return copy_to_user(to, &s, sizeof(s)) != 0 ? -EFAULT : 0;
}

static long
sys_statfs(ARGS)
{
    struct inode *i;
    long r = inode_at(AT_FDCWD, a0, 0, &i);

    if (r != 0)
        return r;
    inode_put(i);
    return give_statfs(a1);
}
SYSCALL(43, statfs, "sp", sys_statfs);

static long
sys_fstatfs(ARGS)
{
    struct file *f = file_at(a0);

    if (f == NULL)
        return -EBADF;
    file_put(f);
    return give_statfs(a1);
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

#define STATX_BASIC 0x7ffu

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
    long r = inode_at((int)a0, a1, (unsigned)a2, &i);

    if (r != 0)
        return r;
    s.nlink = i->nlink;
    s.uid = i->uid;
    s.gid = i->gid;
    s.mode = (uint16_t)i->mode;
    s.ino = i->ino;
    s.size = i->size;
    s.blocks = (i->size + 511) / 512;
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
