/* sys_copy.c: adds sendfile and copy_file_range to syscall/syscall.h; a first reader
 * may skip it.
 *
 *     file IN ──file_read()──> a buffer of the kernel ──file_write()──> file OUT
 *
 * Both are the ones programs use; the buffer is lent to them (mm/uaccess.h).  So
 * whatever can be read and written can be copied, and no byte passes through the
 * program. */
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>

#define CHUNK     16384u
#define COUNT_MAX 0x7ffff000ul /* as read() and write() have it */

struct copy {
    struct file *in, *out;
    uint64_t from;  /* where to read */
    uint64_t *to;   /* where to write; NULL: at OUT's own position */
    bool in_is_own; /* FROM was IN's own position, which moves */
};

/* One chunk of at most N bytes: how many, 0 at the end, or an error. */
static long
copy_chunk(struct copy *c, char *buf, size_t n)
{
    uint64_t at = c->from;
    long got, put;

    uaccess_lend(buf, CHUNK);
    got = file_read(c->in, (uintptr_t)buf, MIN(n, CHUNK), &at);
    put =
        got <= 0 ? got : file_write(c->out, (uintptr_t)buf, (size_t)got, c->to);
    uaccess_return();
    if (put > 0) {
        c->from += (uint64_t)put;
        if (c->to != NULL)
            *c->to += (uint64_t)put;
    }
    return put;
}

/* N bytes or fewer. */
static long
copy(struct copy *c, size_t n)
{
    char *buf = kmalloc(CHUNK);
    size_t done = 0;
    long r = 1;

    if (buf == NULL)
        return -ENOMEM;
    n = MIN(n, COUNT_MAX);
    while (done < n && r > 0 && !thread_wanted(done)) {
        size_t want = MIN(n - done, CHUNK);

        r = copy_chunk(c, buf, want);
        done += r > 0 ? (size_t)r : 0;
        if (r < (long)want) /* the end, or no room */
            break;
    }
    kfree(buf);
    if (c->in_is_own && done > 0) {
        mutex_lock(&c->in->lock);
        c->in->pos = c->from;
        mutex_unlock(&c->in->lock);
    }
    return done > 0 ? (long)done : MIN(r, 0);
}

/* *POS becomes what the program has at USER; 0: FALLBACK. */
static int
get_position(uintptr_t user, uint64_t fallback, uint64_t *pos)
{
    *pos = fallback;
    if (user == 0)
        return 0;
    if (copy_from_user(pos, user, sizeof(*pos)) != 0)
        return -EFAULT;
    return (int64_t)*pos < 0 ? -EINVAL : 0;
}

static int
give_position(uintptr_t user, uint64_t pos)
{
    return user != 0 && copy_to_user(user, &pos, sizeof(pos)) != 0 ? -EFAULT
                                                                   : 0;
}

static bool
may(const struct file *f, bool write)
{
    uint32_t mode = f->flags & O_ACCMODE;

    return !(f->flags & O_PATH) && mode != (write ? O_RDONLY : O_WRONLY);
}

/* --- sendfile --- */

static long
send_file(struct file *out, struct file *in, uintptr_t pos, size_t n)
{
    struct copy c = {.in = in, .out = out, .in_is_own = pos == 0};
    long r = get_position(pos, in->pos, &c.from);
    int err;

    if (r != 0)
        return r;
    if (in->inode->object == NULL || (out->flags & O_APPEND))
        return -EINVAL;
    r = copy(&c, n);
    err = give_position(pos, c.from);
    return err != 0 ? err : r;
}

static long
sys_sendfile(ARGS)
{
    struct files *files = current_process()->files;
    struct file *out = fd_get(files, (int)a0), *in = fd_get(files, (int)a1);
    long r = -EBADF;

    if (out != NULL && in != NULL && may(out, true) && may(in, false))
        r = send_file(out, in, a2, a3);
    if (out != NULL)
        file_put(out);
    if (in != NULL)
        file_put(in);
    if (r == -EPIPE)
        signal_self(SIGPIPE, 0, 0);
    return r;
}
SYSCALL(71, sendfile, "ffpu", sys_sendfile);

/* --- copy_file_range --- */

/* 0, or why not: both are regular files, and the ranges lie apart. */
static int
ranges_ok(const struct file *in, uint64_t from, const struct file *out,
          uint64_t to, size_t n)
{
    uint32_t types[2] = {in->inode->mode & S_IFMT, out->inode->mode & S_IFMT};

    for (unsigned k = 0; k < 2; k++) {
        if (types[k] != S_IFREG)
            return types[k] == S_IFDIR ? -EISDIR : -EINVAL;
    }
    if (out->flags & O_APPEND)
        return -EBADF;
    if ((int64_t)(from + n) < 0 || (int64_t)(to + n) < 0)
        return -EOVERFLOW;
    return in->inode == out->inode && from < to + n && to < from + n ? -EINVAL
                                                                     : 0;
}

static long
copy_range(struct file *in, uintptr_t in_pos, struct file *out,
           uintptr_t out_pos, size_t n)
{
    uint64_t to;
    struct copy c = {.in = in, .out = out, .to = &to, .in_is_own = in_pos == 0};
    long r = get_position(in_pos, in->pos, &c.from);
    int err;

    if (r == 0)
        r = get_position(out_pos, out->pos, &to);
    n = MIN(n, COUNT_MAX);
    if (r == 0)
        r = ranges_ok(in, c.from, out, to, n);
    if (r != 0)
        return r;
    r = copy(&c, n);
    if (out_pos == 0 && r > 0) {
        mutex_lock(&out->lock);
        out->pos = to;
        mutex_unlock(&out->lock);
    }
    err = give_position(in_pos, c.from);
    if (err == 0)
        err = give_position(out_pos, to);
    return err != 0 ? err : r;
}

static long
sys_copy_file_range(ARGS)
{
    struct files *files = current_process()->files;
    struct file *in = fd_get(files, (int)a0), *out = fd_get(files, (int)a2);
    long r = -EBADF;

    if (a5 != 0)
        r = -EINVAL;
    else if (out != NULL && in != NULL && may(out, true) && may(in, false))
        r = copy_range(in, a1, out, a3, a4);
    if (out != NULL)
        file_put(out);
    if (in != NULL)
        file_put(in);
    return r;
}
SYSCALL(285, copy_file_range, "fpfpux", sys_copy_file_range);
