/* sys_path.c: calls that begin with a name: open, stat, folders. */
#include "arch/riscv/probe.h"
#include "fs/ops.h"
#include "mm/kmalloc.h"
#include "mm/vmm.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

void
path_free(struct path *p)
{
    kfree(p->text);
}

int
user_path_long(uintptr_t addr, struct path *p)
{
    long n;

    p->text = kmalloc(PATH_MAX);
    if (p->text == NULL)
        return -ENOMEM;
    n = strncpy_from_user(p->text, addr, PATH_MAX);
    if (n >= 0 && n < PATH_MAX)
        return 0;
    path_free(p);
    return n < 0 ? (int)n : -ENAMETOOLONG;
}

int
walk_from_fd(int dirfd, const char *path, struct walk *w)
{
    struct process *p = current_process();
    struct file *f;

    place_walk(p->fs, w);
    if (*path == '/' || dirfd == AT_FDCWD)
        return 0;
    f = fd_get(p->files, dirfd);
    if (f != NULL && (*path == 0 || (f->inode->mode & S_IFMT) == S_IFDIR)) {
        inode_get(f->inode);
        inode_put(w->cwd);
        w->cwd = f->inode;
        file_put(f);
        return 0;
    }
    if (f != NULL)
        file_put(f);
    walk_put(w);
    return f == NULL ? -EBADF : -ENOTDIR;
}

static inline __attribute__((always_inline)) int
find_at(int dirfd, uintptr_t user, unsigned flags, struct inode **found)
{
    struct walk w;
    struct path path;
    int err = user_path(user, &path);

    if (err != 0)
        return err;
    err = walk_from(dirfd, path.text, &w);
    if (err == 0) {
        if (*path.text == 0 && (flags & AT_EMPTY_PATH)) {
            inode_get(w.cwd);
            *found = w.cwd;
        } else {
            err = namei(&w, path.text,
                        flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0, found);
        }
        walk_put(&w);
    }
    path_done(&path);
    return err;
}

int
inode_at(int dirfd, uintptr_t user, unsigned flags, struct inode **found)
{
    return find_at(dirfd, user, flags, found);
}

/* --- open --- */

/* Make the file PATH, or where a link at its end leads.  -EEXIST: somebody was
 * faster. */
static int
create_at(const struct walk *w, const char *path, uint32_t flags, uint32_t mode,
          struct inode **found)
{
    struct last last;
    struct inode *dir;
    int err =
        namei_parent(w, path, flags & O_EXCL ? 0 : WALK_THROUGH, &dir, &last);

    if (err != 0)
        return err;
    if (last_slash(&last))
        err = -EISDIR;
    else
        err = fs_create(dir, last.name, mode, 0, found);
    inode_put(dir);
    return err;
}

/* The inode that open() means, made if it must be; then *FRESH is true. */
static int
find_or_create(const struct walk *w, const char *path, uint32_t flags,
               uint32_t mode, struct inode **found, bool *fresh)
{
    bool exclusive = (flags & O_CREAT) && (flags & O_EXCL);
    unsigned how = flags & O_NOFOLLOW ? WALK_NOFOLLOW : 0;
    int err;

    do {
        err = exclusive ? -ENOENT : namei(w, path, how, found);
        if (err != -ENOENT || !(flags & O_CREAT) || *path == 0)
            return err;
        err = create_at(w, path, flags, mode, found);
        *fresh = err == 0;
    } while (err == -EEXIST && !exclusive);
    return err;
}

/* Can nothing be written to the regular file I? */
static bool
read_only(const struct inode *i)
{
    if (i->super != NULL && i->super->readonly)
        return true;
    return i->object != NULL ? i->ops->truncate == NULL : i->ops->write == NULL;
}

static int
check_open(struct inode *i, uint32_t flags, bool fresh)
{
    uint32_t type = i->mode & S_IFMT;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;

    if (type != S_IFDIR && (flags & O_DIRECTORY))
        return -ENOTDIR;
    if (flags & O_PATH)
        return 0;
    if (type == S_IFLNK)
        return -ELOOP;
    if (type == S_IFDIR)
        return writes || (flags & O_CREAT) ? -EISDIR : 0;
    if (type == S_IFIFO)
        return 0;
    if (type != S_IFREG)
        return i->object == NULL && i->ops->read == NULL &&
                       i->ops->read_user == NULL && i->ops->write == NULL &&
                       i->ops->write_user == NULL
                   ? -ENXIO
                   : 0;
    if (writes && read_only(i))
        return -EROFS;
    return (flags & O_TRUNC) && !fresh ? fs_truncate(i, 0) : 0;
}

static long
open_path(int dirfd, const char *path, uint32_t flags, uint32_t mode)
{
    struct process *p = current_process();
    bool fresh = false;
    struct inode *inode;
    struct file *f;
    struct walk w;
    long r = walk_from(dirfd, path, &w);

    if (r != 0)
        return r;
    r = find_or_create(&w, path, flags,
                       (mode & 07777 & ~p->fs->umask) | S_IFREG, &inode,
                       &fresh);
    walk_put(&w);
    if (r != 0)
        return r;
    r = check_open(inode, flags, fresh);
    if (r == 0)
        r = file_open(inode, flags, &f);
    if (r != 0) {
        inode_put(inode);
        return r;
    }
    r = fd_install(p->files, 0, f, (flags & O_CLOEXEC) != 0);
    if (r < 0)
        file_put(f);
    return r;
}

static long
sys_openat(ARGS)
{
    uint32_t flags = (uint32_t)a2;
    struct path path;
    long r = user_path(a1, &path);

    if (r != 0)
        return r;
    if ((flags & O_ACCMODE) == O_ACCMODE && !(flags & O_PATH))
        r = -EINVAL;
    else if ((flags & O_CREAT) && (flags & O_DIRECTORY))
        r = -EINVAL;
    else
        r = open_path((int)a0, path.text,
                      flags & O_PATH ? flags & ~(O_CREAT | O_TRUNC) : flags,
                      (uint32_t)a3);
    path_done(&path);
    return r;
}
SYSCALL(56, openat, "fsoo", sys_openat);

/* --- stat --- */

struct user_stat { /* asm-generic/stat.h */
    uint64_t dev, ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev, pad1;
    int64_t size;
    int64_t blksize; /* and a pad: it is small */
    int64_t blocks;
    struct user_timespec atime, mtime, ctime;
    uint64_t unused;
};

#define PUT(field, value)   STORE_OR_GO("sd", &st->field, value, fault)
#define PUT_W(field, value) STORE_OR_GO("sw", &st->field, value, fault)
#define PUT_TIME(field)                         \
    do {                                        \
        PUT(field.sec, i->field / 1000000000);  \
        PUT(field.nsec, i->field % 1000000000); \
    } while (0)

/* Word by word to where it is wanted: a copy would be most of the work.  False: a
 * fault. */
static inline bool
put_stat(const struct inode *i, struct user_stat *st)
{
    PUT(dev, i->dev);
    PUT(ino, i->ino);
    PUT_W(mode, i->mode);
    PUT_W(nlink, i->nlink);
    PUT_W(uid, i->uid);
    PUT_W(gid, i->gid);
    PUT(rdev, i->rdev);
    PUT(pad1, 0);
    PUT(size, i->size);
    PUT(blksize, PAGE_SIZE);
    PUT(blocks, atomic_load(&i->blocks));
    PUT_TIME(atime);
    PUT_TIME(mtime);
    PUT_TIME(ctime);
    PUT(unused, 0);
    return true;
fault:
    return false;
}

static inline long
give_stat(const struct inode *i, uintptr_t to)
{
    struct user_stat here;
    bool direct = to % sizeof(uint64_t) == 0 && to <= user_end() - sizeof(here);
    bool good;

    csr_set(sstatus, SSTATUS_SUM);
    good = put_stat(i, direct ? (struct user_stat *)to : &here);
    csr_clear(sstatus, SSTATUS_SUM);
    if (unlikely(!direct))
        good = copy_to_user(to, &here, sizeof(here)) == 0;
    return good ? 0 : -EFAULT;
}

static long
sys_newfstatat(ARGS)
{
    struct inode *i;
    long r = find_at((int)a0, a1, (unsigned)a3, &i);

    if (r != 0)
        return r;
    r = give_stat(i, a2);
    inode_put(i);
    return r;
}
SYSCALL(79, newfstatat, "fspx", sys_newfstatat);

static long
sys_fstat(ARGS)
{
    bool owned;
    struct file *f = file_use((int)a0, &owned);
    long r;

    if (f == NULL)
        return -EBADF;
    r = give_stat(f->inode, a1);
    file_unuse(f, owned);
    return r;
}
SYSCALL(80, fstat, "fp", sys_fstat);

static long
sys_readlinkat(ARGS)
{
    struct inode *i;
    char *buf;
    long r = inode_at((int)a0, a1, AT_SYMLINK_NOFOLLOW, &i);

    if (r != 0)
        return r;
    buf = kmalloc(PATH_MAX);
    if (buf == NULL)
        r = -ENOMEM;
    else if (i->ops->readlink == NULL || (i->mode & S_IFMT) != S_IFLNK)
        r = -EINVAL;
    else
        r = i->ops->readlink(i, buf, PATH_MAX);
    if (r > 0) {
        r = MIN(r, (long)a3);
        if (copy_to_user(a2, buf, (size_t)r) != 0)
            r = -EFAULT;
    }
    kfree(buf);
    inode_put(i);
    return r;
}
SYSCALL(78, readlinkat, "fspu", sys_readlinkat);

static long
sys_faccessat(ARGS)
{
    struct inode *i;
    long r = inode_at((int)a0, a1, 0, &i);

    if (r != 0)
        return r;
    if ((a2 & 1) && !(i->mode & 0111))
        r = -EACCES;
    inode_put(i);
    return r;
}
SYSCALL(48, faccessat, "fso", sys_faccessat);

/* --- folders --- */

struct filler {
    char *buf;
    size_t size, used;
    uint64_t pos;  /* of the next entry, "." and ".." being 0 and 1 */
    uint64_t base; /* what readdir() calls 0 */
    bool full;
};

struct user_dirent { /* getdents64(2) */
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
} __attribute__((packed));

static bool
fill_one(void *arg, const char *name, size_t len, uint64_t ino, uint32_t mode,
         uint64_t next)
{
    struct filler *f = arg;
    size_t head = offsetof(struct user_dirent, name);
    size_t n = (head + len + 1 + 7) & ~7ul;
    struct user_dirent *d = (struct user_dirent *)(f->buf + f->used);

    if (f->size - f->used < n) {
        f->full = true;
        return false;
    }
    memset(d, 0, n);
    d->ino = ino;
    d->off = (int64_t)(f->base + next);
    d->reclen = (uint16_t)n;
    d->type = (uint8_t)(mode >> 12);
    memcpy(d->name, name, len);
    f->used += n;
    f->pos = f->base + next;
    return true;
}

/* "." and "..", which folders do not list themselves, come first. */
static int
list_dir(struct inode *dir, struct filler *f)
{
    struct inode *up = dir->parent ? dir->parent : dir;

    if (f->pos == 0 && !fill_one(f, ".", 1, dir->ino, S_IFDIR, 1))
        return 0;
    if (f->pos == 1 && !fill_one(f, "..", 2, up->ino, S_IFDIR, 2))
        return 0;
    f->base = 2;
    return dir->ops->readdir(dir, f->pos - 2, fill_one, f);
}

static long
read_dir(struct file *file, uintptr_t to, size_t size)
{
    struct inode *dir = file->inode;
    struct filler f = {.size = MIN(size, 4 * PAGE_SIZE), .pos = file->pos};
    long r;

    if ((dir->mode & S_IFMT) != S_IFDIR || dir->ops->readdir == NULL)
        return -ENOTDIR;
    f.buf = kmalloc(f.size);
    if (f.buf == NULL)
        return -ENOMEM;
    mutex_lock(&dir->lock);
    r = list_dir(dir, &f);
    mutex_unlock(&dir->lock);
    if (r == 0 && f.used == 0 && f.full)
        r = -EINVAL;
    if (r == 0 && copy_to_user(to, f.buf, f.used) != 0)
        r = -EFAULT;
    if (r == 0) {
        file->pos = f.pos;
        r = (long)f.used;
    }
    kfree(f.buf);
    return r;
}

static long
sys_getdents64(ARGS)
{
    struct file *f = fd_get(current_process()->files, (int)a0);
    long r;

    if (f == NULL)
        return -EBADF;
    mutex_lock(&f->lock);
    r = read_dir(f, a1, a2);
    mutex_unlock(&f->lock);
    file_put(f);
    return r;
}
SYSCALL(61, getdents64, "fpu", sys_getdents64);

static long
sys_chdir(ARGS)
{
    struct fs_place *fs = current_process()->fs;
    struct inode *to, *old;
    long r = inode_at(AT_FDCWD, a0, 0, &to);

    if (r != 0)
        return r;
    if ((to->mode & S_IFMT) != S_IFDIR) {
        inode_put(to);
        return -ENOTDIR;
    }
    spin_lock(&fs->lock);
    old = fs->cwd;
    fs->cwd = to;
    spin_unlock(&fs->lock);
    inode_put(old);
    return 0;
}
SYSCALL(49, chdir, "s", sys_chdir);

static long
sys_getcwd(ARGS)
{
    struct walk w;
    char *buf = kmalloc(PATH_MAX);
    long n;

    if (buf == NULL)
        return -ENOMEM;
    place_walk(current_process()->fs, &w);
    n = path_of(&w, w.cwd, buf, PATH_MAX);
    walk_put(&w);
    if (n > 0 && (uint64_t)n > a1)
        n = -ERANGE;
    if (n > 0 && copy_to_user(a0, buf, (size_t)n) != 0)
        n = -EFAULT;
    kfree(buf);
    return n;
}
SYSCALL(17, getcwd, "pu", sys_getcwd);
