/* fifo.c: FIFOs, the pipes that have names; replaces fifo_ops_of() of fs/file.c; a
 * first reader may skip it.
 *
 *     inode on a disk ── struct fifo ──> inode of a pipe (fs/pipe.c)
 *          ^                                  ^
 *          └────────── struct file ── host ───┘
 *
 * A file system keeps only the name and the mode.  The pipe is there while somebody
 * has the FIFO open, or waits in open() for the other end; what was in it goes with
 * the last one. */
#include "fs/pipe.h"

#include "mm/kmalloc.h"
#include <errno.h>

struct fifo {
    struct list link;
    struct inode *inode; /* [I] whose open files, or opens, count as users */
    struct inode *pipe;  /* [I] a reference */
    unsigned users;      /* [n] */
};

static struct list fifos = LIST_INIT(fifos); /* [n] those that are open */

/* => inode_lock */
static struct fifo *
find(const struct inode *i)
{
    list_for_each_entry (o, &fifos, struct fifo, link) {
        if (o->inode == i)
            return o;
    }
    return NULL;
}

static void
fifo_free(struct fifo *o)
{
    if (o != NULL && o->pipe != NULL)
        inode_put(o->pipe);
    kfree(o);
}

/* One more user of I's pipe, which is made if there is none; or NULL. */
static struct fifo *
join(struct inode *i)
{
    struct fifo *fresh = kzalloc(sizeof(*fresh)), *o;

    if (fresh != NULL)
        fresh->pipe = pipe_inode();
    if (fresh == NULL || fresh->pipe == NULL) {
        fifo_free(fresh);
        return NULL;
    }
    fresh->inode = i;
    spin_lock(&inode_lock);
    o = find(i);
    if (o == NULL) {
        o = fresh;
        fresh = NULL;
        list_add(&fifos, &o->link);
    }
    o->users++;
    spin_unlock(&inode_lock);
    fifo_free(fresh);
    return o;
}

static void
leave(struct inode *i)
{
    struct fifo *o;

    spin_lock(&inode_lock);
    o = find(i);
    if (--o->users > 0)
        o = NULL;
    else
        list_del(&o->link);
    spin_unlock(&inode_lock);
    fifo_free(o);
}

static int
fifo_open(struct inode *i, struct file *f)
{
    struct fifo *o = join(i);
    int err = o == NULL ? -ENOMEM : pipe_open(o->pipe, f);

    if (o != NULL && err != 0)
        leave(i);
    return err;
}

static void
fifo_close(struct inode *i, struct file *f)
{
    pipe_ops.close(i, f);
    leave(i);
}

static long
fifo_read(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return pipe_ops.read_user(i, f, buf, n);
}

static long
fifo_write(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return pipe_ops.write_user(i, f, buf, n);
}

static unsigned
fifo_poll(struct inode *i, struct file *f)
{
    return pipe_ops.poll(i, f);
}

static const struct inode_ops fifo_ops = {.read_user = fifo_read,
                                          .write_user = fifo_write,
                                          .open = fifo_open,
                                          .close = fifo_close,
                                          .poll = fifo_poll};

const struct inode_ops *
fifo_ops_of(const struct inode *i)
{
    return i->super == NULL ? i->ops : &fifo_ops;
}
