/* proc_fd.c: adds /proc/PID/fd, a link for each open file, to ext/fs/procfs.c; a
 * first reader may skip it.  Who follows a link gets what the file shows, whether
 * that has a path or not: a pipe, a file without a name. */
#include "ext/fs/procfs.h"
#include "ext/process/look.h"
#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define NUMBER 1024 /* of the link of file 0 among the inodes of a process */

/* The table of PID with a reference, or NULL. */
static struct files *
files_of(int pid)
{
    struct files *files = NULL;
    struct process *p;

    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL && p->files != NULL) {
        files = p->files;
        files_get(files);
    }
    spin_unlock(&tree_lock);
    return files;
}

/* File FD of PID with a reference, or NULL. */
static struct file *
file_of(int pid, int fd)
{
    struct files *files = files_of(pid);
    struct file *f = NULL;

    if (files != NULL) {
        f = fd_get(files, fd);
        files_put(files);
    }
    return f;
}

static int
fd_readlink(struct inode *i, char *buf, size_t size)
{
    struct file *f = file_of(proc_pid_of(i), (int)(i->ino & 0xfff) - NUMBER);
    struct walk w;
    int n;

    if (f == NULL)
        return -ENOENT;
    if ((f->inode->mode & S_IFMT) == S_IFIFO && f->inode->super == NULL) {
        n = snprintf(buf, size, "pipe:[%lu]", f->inode->ino);
    } else {
        place_walk(current_process()->fs, &w);
        n = path_of(&w, f->inode, buf, size);
        walk_put(&w);
        n = n > 0 ? n - 1 : n;
    }
    file_put(f);
    return n;
}

static int
fd_jump(struct inode *i, struct inode **to)
{
    struct file *f = file_of(proc_pid_of(i), (int)(i->ino & 0xfff) - NUMBER);

    if (f == NULL)
        return -ENOENT;
    *to = f->inode;
    inode_get(*to);
    file_put(f);
    return 0;
}

static const struct inode_ops link_ops = {
    .readlink = fd_readlink, .jump = fd_jump, .release = proc_release};

static int
fd_lookup(struct inode *dir, const char *name, size_t len, struct inode **found)
{
    int pid = proc_pid_of(dir), fd = 0;
    struct file *f;

    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || fd >= NOFILE_MAX)
            return -ENOENT;
        fd = fd * 10 + name[i] - '0';
    }
    f = file_of(pid, fd);
    if (f == NULL)
        return -ENOENT;
    file_put(f);
    *found = proc_inode(pid, NUMBER + (unsigned)fd, S_IFLNK | 0777, &link_ops,
                        NULL, dir);
    return *found == NULL ? -ENOMEM : 0;
}

static int
fd_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg)
{
    struct files *files = files_of(proc_pid_of(dir));
    bool more = files != NULL;
    char name[16];

    for (uint64_t fd = pos; fd < NOFILE_MAX && more; fd++) {
        struct file *f = fd_get(files, (int)fd);

        if (f == NULL)
            continue;
        file_put(f);
        more =
            fill(arg, name, (size_t)snprintf(name, sizeof(name), "%lu", fd),
                 (dir->ino & ~0xffful) + NUMBER + fd, S_IFLNK | 0777, fd + 1);
    }
    if (files != NULL)
        files_put(files);
    return 0;
}

static const struct inode_ops folder_ops = {
    .lookup = fd_lookup, .readdir = fd_readdir, .release = proc_release};

PROC_FILE(pid_fd, .name = "fd", .where = PROC_PID, .folder = &folder_ops);
