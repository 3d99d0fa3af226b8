/* sys_change.c: adds calls that change what a path names to syscall/sys_path.c; a
 * first reader may skip it.  The work is fs/ops.c's. */
#include "fs/ops.h"
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

/* The last component of a user's path. */
struct target {
    struct inode *dir; /* a reference */
    struct last last;
    struct path path;
};

static long
target_at(int dirfd, uintptr_t user, struct target *t)
{
    struct walk w;
    long r = user_path(user, &t->path);

    if (r != 0)
        return r;
    r = walk_from(dirfd, t->path.text, &w);
    if (r == 0) {
        r = namei_parent(&w, t->path.text, 0, &t->dir, &t->last);
        walk_put(&w);
    }
    if (r != 0)
        path_done(&t->path);
    return r;
}

static void
target_put(struct target *t)
{
    inode_put(t->dir);
    path_done(&t->path);
}

/* What is no folder cannot be made with a slash behind its name. */
static long
slash_error(struct target *t)
{
    const struct name *n = &t->last.name;
    struct inode *i;
    int err;

    if (n->text[0] == '.' &&
        (n->len == 1 || (n->len == 2 && n->text[1] == '.')))
        return -EEXIST;
    mutex_lock(&t->dir->lock);
    err = dir_lookup(t->dir, n, &i);
    mutex_unlock(&t->dir->lock);
    if (err == 0)
        inode_put(i);
    return err == 0 ? -EEXIST : err;
}

/* Make something of MODE at a path. */
static long
make_at(int dirfd, uintptr_t path, uint32_t mode, uint64_t rdev)
{
    struct fs_place *fs = current_process()->fs;
    struct target t;
    long r = target_at(dirfd, path, &t);

    if (r != 0)
        return r;
    if (last_slash(&t.last) && (mode & S_IFMT) != S_IFDIR)
        r = slash_error(&t);
    else
        r = fs_create(t.dir, t.last.name, mode & ~fs->umask, rdev, NULL);
    target_put(&t);
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
    struct target t;
    long r = user_path(a0, &text);

    if (r != 0)
        return r;
    r = *text.text == 0 ? -ENOENT : target_at((int)a1, a2, &t);
    if (r == 0) {
        r = last_slash(&t.last) ? slash_error(&t)
                                : fs_symlink(t.dir, t.last.name, text.text);
        target_put(&t);
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
    struct target t;
    long r;

    if (a4 & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    r = inode_at((int)a0, a1,
                 (a4 & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) |
                     ((unsigned)a4 & AT_EMPTY_PATH),
                 &old);
    if (r != 0)
        return r;
    r = target_at((int)a2, a3, &t);
    if (r == 0) {
        r = last_slash(&t.last) ? slash_error(&t)
                                : fs_link(t.dir, t.last.name, old);
        target_put(&t);
    }
    inode_put(old);
    return r;
}
SYSCALL(37, linkat, "fsfsx", sys_linkat);

static long
sys_unlinkat(ARGS)
{
    bool folder = (a2 & AT_REMOVEDIR) != 0;
    struct target t;
    long r;

    if (a2 & ~(uint64_t)AT_REMOVEDIR)
        return -EINVAL;
    r = target_at((int)a0, a1, &t);
    if (r != 0)
        return r;
    if (last_slash(&t.last) && !folder) {
        struct inode *i; /* "file/" is no folder, "folder/" is one */

        target_put(&t);
        r = inode_at((int)a0, a1, 0, &i);
        if (r == 0)
            inode_put(i);
        return r == 0 ? -EISDIR : r;
    }
    r = fs_unlink(t.dir, t.last.name, folder);
    target_put(&t);
    return r;
}
SYSCALL(35, unlinkat, "fsx", sys_unlinkat);

static long
sys_renameat2(ARGS)
{
    struct target from, to;
    long r = target_at((int)a0, a1, &from);

    if (r != 0)
        return r;
    r = target_at((int)a2, a3, &to);
    if (r == 0) {
        r = fs_rename(from.dir, from.last.name, to.dir, to.last.name,
                      (unsigned)a4,
                      last_slash(&from.last) || last_slash(&to.last));
        target_put(&to);
    }
    target_put(&from);
    return r;
}
SYSCALL(276, renameat2, "fsfsx", sys_renameat2);
