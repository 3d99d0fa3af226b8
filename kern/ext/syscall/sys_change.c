/* sys_change.c: adds calls that change what a path names to syscall/sys_path.c; a
 * first reader may skip it.  The work is fs/ops.c's. */
#include "fs/ops.h"
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

/* The last component of a user's path. */
struct last {
    struct inode *dir; /* a reference */
    bool slash;        /* it must be a folder: the path ends in one */
    char name[NAME_MAX + 1];
};

static long
last_at(int dirfd, uintptr_t user, struct last *l)
{
    struct walk w;
    struct path path;
    long r = user_path(user, &path);

    if (r != 0)
        return r;
    r = walk_from(dirfd, path.text, &w);
    if (r == 0) {
        size_t len = strlen(path.text);

        r = namei_parent(&w, path.text, 0, &l->dir, l->name);
        l->slash = len != 0 && path.text[len - 1] == '/';
        walk_put(&w);
    }
    path_done(&path);
    return r;
}

/* What is no folder cannot be made with a slash behind its name. */
static long
slash_error(struct last *l)
{
    struct name n = name_of(l->name);
    struct inode *i;
    int err;

    if (*l->name == 0 || strcmp(l->name, ".") == 0 ||
        strcmp(l->name, "..") == 0)
        return -EEXIST;
    mutex_lock(&l->dir->lock);
    err = dir_lookup(l->dir, &n, &i);
    mutex_unlock(&l->dir->lock);
    if (err == 0)
        inode_put(i);
    return err == 0 ? -EEXIST : err;
}

/* Make something of MODE at a path. */
static long
make_at(int dirfd, uintptr_t path, uint32_t mode, uint64_t rdev)
{
    struct fs_place *fs = current_process()->fs;
    struct last l;
    long r = last_at(dirfd, path, &l);

    if (r != 0)
        return r;
    if (l.slash && (mode & S_IFMT) != S_IFDIR)
        r = slash_error(&l);
    else
        r = fs_create(l.dir, l.name, mode & ~fs->umask, rdev, NULL);
    inode_put(l.dir);
    return r;
}

static long
sys_mkdirat(ARGS)
{
    return make_at((int)a0, a1, S_IFDIR | ((uint32_t)a2 & 01777), 0);
}
SYSCALL(34, mkdirat, "fso", sys_mkdirat);

static long
sys_mknodat(ARGS)
{
    uint32_t type = (uint32_t)a2 & S_IFMT;

    if (type == 0)
        type = S_IFREG;
    if (type == S_IFDIR)
        return -EPERM;
    if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK &&
        type != S_IFIFO && type != S_IFSOCK)
        return -EINVAL;
    return make_at((int)a0, a1, type | ((uint32_t)a2 & 07777), a3);
}
SYSCALL(33, mknodat, "fsox", sys_mknodat);

static long
sys_symlinkat(ARGS)
{
    struct path text;
    struct last l;
    long r = user_path(a0, &text);

    if (r != 0)
        return r;
    r = *text.text == 0 ? -ENOENT : last_at((int)a1, a2, &l);
    if (r == 0) {
        r = l.slash ? slash_error(&l) : fs_symlink(l.dir, l.name, text.text);
        inode_put(l.dir);
    }
    path_done(&text);
    return r;
}
SYSCALL(36, symlinkat, "sfs", sys_symlinkat);

#define AT_SYMLINK_FOLLOW 0x400u

static long
sys_linkat(ARGS)
{
    struct inode *old;
    struct last l;
    long r;

    if (a4 & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    r = inode_at((int)a0, a1,
                 (a4 & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) |
                     ((unsigned)a4 & AT_EMPTY_PATH),
                 &old);
    if (r != 0)
        return r;
    r = last_at((int)a2, a3, &l);
    if (r == 0) {
        r = l.slash ? slash_error(&l) : fs_link(l.dir, l.name, old);
        inode_put(l.dir);
    }
    inode_put(old);
    return r;
}
SYSCALL(37, linkat, "fsfsx", sys_linkat);

static long
sys_unlinkat(ARGS)
{
    bool folder = (a2 & AT_REMOVEDIR) != 0;
    struct last l;
    long r;

    if (a2 & ~(uint64_t)AT_REMOVEDIR)
        return -EINVAL;
    r = last_at((int)a0, a1, &l);
    if (r != 0)
        return r;
    if (l.slash && !folder && *l.name != 0) {
        struct inode *i; /* "file/" is no folder, "folder/" is one */

        inode_put(l.dir);
        r = inode_at((int)a0, a1, 0, &i);
        if (r == 0)
            inode_put(i);
        return r == 0 ? -EISDIR : r;
    }
    r = fs_unlink(l.dir, l.name, folder);
    inode_put(l.dir);
    return r;
}
SYSCALL(35, unlinkat, "fsx", sys_unlinkat);

static long
sys_renameat2(ARGS)
{
    struct last from, to;
    long r = last_at((int)a0, a1, &from);

    if (r != 0)
        return r;
    r = last_at((int)a2, a3, &to);
    if (r == 0) {
        r = fs_rename(from.dir, from.name, to.dir, to.name, (unsigned)a4,
                      from.slash || to.slash);
        inode_put(to.dir);
    }
    inode_put(from.dir);
    return r;
}
SYSCALL(276, renameat2, "fsfsx", sys_renameat2);
