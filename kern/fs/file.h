/* file.h: open files and the tables that number them.
 *
 *     fd table:  0 ─┐
 *                1 ─┼──> struct file (position, flags) ──> struct inode
 *                2 ─┘         ^
 *     after fork: ────────────┘   shared, the position too                  */
#ifndef KERN_FS_FILE_H
#define KERN_FS_FILE_H

#include "fs/inode.h"
#include <atomic.h>

/* Linux's numbers (asm-generic/fcntl.h). */
#define O_ACCMODE   00000003u
#define O_RDONLY    00000000u
#define O_WRONLY    00000001u
#define O_RDWR      00000002u
#define O_CREAT     00000100u
#define O_EXCL      00000200u
#define O_NOCTTY    00000400u
#define O_TRUNC     00001000u
#define O_APPEND    00002000u
#define O_DSYNC     00010000u
#define O_SYNC      04010000u
#define O_NONBLOCK  00004000u
#define O_LARGEFILE 00100000u
#define O_DIRECTORY 00200000u
#define O_NOFOLLOW  00400000u
#define O_CLOEXEC   02000000u
#define O_PATH      010000000u

struct file {
    int32_t refs;        /* [a] table entries and calls in flight */
    uint32_t flags;      /* [a] O_ */
    struct mutex lock;   /* rank FILE */
    uint64_t pos;        /* [lock] */
    struct inode *inode; /* [I] a reference */
    const struct inode_ops
        *ops;               /* [I] of its contents: the inode's, see below */
    uint32_t err_seen;      /* [a] object_error_since() */
    struct readahead ahead; /* of who reads it page after page */
    void *host;             /* the inode's, per open file */
};

#define NOFILE_MAX 1024

/* The table. */
struct files {
    struct spinlock lock; /* rank PROCESS */
    int32_t refs;         /* [a] */
    int limit;            /* [a] numbers are lower */
    int size;             /* [lock] a multiple of 64 */
    int hint;             /* [lock] all lower numbers are taken */
    struct file **entry;  /* [lock] */
    uint64_t used[NOFILE_MAX / 64], exec[NOFILE_MAX / 64]; /* [lock] */
};

struct files *files_create(void);
/* The same files under the same numbers (fork).  NULL: no memory. */
struct files *files_copy(struct files *t);
/* T with a reference if only one process has it, else a copy; NULL: no memory. */
struct files *files_unshared(struct files *t);
void files_get(struct files *t);
void files_limit(struct files *t, int limit); /* new numbers are lower */
void files_put(struct files *t);        /* the last one closes all; may sleep */
void files_close_exec(struct files *t); /* those with close-on-exec */

/* The file FD with a reference, or NULL. */
struct file *fd_get(struct files *t, int fd);
void file_put(struct file *f); /* => may sleep */
/* As fd_get(), but without a reference, *OWNED false, where nobody else can take
 * the number away: T is of one process, and ALONE says that it has one thread. */
static inline struct file *
fd_use(struct files *t, int fd, bool alone, bool *owned)
{
    *owned = !alone || atomic_load(&t->refs) != 1;
    if (unlikely(*owned))
        return fd_get(t, fd);
    return (unsigned)fd < (unsigned)t->size ? t->entry[fd] : NULL;
}
/* The lowest free number >= LEAST shows F, whose reference it takes over.
 * -EMFILE (the reference stays the caller's) */
int fd_install(struct files *t, int least, struct file *f, bool cloexec);
/* FD shows F (reference taken over), whatever it was before.  -EBADF */
int fd_replace(struct files *t, int fd, struct file *f, bool cloexec);
int fd_close(struct files *t, int fd); /* -EBADF; may sleep */
/* close-on-exec of FD: SET < 0 asks, else sets to SET.  -EBADF */
int fd_cloexec(struct files *t, int fd, int set);

/* OWNER, a table of files or an open file, does not use I any more: its locks of
 * ranges go.  WEAK: there are none. */
void locks_drop(struct inode *i, const void *owner);

/* Open INODE, whose reference goes over to the file unless this fails.  Calls
 * ops->open. */
int file_open(struct inode *inode, uint32_t flags, struct file **f);

/* What open files of I, a FIFO, do.  WEAK: what its inode says. */
const struct inode_ops *fifo_ops_of(const struct inode *i);

/* User memory BUF of the calling task; *POS NULL: the file's own position,
 * which moves.  A count, or a negative errno; short counts as read(2) has
 * them.  => may sleep */
long contents_read(struct file *f, uintptr_t buf, size_t n, uint64_t *pos);
long contents_write(struct file *f, uintptr_t buf, size_t n, uint64_t *pos);

#define FILE_COUNT_MAX ((size_t)INT32_MAX & ~PAGE_MASK)

/* What brings its own calls for user memory (pipes, devices) has no position. */
static inline long
file_read(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    const struct inode_ops *ops = f->ops;

    if (ops->read_user == NULL || (f->flags & O_ACCMODE) == O_WRONLY)
        return contents_read(f, buf, n, pos);
    return ops->read_user(f->inode, f, buf, MIN(n, FILE_COUNT_MAX));
}

static inline long
file_write(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    const struct inode_ops *ops = f->ops;

    if (ops->write_user == NULL || (f->flags & O_ACCMODE) == O_RDONLY)
        return contents_write(f, buf, n, pos);
    return ops->write_user(f->inode, f, buf, MIN(n, FILE_COUNT_MAX));
}

/* All that was written to F's inode is on the disk when this returns, DATA:
 * perhaps not its times; or was not: that is told to each open file once.
 * => may sleep */
int file_sync(struct file *f, bool data);

/* How long the calling process may make files (RLIMIT_FSIZE).  If it begins to write
 * at POS, and that is behind it, SIGXFSZ is on its way.  WEAK: there is no limit. */
uint64_t file_size_limit(uint64_t pos);

/* --- file_pages.c: contents by pages --- */

/* As file_read() and file_write(), of what has an object.  *POS is where it
 * begins (O_APPEND: is set), and moves. */
long pages_read(struct file *f, uintptr_t buf, size_t n, uint64_t *pos);
long pages_write(struct file *f, uintptr_t buf, size_t n, uint64_t *pos);
/* May I, which is locked, have N more bytes at POS?  0 or -EFBIG. */
int file_may_grow(struct inode *i, uint64_t pos, uint64_t n);
/* I, which is locked and has an object, was made SIZE bytes long or short: in
 * memory.  What a mapping left behind the old end is zeros. */
MUST_CHECK int pages_resize(struct inode *i, uint64_t size);

#endif
