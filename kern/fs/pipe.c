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
#define RANK_PIPE  RANK_PROCESS /* pages come and go below it */

struct pipe {
    struct inode inode;
    struct wait_queue wq;      /* for data or room; its lock is the pipe's */
    uint64_t head, tail;       /* [lock] where the next byte goes, comes from */
    unsigned readers, writers; /* [lock] open files */
    uint64_t came[2];          /* [lock] how many readers, writers ever */
    char *page[PIPE_PAGES];    /* [lock] */
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
    while (!list_empty(&p->wq.sleepers))
        waiter_wake(list_first(&p->wq.sleepers, struct waiter, link));
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

/* The page of the byte AT, or where it will be. */
static inline char **
page_of(struct pipe *p, uint64_t at)
{
    return &p->page[at / PAGE_SIZE % PIPE_PAGES];
}

/* What of N bytes can be read from one page.  => P locked */
static inline size_t
piece(const struct pipe *p, size_t n)
{
    return MIN(MIN(n, p->head - p->tail), PAGE_SIZE - (p->tail & PAGE_MASK));
}

static NOINLINE void
give_back(char **page)
{
    free_pages(va_to_page(*page), 0);
    *page = NULL;
}

/* N bytes less were read: a page without any is given back, but the last one,
 * which the next bytes will need.  They lie in the page of tail.  A full ring
 * has its oldest and its latest bytes in the same page.  => P locked */
static inline void
was_read(struct pipe *p, size_t n)
{
    uint64_t last = p->tail;

    p->tail += n;
    if (p->tail == p->head)
        p->head = p->tail = ROUND_DOWN(p->tail - 1, PAGE_SIZE);
    else if (p->tail % PAGE_SIZE == 0 && room_in(p) >= PAGE_SIZE)
        give_back(page_of(p, last));
}

/* Where the byte AT lies, whose page is there.  => P locked */
static inline char *
byte_at(struct pipe *p, uint64_t at)
{
    return *page_of(p, at) + (at & PAGE_MASK);
}

/* The same, when the page may be missing; NULL: no memory.  => P locked */
static char *
place(struct pipe *p, uint64_t at)
{
    if (unlikely(*page_of(p, at) == NULL)) {
        struct page *page = alloc_pages(0);

        if (page == NULL)
            return NULL;
        *page_of(p, at) = page_to_va(page);
    }
    return byte_at(p, at);
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

/* A call comes to its end with R, a count or an error.  => P locked, unlocks it */
static inline long
over(struct pipe *p, long r)
{
    if (r > 0)
        wake(p);
    spin_unlock_of(&p->wq.lock, RANK_PIPE);
    if (r > 0)
        poll_changed();
    return r;
}

/* The page at BUF was missing.  False: it cannot be had.  => P locked, which is
 * dropped for a while */
static bool
touch(struct pipe *p, uintptr_t buf, bool to_user)
{
    size_t left;
    char c;

    spin_unlock_of(&p->wq.lock, RANK_PIPE);
    left = to_user ? clear_user(buf, 1) : copy_from_user(&c, buf, 1);
    spin_lock_of(&p->wq.lock, RANK_PIPE);
    return left == 0;
}

/* LEN bytes, which are there and in one page, to BUF.  Returns how many were not
 * copied.  => P locked */
static inline size_t
take(struct pipe *p, uintptr_t buf, size_t len)
{
    size_t left = copy_to_user(buf, byte_at(p, p->tail), len);

    if (likely(len > left))
        was_read(p, len - left);
    return left;
}

/* DONE of up to N bytes were read into BUF: those that are there, or if there are
 * none and DONE is 0, that come.  How many in all, or an error.
 * => P locked, which may be dropped for a while */
static NOINLINE long
read_pieces(struct pipe *p, struct file *f, uintptr_t buf, size_t n,
            size_t done)
{
    long err = 0;

    while (done < n && err == 0 && !thread_wanted(done)) {
        size_t len = piece(p, n - done), left;

        if (len == 0) {
            if (done > 0 || p->writers == 0)
                break;
            err = sleep_on(p, f);
            continue;
        }
        left = take(p, buf + done, len);
        done += len - left;
        if (left != 0 && !touch(p, buf + done, true))
            err = -EFAULT;
    }
    return done > 0 ? (long)done : err;
}

/* Most find all they want, or all there is, in one page.  => as read_pieces() */
static inline long
read_piece(struct pipe *p, struct file *f, uintptr_t buf, size_t n)
{
    size_t len = piece(p, n), left = len == 0 ? 0 : take(p, buf, len);

    return likely(len > 0 && left == 0 && (len == n || p->head == p->tail))
               ? (long)len
               : read_pieces(p, f, buf, n, len - left);
}

static long
pipe_read(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    struct pipe *p = pipe_of(f);
    long r = 0;

    spin_lock_of(&p->wq.lock, RANK_PIPE);
    if (p->head == p->tail && p->writers != 0 && n != 0)
        r = sleep_on(p, f);
    return over(p, r != 0 ? r : read_piece(p, f, buf, n));
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

static NOINLINE long
write_pieces(struct pipe *p, struct file *f, uintptr_t buf, size_t n)
{
    size_t done = 0;
    long r = 0;

    while (done < n && r >= 0 && !thread_wanted(done)) {
        r = write_piece(p, f, buf + done, MIN(n - done, PIPE_BUF));
        done += r > 0 ? (size_t)r : 0;
    }
    return done > 0 ? (long)done : r;
}

/* N bytes, if somebody reads and they fit into the page of head, which is there, as
 * is BUF: so it is with most writes.  => P locked */
static inline bool
put_in_page(struct pipe *p, uintptr_t buf, size_t n)
{
    if (p->readers == 0 || n > PAGE_SIZE - (p->head & PAGE_MASK) ||
        n > room_in(p) || *page_of(p, p->head) == NULL ||
        copy_from_user_part(byte_at(p, p->head), buf, n) != 0)
        return false;
    p->head += n;
    return true;
}

static long
pipe_write(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    struct pipe *p = pipe_of(f);

    spin_lock_of(&p->wq.lock, RANK_PIPE);
    return over(p, likely(put_in_page(p, buf, n)) ? (long)n
                                                  : write_pieces(p, f, buf, n));
}

static unsigned
pipe_poll(struct inode *i, struct file *f)
{
    struct pipe *p = pipe_of(f);
    unsigned r = 0;

    spin_lock_of(&p->wq.lock, RANK_PIPE);
    if (can(f, false)) {
        r |= p->head != p->tail ? POLLIN : 0;
        r |= p->writers == 0 && p->came[1] != f->pos ? POLLHUP : 0;
    }
    if (can(f, true)) {
        r |= room_in(p) >= PIPE_BUF ? POLLOUT : 0;
        r |= p->readers == 0 ? POLLERR : 0;
    }
    spin_unlock_of(&p->wq.lock, RANK_PIPE);
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

    spin_lock_of(&p->wq.lock, RANK_PIPE);
    count(p, f, -1);
    spin_unlock_of(&p->wq.lock, RANK_PIPE);
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
    spin_lock_of(&p->wq.lock, RANK_PIPE);
    f->pos = p->writers > 0 ? 0 : p->came[1]; /* writers before it are no end */
    p->came[0] += can(f, false);
    p->came[1] += can(f, true);
    count(p, f, 1);
    err = meet(p, f);
    spin_unlock_of(&p->wq.lock, RANK_PIPE);
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
            give_back(&p->page[k]);
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
    spin_init(&p->wq.lock, RANK_PIPE);
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
        inode_get(i);
        err = file_open(i, O_WRONLY | flags, &end[1]);
        if (err != 0)
            file_put(end[0]);
    }
    if (err != 0)
        inode_put(i);
    return err;
}
