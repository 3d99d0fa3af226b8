/* sys_mount.c: adds mount, umount2, chroot, fchdir and sync to
 * syscall/sys_path.c; a first reader may skip it. */
#include "driver/blk.h"
#include "fs/ops.h"
#include "mm/kmalloc.h"
#include "mm/writeback.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

#define MS_RDONLY  1u
#define MS_REMOUNT 32u
#define MS_BIND    4096u
#define MS_MOVE    8192u

/* The words of a mount(), in kernel memory; NULL was given as "". */
struct words {
    struct path source, type, options;
};

static long
get_word(uintptr_t user, struct path *word)
{
    if (user != 0)
        return user_path(user, word);
    word->small[0] = 0;
    word->text = word->small;
    return 0;
}

static void
words_free(struct words *w)
{
    path_done(&w->source);
    path_done(&w->type);
    path_done(&w->options);
}

static struct blkdev *
disk_of(uint64_t rdev)
{
    struct blkdev *dev = blk_next(NULL);

    while (dev != NULL && ((uint64_t)dev->major << 8 | dev->minor) != rdev)
        dev = blk_next(dev);
    return dev;
}

/* *SOURCE, if it is the path of a disk, becomes the disk's name. */
static int
name_disk(const char **source)
{
    struct blkdev *dev;
    struct inode *i;
    struct walk w;
    int err;

    if (strchr(*source, '/') == NULL)
        return 0;
    place_walk(current_process()->fs, &w);
    err = namei(&w, *source, 0, &i);
    walk_put(&w);
    if (err != 0)
        return err;
    if ((i->mode & S_IFMT) != S_IFBLK)
        err = -ENOTBLK;
    else if ((dev = disk_of(i->rdev)) == NULL)
        err = -ENXIO;
    else
        *source = dev->name;
    inode_put(i);
    return err;
}

static long
do_mount(const struct words *w, uint32_t flags, struct inode *at)
{
    const struct fs_type *t = fs_type_find(w->type.text);
    const char *source = w->source.text;
    bool readonly = (flags & MS_RDONLY) != 0;

    if (flags & (MS_BIND | MS_MOVE))
        return -EINVAL;
    if (flags & MS_REMOUNT) {
        struct super *s = at->super;

        if (s == NULL || s->root != at)
            return -EINVAL;
        if (readonly && s->ops->sync != NULL) {
            int err = s->ops->sync(s);

            if (err != 0)
                return err;
        }
        atomic_store(&s->readonly, readonly);
        return 0;
    }
    if (t == NULL)
        return -ENODEV;
    if (t->probe != NULL) { /* it lies on a disk */
        int err = name_disk(&source);

        if (err != 0)
            return err;
    }
    return fs_mount(t, source, w->options.text, readonly, at);
}

static long
sys_mount(ARGS)
{
    struct words w;
    struct inode *at;
    long r;

    w.type.text = w.options.text = NULL;
    r = get_word(a0, &w.source);
    if (r == 0)
        r = get_word(a2, &w.type);
    if (r == 0)
        r = get_word(a4, &w.options);
    if (r == 0)
        r = inode_at(AT_FDCWD, a1, 0, &at);
    if (r == 0) {
        r = do_mount(&w, (uint32_t)a3, at);
        inode_put(at);
    }
    words_free(&w);
    return r;
}
SYSCALL(40, mount, "sssxs", sys_mount);

static long
sys_umount2(ARGS)
{
    struct inode *root;
    long r;

    if (a1 & ~0xful)
        return -EINVAL;
    r = inode_at(AT_FDCWD, a0, 0, &root);
    if (r != 0)
        return r;
    r = fs_unmount(root);
    if (r != 0)
        inode_put(root);
    return r;
}
SYSCALL(39, umount2, "sx", sys_umount2);

/* *PLACE of FS becomes TO, whose reference it takes over. */
static void
go(struct fs_place *fs, struct inode **place, struct inode *to)
{
    struct inode *old;

    spin_lock(&fs->lock);
    old = *place;
    *place = to;
    spin_unlock(&fs->lock);
    inode_put(old);
}

static long
sys_chroot(ARGS)
{
    struct fs_place *fs = current_process()->fs;
    struct inode *to;
    long r = inode_at(AT_FDCWD, a0, 0, &to);

    if (r != 0)
        return r;
    if ((to->mode & S_IFMT) != S_IFDIR) {
        inode_put(to);
        return -ENOTDIR;
    }
    go(fs, &fs->root, to);
    return 0;
}
SYSCALL(51, chroot, "s", sys_chroot);

static long
sys_fchdir(ARGS)
{
    struct fs_place *fs = current_process()->fs;
    struct file *f = fd_get(current_process()->files, (int)a0);
    bool folder;

    if (f == NULL)
        return -EBADF;
    folder = (f->inode->mode & S_IFMT) == S_IFDIR;
    if (folder) {
        inode_get(f->inode);
        go(fs, &fs->cwd, f->inode);
    }
    file_put(f);
    return folder ? 0 : -ENOTDIR;
}
SYSCALL(50, fchdir, "f", sys_fchdir);

/* --- sync --- */

static long
sync_fd(uint64_t fd, bool data)
{
    struct file *f = fd_get(current_process()->files, (int)fd);
    uint32_t type;
    long r;

    if (f == NULL)
        return -EBADF;
    type = f->inode->mode & S_IFMT;
    if (f->flags & O_PATH)
        r = -EBADF;
    else if (type != S_IFREG && type != S_IFDIR && type != S_IFBLK)
        r = -EINVAL;
    else
        r = file_sync(f, data);
    file_put(f);
    return r;
}

static long
sys_fsync(ARGS)
{
    return sync_fd(a0, false);
}
SYSCALL(82, fsync, "f", sys_fsync);

static long
sys_fdatasync(ARGS)
{
    return sync_fd(a0, true);
}
SYSCALL(83, fdatasync, "f", sys_fdatasync);

static long
sys_sync(ARGS)
{
    flush_everything();
    for (struct super *s = super_next(NULL); s != NULL; s = super_next(s)) {
        if (s->ops->sync != NULL)
            (void)s->ops->sync(s);
    }
    return 0;
}
SYSCALL(81, sync, "", sys_sync);

static long
sys_syncfs(ARGS)
{
    struct file *f = fd_get(current_process()->files, (int)a0);
    struct super *s;
    long r = 0;

    if (f == NULL)
        return -EBADF;
    s = f->inode->super;
    flush_everything(); /* of other file systems, too */
    if (s != NULL && s->ops->sync != NULL)
        r = s->ops->sync(s);
    file_put(f);
    return r;
}
SYSCALL(267, syncfs, "f", sys_syncfs);
