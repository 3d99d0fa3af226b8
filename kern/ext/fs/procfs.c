/* procfs.c: adds /proc to fs/root.h; a first reader may skip it.
 *
 *     /proc/NAME         nodes of a tree, made at boot from the table; a name with
 *                        slashes (sys/vm/swappiness) brings its folders along
 *     /proc/ucore/NAME   the same; and sysvipc/NAME
 *     /sys/NAME          the same, in a tree of its own
 *     /proc/PID/         an inode per look-up: processes come and go
 *     /proc/PID/NAME     the same, from the table
 *
 * The inode number of those says whose they are: bit 32, PID, number in the
 * table. */
#include "ext/fs/procfs.h"

#include "fs/file.h"
#include "fs/root.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define OF_PROCESS (1ul << 32)
#define PIDS_FROM  1024u /* folder positions of processes: this + pid */

WEAK int
proc_next_pid(int after)
{
    return 0;
}

int
proc_pid_of(const struct inode *i)
{
    return i->ino & OF_PROCESS ? (int)(i->ino >> 12 & 0xfffff) : 0;
}

/* --- texts --- */

static bool
reserve(struct proc_text *t, size_t n)
{
    size_t room = t->room ? t->room : 512;
    char *buf;

    while (room < t->n + n)
        room *= 2;
    if (room == t->room)
        return true;
    buf = kmalloc(room);
    if (buf == NULL) {
        t->err = -ENOMEM;
        return false;
    }
    if (t->n > 0)
        memcpy(buf, t->buf, t->n);
    kfree(t->buf);
    t->buf = buf;
    t->room = room;
    return true;
}

void
proc_add(struct proc_text *t, const void *bytes, size_t n)
{
    if (t->err != 0 || !reserve(t, n + 1))
        return;
    memcpy(t->buf + t->n, bytes, n);
    t->n += n;
}

void
proc_print(struct proc_text *t, const char *fmt, ...)
{
    char line[320];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    proc_add(t, line, MIN((size_t)n, sizeof(line) - 1));
}

static void
text_drop(struct proc_text *t)
{
    if (t != NULL)
        kfree(t->buf);
    kfree(t);
}

/* F gets a new text.  It is made with no lock of ours held, because show() may
 * take those of other inodes. */
static int
text_make(struct inode *i, struct file *f)
{
    const struct proc_file *file = i->host;
    struct proc_text *t = kzalloc(sizeof(*t)), *old;
    int err = t == NULL ? -ENOMEM : file->show(t, proc_pid_of(i));

    if (err == 0)
        err = t->err;
    if (err != 0) {
        text_drop(t);
        return err;
    }
    mutex_lock(&i->lock);
    old = f->host;
    f->host = t;
    mutex_unlock(&i->lock);
    text_drop(old);
    return 0;
}

static long
text_read(struct inode *i, struct file *f, void *buf, size_t n, uint64_t pos)
{
    const struct proc_text *t;
    long r = 0;

    if (pos == 0 || f->host == NULL)
        r = text_make(i, f);
    if (r != 0)
        return r;
    mutex_lock(&i->lock);
    t = f->host;
    if (pos < t->n) {
        r = (long)MIN(n, t->n - pos);
        memcpy(buf, t->buf + pos, (size_t)r);
    }
    mutex_unlock(&i->lock);
    return r;
}

static long
text_write(struct inode *i, struct file *f, const void *buf, size_t n,
           uint64_t pos)
{
    const struct proc_file *file = i->host;
    char *line = kmalloc(n + 1), *at = line;
    int err = 0;

    if (line == NULL)
        return -ENOMEM;
    memcpy(line, buf, n);
    line[n] = 0;
    while (err == 0 && *at != 0) {
        char *end = strchr(at, '\n');

        if (end != NULL)
            *end = 0;
        if (*at != 0)
            err = file->store(proc_pid_of(i), at);
        at = end == NULL ? at + strlen(at) : end + 1;
    }
    kfree(line);
    return err == 0 ? (long)n : err;
}

static void
text_close(struct inode *i, struct file *f)
{
    text_drop(f->host);
}

static int
no_truncate(struct inode *i, uint64_t size)
{
    return 0;
}

/* --- the other kinds --- */

static long
bytes_read(struct inode *i, struct file *f, void *buf, size_t n, uint64_t pos)
{
    const struct proc_file *file = i->host;

    return file->read(proc_pid_of(i), buf, n, pos);
}

static long
bytes_write(struct inode *i, struct file *f, const void *buf, size_t n,
            uint64_t pos)
{
    const struct proc_file *file = i->host;

    return file->write(proc_pid_of(i), buf, n, pos);
}

static int
link_read(struct inode *i, char *buf, size_t size)
{
    const struct proc_file *file = i->host;

    return file->link(proc_pid_of(i), buf, size);
}

void
proc_release(struct inode *i)
{
    if (i->ino & OF_PROCESS)
        kfree(i);
}

static const struct inode_ops text_ops = {
    .read = text_read, .close = text_close, .release = proc_release};
static const struct inode_ops write_ops = {.read = text_read,
                                           .write = text_write,
                                           .close = text_close,
                                           .truncate = no_truncate,
                                           .release = proc_release};
static const struct inode_ops bytes_ops = {.read = bytes_read,
                                           .release = proc_release};
static const struct inode_ops memory_ops = {.read = bytes_read,
                                            .write = bytes_write,
                                            .truncate = no_truncate,
                                            .release = proc_release};
static const struct inode_ops link_ops = {.readlink = link_read,
                                          .release = proc_release};

static const struct inode_ops *
ops_of(const struct proc_file *file, uint32_t *mode)
{
    const struct inode_ops *ops = &text_ops;

    *mode = S_IFREG | 0444;
    if (file->folder != NULL) {
        ops = file->folder;
        *mode = S_IFDIR | 0555;
    } else if (file->link != NULL) {
        ops = &link_ops;
        *mode = S_IFLNK | 0777;
    } else if (file->write != NULL) {
        ops = &memory_ops;
        *mode = S_IFREG | 0600;
    } else if (file->read != NULL) {
        ops = &bytes_ops;
    } else if (file->store != NULL) {
        ops = &write_ops;
        *mode = S_IFREG | 0644;
    }
    if (file->mode != 0)
        *mode = file->mode;
    return ops;
}

/* --- folders of processes --- */

struct inode *
proc_inode(int pid, unsigned number, uint32_t mode, const struct inode_ops *ops,
           const void *host, struct inode *parent)
{
    struct inode *i = kmalloc(sizeof(*i));

    if (i == NULL)
        return NULL;
    inode_init(i, ops, mode, OF_PROCESS | (uint64_t)pid << 12 | number);
    i->host = (void *)host;
    inode_set_parent(i, parent);
    i->super = parent->super;
    i->dev = parent->dev;
    return i;
}

static bool
same(const char *name, const char *text, size_t len)
{
    return strncmp(name, text, len) == 0 && name[len] == 0;
}

static int
pid_lookup(struct inode *dir, const char *name, size_t len,
           struct inode **found)
{
    int pid = proc_pid_of(dir);
    unsigned number = 1;
    uint32_t mode;

    if (proc_next_pid(pid - 1) != pid)
        return -ENOENT;
    TABLE_FOR_EACH (proc_file, struct proc_file, p) {
        const struct inode_ops *ops = ops_of(*p, &mode);

        if ((*p)->where == PROC_PID && same((*p)->name, name, len)) {
            *found = proc_inode(pid, number, mode, ops, *p, dir);
            return *found == NULL ? -ENOMEM : 0;
        }
        number++;
    }
    return -ENOENT;
}

static int
pid_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg)
{
    uint64_t number = 0;
    uint32_t mode;

    TABLE_FOR_EACH (proc_file, struct proc_file, p) {
        number++;
        ops_of(*p, &mode);
        if ((*p)->where == PROC_PID && number > pos &&
            !fill(arg, (*p)->name, strlen((*p)->name),
                  (dir->ino & ~0xffful) | number, mode, number))
            break;
    }
    return 0;
}

static const struct inode_ops pid_ops = {
    .lookup = pid_lookup, .readdir = pid_readdir, .release = proc_release};

/* --- /proc --- */

static int
root_lookup(struct inode *dir, const char *name, size_t len,
            struct inode **found)
{
    uint64_t pid = 0;

    if (tree_lookup(dir, name, len, found) == 0)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || pid > 99999)
            return -ENOENT;
        pid = pid * 10 + (uint64_t)(name[i] - '0');
    }
    if (pid == 0 || name[0] == '0' || proc_next_pid((int)pid - 1) != (int)pid)
        return -ENOENT;
    *found = proc_inode((int)pid, 0, S_IFDIR | 0555, &pid_ops, NULL, dir);
    return *found == NULL ? -ENOMEM : 0;
}

/* Stands between the tree and the reader, to know when that has enough. */
struct counter {
    fill_fn fill;
    void *arg;
    bool full;
};

static bool
count_one(void *arg, const char *name, size_t len, uint64_t ino, uint32_t mode,
          uint64_t next)
{
    struct counter *c = arg;

    c->full = !c->fill(c->arg, name, len, ino, mode, next);
    return !c->full;
}

static int
root_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg)
{
    struct counter c = {.fill = fill, .arg = arg};
    int pid = pos < PIDS_FROM ? 0 : (int)(pos - PIDS_FROM);
    char name[16];

    if (pos < PIDS_FROM)
        tree_readdir(dir, pos, count_one, &c);
    while (!c.full && (pid = proc_next_pid(pid)) != 0) {
        int n = snprintf(name, sizeof(name), "%d", pid);

        count_one(&c, name, (size_t)n, OF_PROCESS | (uint64_t)pid << 12,
                  S_IFDIR | 0555, PIDS_FROM + (uint64_t)pid);
    }
    return 0;
}

static const struct inode_ops root_ops = {.lookup = root_lookup,
                                          .readdir = root_readdir};

/* --- trees --- */

/* The folder below ROOT that NAME lies in, made as far as it is missing; *LEAF is
 * the last part of NAME.  NULL: no memory. */
static struct node *
folder_for(struct node *root, const char *name, const char **leaf)
{
    const char *slash;

    while ((slash = strchr(name, '/')) != NULL && root != NULL) {
        size_t len = (size_t)(slash - name);
        struct node *n = tree_find(root, name, len);

        if (n == NULL)
            (void)tree_add(root, name, len, S_IFDIR | 0555, NULL, NULL, &n);
        root = n;
        name = slash + 1;
    }
    *leaf = name;
    return root;
}

static void
add_files(struct node *root, enum proc_where where)
{
    uint32_t mode;

    TABLE_FOR_EACH (proc_file, struct proc_file, p) {
        const struct inode_ops *ops = ops_of(*p, &mode);
        const char *leaf;
        struct node *dir;

        if ((*p)->where != where)
            continue;
        dir = folder_for(root, (*p)->name, &leaf);
        if (dir != NULL)
            (void)tree_add(dir, leaf, strlen(leaf), mode, ops, (void *)*p,
                           NULL);
    }
}

static struct super *
procfs_create(void)
{
    struct node *root = tree_create("proc", false), *n;

    if (root == NULL)
        return NULL;
    root->inode.ops = &root_ops;
    if (tree_add(root, "ucore", 5, S_IFDIR | 0555, NULL, NULL, &n) != 0)
        return NULL;
    add_files(n, PROC_UCORE);
    if (tree_add(root, "sysvipc", 7, S_IFDIR | 0555, NULL, NULL, &n) != 0)
        return NULL;
    add_files(n, PROC_SYSVIPC);
    add_files(root, PROC_ROOT);
    return root->inode.super;
}

static struct super *
sysfs_create(void)
{
    struct node *root = tree_create("sysfs", false);

    if (root == NULL)
        return NULL;
    add_files(root, PROC_SYS);
    return root->inode.super;
}

static const struct mount proc_mount = {"/proc", procfs_create};
TABLE_ADD(mount, proc_mount);
static const struct mount sys_mount = {"/sys", sysfs_create};
TABLE_ADD(mount, sys_mount);
