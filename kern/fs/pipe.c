/* pipe.c: bytes that come out in the order they went in.
 *
 *     page   0     1     2    ...   15        a ring of PIPE_SIZE bytes;
 *          [....|..xx|xxxx|    ]              a page is there while it holds
 *                 ^       ^                   bytes
 *               tail     head                 both only grow
 *
 * A write of at most PIPE_BUF bytes goes in as a whole or not at all, because it
 * arrives here in one piece.  A read takes what there is.  Both ends count who
 * has them open: no writer is the end of the file, no reader is EPIPE. */
#include "fs/pipe.h"

#include "mm/kmalloc.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

#define PIPE_PAGES (PIPE_SIZE / PAGE_SIZE)

struct pipe {
    struct inode inode;
    struct spinlock lock;      /* rank PROCESS */
    uint64_t head, tail;       /* [lock] bytes ever written, ever read */
    unsigned readers, writers; /* [lock] open files */
    struct wait_queue wait_data, wait_room; /* taken inside lock */
    struct page *page[PIPE_PAGES];          /* [lock] */
};

static uint64_t last_ino; /* [a] */

WEAK void
poll_changed(void)
{
}

static struct pipe *
pipe_of(struct inode *i)
{
    return container_of(i, struct pipe, inode);
}

static void
wake(struct wait_queue *wq)
{
    spin_lock(&wq->lock);
    wait_wake_all(wq);
    spin_unlock(&wq->lock);
    poll_changed();
}

/* Sleep on WQ.  => P locked, which is dropped for a while */
static int
sleep_on(struct pipe *p, struct wait_queue *wq)
{
    int err;

    spin_lock(&wq->lock);
    spin_unlock(&p->lock);
    err = wait_sleep_intr(wq);
    spin_unlock(&wq->lock);
    spin_lock(&p->lock);
    return err;
}

/* --- the ring --- */

static size_t
room_in(const struct pipe *p)
{
    return PIPE_SIZE - (p->head - p->tail);
}

/* Take out N bytes, which are there.  A full ring has its oldest and its latest
 * bytes in the same page.  => P locked */
static void
take_out(struct pipe *p, char *buf, size_t n)
{
    while (n > 0) {
        unsigned k = p->tail / PAGE_SIZE % PIPE_PAGES;
        size_t at = p->tail & PAGE_MASK, len = MIN(n, PAGE_SIZE - at);

        memcpy(buf, (char *)page_to_va(p->page[k]) + at, len);
        p->tail += len;
        buf += len;
        n -= len;
        if (p->tail == p->head ||
            (at + len == PAGE_SIZE && room_in(p) >= PAGE_SIZE)) {
            free_pages(p->page[k], 0);
            p->page[k] = NULL;
        }
    }
}

/* The page that the byte AT will lie in is there.  => P locked */
static bool
have_page(struct pipe *p, uint64_t at)
{
    struct page **page = &p->page[at / PAGE_SIZE % PIPE_PAGES];

    if (*page == NULL)
        *page = alloc_pages(0);
    return *page != NULL;
}

/* Put in N bytes, at most a page; there is room.  False: no memory, nothing was
 * put in.  => P locked */
static bool
put_in(struct pipe *p, const char *buf, size_t n)
{
    if (!have_page(p, p->head) || !have_page(p, p->head + n - 1))
        return false;
    while (n > 0) {
        unsigned k = p->head / PAGE_SIZE % PIPE_PAGES;
        size_t at = p->head & PAGE_MASK, len = MIN(n, PAGE_SIZE - at);

        memcpy((char *)page_to_va(p->page[k]) + at, buf, len);
        p->head += len;
        buf += len;
        n -= len;
    }
    return true;
}

/* --- the calls --- */

/* POS says how much the same call has read already: it waits only for the first
 * byte. */
static long
pipe_read(struct inode *i, struct file *f, void *buf, size_t n, uint64_t pos)
{
    struct pipe *p = pipe_of(i);
    long r = 0;

    spin_lock(&p->lock);
    while (p->head == p->tail && p->writers > 0 && pos == 0 && r == 0) {
        if (atomic_load(&f->flags) & O_NONBLOCK)
            r = -EAGAIN;
        else
            r = sleep_on(p, &p->wait_data);
    }
    if (p->head != p->tail) {
        r = (long)MIN(n, p->head - p->tail);
        take_out(p, buf, (size_t)r);
    }
    spin_unlock(&p->lock);
    if (r > 0)
        wake(&p->wait_room);
    return r;
}

static long
pipe_write(struct inode *i, struct file *f, const void *buf, size_t n,
           uint64_t pos)
{
    struct pipe *p = pipe_of(i);
    long r = 0;

    spin_lock(&p->lock);
    while (room_in(p) < n && p->readers > 0 && r == 0) {
        if (atomic_load(&f->flags) & O_NONBLOCK)
            r = -EAGAIN;
        else
            r = sleep_on(p, &p->wait_room);
    }
    if (p->readers == 0)
        r = -EPIPE;
    else if (r == 0)
        r = put_in(p, buf, n) ? (long)n : -ENOMEM;
    spin_unlock(&p->lock);
    if (r > 0)
        wake(&p->wait_data);
    return r;
}

static unsigned
pipe_poll(struct inode *i, struct file *f)
{
    struct pipe *p = pipe_of(i);
    unsigned r = 0;

    spin_lock(&p->lock);
    if ((f->flags & O_ACCMODE) == O_RDONLY) {
        r |= p->head != p->tail ? POLLIN : 0;
        r |= p->writers == 0 ? POLLHUP : 0;
    } else {
        r |= room_in(p) >= PIPE_BUF ? POLLOUT : 0;
        r |= p->readers == 0 ? POLLERR : 0;
    }
    spin_unlock(&p->lock);
    return r;
}

/* --- the ends --- */

static void
pipe_close(struct inode *i, struct file *f)
{
    struct pipe *p = pipe_of(i);
    bool reads = (f->flags & O_ACCMODE) == O_RDONLY;

    spin_lock(&p->lock);
    if (reads)
        p->readers--;
    else
        p->writers--;
    spin_unlock(&p->lock);
    wake(reads ? &p->wait_room : &p->wait_data);
}

static int
pipe_open(struct inode *i, struct file *f)
{
    struct pipe *p = pipe_of(i);

    spin_lock(&p->lock);
    if ((f->flags & O_ACCMODE) == O_RDONLY)
        p->readers++;
    else
        p->writers++;
    spin_unlock(&p->lock);
    return 0;
}

static void
pipe_release(struct inode *i)
{
    struct pipe *p = pipe_of(i);

    for (unsigned k = 0; k < PIPE_PAGES; k++) {
        if (p->page[k] != NULL)
            free_pages(p->page[k], 0);
    }
    kfree(p);
}

static const struct inode_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .open = pipe_open,
    .close = pipe_close,
    .poll = pipe_poll,
    .release = pipe_release,
};

int
pipe_create(uint32_t flags, struct file *end[2])
{
    struct pipe *p = kzalloc(sizeof(*p));
    int err;

    if (p == NULL)
        return -ENOMEM;
    inode_init(&p->inode, &pipe_ops, S_IFIFO | 0600,
               atomic_add(&last_ino, 1) + 1);
    spin_init(&p->lock, RANK_PROCESS);
    wait_init(&p->wait_data);
    wait_init(&p->wait_room);
    err = file_open(&p->inode, O_RDONLY | flags, &end[0]);
    if (err == 0) {
        err = file_open(&p->inode, O_WRONLY | flags, &end[1]);
        if (err != 0)
            file_put(end[0]);
    }
    inode_put(&p->inode);
    return err;
}
