/* file.c: an open file: a position in an inode, and how it was opened.
 *
 * Contents that have pages are copied from the page cache; so a mapping and
 * read() always see the same bytes.  What has none (devices, /proc) copies
 * through a page of its own. */
#include "fs/file.h"

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"
#include <atomic.h>
#include <errno.h>

WEAK const struct inode_ops *
fifo_ops_of(const struct inode *i)
{
    return i->ops;
}

static const struct inode_ops no_ops; /* of what was opened as a place only */

int
file_open(struct inode *inode, uint32_t flags, struct file **made)
{
    struct file *f = fail_now(FAIL_FILE) ? NULL : kmalloc(sizeof(*f));
    int err = 0;

    if (f == NULL)
        return -ENOMEM;
    *f = (struct file){
        .refs = 1, .flags = flags, .inode = inode, .ops = inode->ops};
    if (flags & O_PATH)
        f->ops = &no_ops;
    else if (unlikely((inode->mode & S_IFMT) == S_IFIFO))
        f->ops = fifo_ops_of(inode);
    if (inode->object != NULL)
        f->err_seen = atomic_load(&inode->object->err_seq);
    mutex_init(&f->lock, RANK_FILE);
    if (f->ops->open != NULL)
        err = f->ops->open(inode, f);
    if (err != 0) {
        kfree(f);
        return err;
    }
    *made = f;
    return 0;
}

WEAK void
locks_drop(struct inode *i, const void *owner)
{
}

void
file_put(struct file *f)
{
    if (atomic_add_acq_rel(&f->refs, -1) != 1)
        return;
    if (!list_empty(&f->inode->locks))
        locks_drop(f->inode, f);
    if (f->ops->close != NULL)
        f->ops->close(f->inode, f);
    inode_put(f->inode);
    kfree(f);
}

/* --- contents by calls --- */

/* A page at a time through BOUNCE. */
static long
read_calls(struct file *f, char *bounce, uintptr_t buf, size_t n, uint64_t pos)
{
    struct inode *i = f->inode;
    size_t done = 0;

    while (done < n && !thread_wanted(done)) {
        size_t len = MIN(n - done, PAGE_SIZE);
        long got = i->ops->read(i, f, bounce, len, pos + done);

        if (got < 0)
            return done > 0 ? (long)done : got;
        if (copy_to_user(buf + done, bounce, (size_t)got) != 0)
            return done > 0 ? (long)done : -EFAULT;
        done += (size_t)got;
        if ((size_t)got < len) /* all there is just now */
            break;
    }
    return (long)done;
}

static long
write_calls(struct file *f, char *bounce, uintptr_t buf, size_t n, uint64_t pos)
{
    struct inode *i = f->inode;
    size_t done = 0;

    while (done < n && !thread_wanted(done)) {
        size_t len = MIN(n - done, PAGE_SIZE), left;
        long put;

        left = copy_from_user(bounce, buf + done, len);
        if (left == len)
            return done > 0 ? (long)done : -EFAULT;
        put = i->ops->write(i, f, bounce, len - left, pos + done);
        if (put < 0)
            return done > 0 ? (long)done : put;
        done += (size_t)put;
        if ((size_t)put < len)
            break;
    }
    return (long)done;
}

static long
by_calls(struct file *f, bool write, uintptr_t buf, size_t n, uint64_t *pos)
{
    char *bounce = kmalloc(PAGE_SIZE);
    long r;

    if (bounce == NULL)
        return -ENOMEM;
    r = write ? write_calls(f, bounce, buf, n, *pos)
              : read_calls(f, bounce, buf, n, *pos);
    kfree(bounce);
    *pos += r > 0 ? (uint64_t)r : 0;
    return r;
}

/* --- both --- */

/* Does the position mean something, so that calls must take turns? */
static bool
has_position(const struct inode *i)
{
    uint32_t type = i->mode & S_IFMT;

    return type == S_IFREG || type == S_IFDIR || type == S_IFBLK;
}

/* FN at *POS, or at F's own position, which moves. */
static long
at_position(struct file *f, uint64_t *pos, uintptr_t buf, size_t n,
            long (*fn)(struct file *f, uintptr_t buf, size_t n, uint64_t *pos))
{
    uint64_t at = pos != NULL ? *pos : 0;
    long r;

    if (pos != NULL || !has_position(f->inode))
        return fn(f, buf, n, &at);
    mutex_lock(&f->lock);
    r = fn(f, buf, n, &f->pos);
    mutex_unlock(&f->lock);
    return r;
}

static long
read_at(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    struct inode *i = f->inode;

    if (i->object != NULL)
        return pages_read(f, buf, n, pos);
    if (i->ops->read == NULL)
        return -EINVAL;
    return by_calls(f, false, buf, n, pos);
}

static long
write_at(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    struct inode *i = f->inode;

    if (i->object != NULL)
        return pages_write(f, buf, n, pos);
    if (i->ops->write == NULL)
        return -EINVAL;
    return by_calls(f, true, buf, n, pos);
}

long
contents_read(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    if ((f->flags & O_ACCMODE) == O_WRONLY || (f->flags & O_PATH))
        return -EBADF;
    if ((f->inode->mode & S_IFMT) == S_IFDIR)
        return -EISDIR;
    return at_position(f, pos, buf, MIN(n, FILE_COUNT_MAX), read_at);
}

long
contents_write(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    if ((f->flags & O_ACCMODE) == O_RDONLY || (f->flags & O_PATH))
        return -EBADF;
    return at_position(f, pos, buf, MIN(n, FILE_COUNT_MAX), write_at);
}
