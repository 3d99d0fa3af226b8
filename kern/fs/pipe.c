/* pipe.c: bytes that come out in the order they went in.
 *
 *     page   0     1     2    ...   15        a ring of PIPE_SIZE bytes;
 *          [....|..xx|xxxx|    ]              a page is there while it holds
 *                 ^       ^                   bytes
 *               tail     head
 *
 * Bytes go straight between a program and the ring, under the lock: a copy stops
 * where a page of the program is missing; then the lock is dropped, the page
 * touched, and the copy tried again.  What is written shows when head moves; so
 * a write of at most PIPE_BUF bytes goes in as a whole or not at all, and a
 * longer one in pieces.  A read takes what there is.  When it has taken
 * everything, the ring goes back to the start of the page, which stays.
 *
 * Both ends count who has them open: no writer is the end of the file, no reader
 * is EPIPE.
 *
 * A pipe has an inode of its own, by which it can be opened again, or belongs to
 * a FIFO (kern/ext/fs/fifo.c), whose open files lead to it: file->host. */
#include "fs/pipe.h"

#include "mm/kmalloc.h"
#include "mm/uaccess.h"
#include <atomic.h>
#include <errno.h>

#define PIPE_PAGES (PIPE_SIZE / PAGE_SIZE)

struct pipe {
    struct inode inode;
    struct wait_queue wq; /* for data or room; its lock, of rank PROCESS, is the
                           * pipe's */
    uint64_t head, tail;  /* [lock] where the next byte goes, comes from */
    unsigned readers, writers;     /* [lock] open files */
    uint64_t came[2];              /* [lock] how many readers, writers ever */
    struct page *page[PIPE_PAGES]; /* [lock] */
};

static uint64_t last_ino; /* [a] */

WEAK void
poll_changed(void)
{
}

static struct pipe *
pipe_of(const struct file *f)
{
    return f->host;
}

static bool
can(const struct file *f, bool write)
{
    return (f->flags & O_ACCMODE) != (write ? O_RDONLY : O_WRONLY);
}

/* Who sleeps, sleeps for what just changed: readers while the ring is empty,
 * writers while it is full.  => P locked */
static inline void
wake(struct pipe *p)
{
    if (!list_empty(&p->wq.sleepers))
        wait_wake_all(&p->wq);
}

/* Sleep until something changes.  0, -EINTR, or -EAGAIN: F does not wait.
 * => P locked, which is dropped for a while */
static inline int
sleep_on(struct pipe *p, const struct file *f)
{
    if (atomic_load(&f->flags) & O_NONBLOCK)
        return -EAGAIN;
    return wait_sleep_intr(&p->wq);
}

/* --- the ring --- */

static size_t
room_in(const struct pipe *p)
{
    return PIPE_SIZE - (p->head - p->tail);
}

/* N bytes less were read: a page without any is given back, but the last one,
 * which the next bytes will need.  They lie in the page of tail.  A full ring
 * has its oldest and its latest bytes in the same page.  => P locked */
static void
was_read(struct pipe *p, size_t n)
{
    unsigned k = p->tail / PAGE_SIZE % PIPE_PAGES;

    p->tail += n;
    if (p->tail == p->head) {
        p->head = p->tail = ROUND_DOWN(p->tail - 1, PAGE_SIZE);
    } else if (p->tail % PAGE_SIZE == 0 && room_in(p) >= PAGE_SIZE) {
        free_pages(p->page[k], 0);
        p->page[k] = NULL;
    }
}

/* Where the byte AT lies; NULL: no memory.  => P locked */
static char *
place(struct pipe *p, uint64_t at)
{
    struct page **page = &p->page[at / PAGE_SIZE % PIPE_PAGES];

    if (unlikely(*page == NULL))
        *page = alloc_pages(0);
    return *page == NULL ? NULL : (char *)page_to_va(*page) + (at & PAGE_MASK);
}

/* From BUF to behind head, where there is room, N bytes or fewer, at most two
 * pages.  Returns how many, or -ENOMEM.  => P locked */
static long
fetch(struct pipe *p, uintptr_t buf, size_t n)
{
    size_t done = 0;

    while (done < n) {
        uint64_t at = p->head + done;
        size_t len = MIN(n - done, PAGE_SIZE - (at & PAGE_MASK)), left;
        char *to = place(p, at);

        if (to == NULL)
            return -ENOMEM;
        left = copy_from_user(to, buf + done, len);
        done += len - left;
        if (left != 0)
            break;
    }
    return (long)done;
}

/* --- the calls --- */

/* The page at BUF was missing.  False: it cannot be had.  => P locked, which is
 * dropped for a while */
static bool
touch(struct pipe *p, uintptr_t buf, bool to_user)
{
    size_t left;
    char c;

    spin_unlock(&p->wq.lock);
    left = to_user ? clear_user(buf, 1) : copy_from_user(&c, buf, 1);
    spin_lock(&p->wq.lock);
    return left == 0;
}

static long
pipe_read(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    struct pipe *p = pipe_of(f);
    size_t done = 0;
    long r = 0;

    spin_lock(&p->wq.lock);
    while (done < n && r == 0 && !thread_wanted(done)) {
        size_t len = MIN(n - done, p->head - p->tail), left;

        if (len == 0) {
            if (done > 0 || p->writers == 0)
                break;
            r = sleep_on(p, f);
            continue;
        }
        len = MIN(len, PAGE_SIZE - (p->tail & PAGE_MASK));
        left = copy_to_user(buf + done, place(p, p->tail), len);
        if (len > left)
            was_read(p, len - left);
        done += len - left;
        if (unlikely(left != 0) && !touch(p, buf + done, true))
            r = -EFAULT;
    }
    if (done > 0)
        wake(p);
    spin_unlock(&p->wq.lock);
    if (done == 0)
        return r;
    poll_changed();
    return (long)done;
}

/* The next at most PIPE_BUF bytes.  How many, 0: look again, or an error.
 * => P locked, which may be dropped for a while */
static long
write_piece(struct pipe *p, struct file *f, uintptr_t buf, size_t n)
{
    long put;

    if (p->readers == 0)
        return -EPIPE;
    if (room_in(p) < n) {
        wake(p); /* about what came before */
        return sleep_on(p, f);
    }
    put = fetch(p, buf, n);
    if (put >= 0 && (size_t)put < n) {
        if (touch(p, buf + (size_t)put, false))
            return 0;
        if (put == 0 || room_in(p) < n)
            return -EFAULT;
        put = fetch(p, buf, (size_t)put); /* others may have written */
    }
    p->head += put > 0 ? (uint64_t)put : 0;
    return put;
}

static long
pipe_write(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    struct pipe *p = pipe_of(f);
    size_t done = 0;
    long r = 0;

    spin_lock(&p->wq.lock);
    while (done < n && r >= 0 && !thread_wanted(done)) {
        r = write_piece(p, f, buf + done, MIN(n - done, PIPE_BUF));
        done += r > 0 ? (size_t)r : 0;
    }
    if (done > 0)
        wake(p);
    spin_unlock(&p->wq.lock);
    if (done == 0)
        return r;
    poll_changed();
    return (long)done;
}

static unsigned
pipe_poll(struct inode *i, struct file *f)
{
    struct pipe *p = pipe_of(f);
    unsigned r = 0;

    spin_lock(&p->wq.lock);
    if (can(f, false)) {
        r |= p->head != p->tail ? POLLIN : 0;
        r |= p->writers == 0 && p->came[1] != f->pos ? POLLHUP : 0;
    }
    if (can(f, true)) {
        r |= room_in(p) >= PIPE_BUF ? POLLOUT : 0;
        r |= p->readers == 0 ? POLLERR : 0;
    }
    spin_unlock(&p->wq.lock);
    return r;
}

/* --- the ends --- */

/* F comes (1) or goes (-1).  => P locked */
static void
count(struct pipe *p, const struct file *f, int n)
{
    p->readers += can(f, false) ? (unsigned)n : 0;
    p->writers += can(f, true) ? (unsigned)n : 0;
    wake(p);
}

static void
pipe_close(struct inode *i, struct file *f)
{
    struct pipe *p = pipe_of(f);

    spin_lock(&p->wq.lock);
    count(p, f, -1);
    spin_unlock(&p->wq.lock);
    poll_changed();
    inode_put(&p->inode);
}

/* Wait for the other end, which may come and go meanwhile.  => P locked, which is
 * dropped for a while */
static int
meet(struct pipe *p, struct file *f)
{
    bool write = can(f, true);
    const unsigned *there = write ? &p->readers : &p->writers;
    uint64_t came = p->came[!write];
    int err = 0;

    if ((f->flags & O_ACCMODE) == O_RDWR)
        return 0;
    if (f->flags & O_NONBLOCK)
        return write && *there == 0 ? -ENXIO : 0;
    while (err == 0 && *there == 0 && p->came[!write] == came)
        err = wait_sleep_intr(&p->wq);
    return err;
}

int
pipe_open(struct inode *i, struct file *f)
{
    struct pipe *p = container_of(i, struct pipe, inode);
    int err;

    inode_get(i);
    f->host = p;
    spin_lock(&p->wq.lock);
    f->pos = p->writers > 0 ? 0 : p->came[1]; /* writers before it are no end */
    p->came[0] += can(f, false);
    p->came[1] += can(f, true);
    count(p, f, 1);
    err = meet(p, f);
    spin_unlock(&p->wq.lock);
    poll_changed();
    if (err != 0)
        pipe_close(i, f);
    return err;
}

static void
pipe_release(struct inode *i)
{
    struct pipe *p = container_of(i, struct pipe, inode);

    for (unsigned k = 0; k < PIPE_PAGES; k++) {
        if (p->page[k] != NULL)
            free_pages(p->page[k], 0);
    }
    kfree(p);
}

const struct inode_ops pipe_ops = {
    .read_user = pipe_read,
    .write_user = pipe_write,
    .open = pipe_open,
    .close = pipe_close,
    .poll = pipe_poll,
    .release = pipe_release,
};

struct inode *
pipe_inode(void)
{
    struct pipe *p = kzalloc(sizeof(*p));

    if (p == NULL)
        return NULL;
    inode_init(&p->inode, &pipe_ops, S_IFIFO | 0600,
               atomic_add(&last_ino, 1) + 1);
    wait_init(&p->wq);
    spin_init(&p->wq.lock, RANK_PROCESS); /* pages come and go below it */
    return &p->inode;
}

int
pipe_create(uint32_t flags, struct file *end[2])
{
    struct inode *i = pipe_inode();
    int err;

    if (i == NULL)
        return -ENOMEM;
    container_of(i, struct pipe, inode)->writers = 1; /* the one that comes */
    err = file_open(i, O_RDONLY | flags, &end[0]);
    container_of(i, struct pipe, inode)->writers = 0;
    if (err == 0) {
        err = file_open(i, O_WRONLY | flags, &end[1]);
        if (err != 0)
            file_put(end[0]);
    }
    inode_put(i);
    return err;
}
