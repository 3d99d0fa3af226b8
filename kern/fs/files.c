/* files.c: the table that numbers open files.
 *
 *     entry   0   1   2   3   4 ...            a struct file, or NULL
 *     used    1   1   1   0   1                one bit each, so the lowest free
 *     exec    0   0   0   0   1                number is found a word at a time
 *
 * The table grows by doubling; a reader takes a reference under the lock, so
 * that close() by another thread cannot pull the file away. */
#include "fs/file.h"

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

#define FIRST_SIZE 64

static bool
bit(const uint64_t *set, int i)
{
    return set[i / 64] >> (i % 64) & 1;
}

static void
set_bit(uint64_t *set, int i, bool on)
{
    set[i / 64] = (set[i / 64] & ~(1ul << (i % 64))) | (uint64_t)on << (i % 64);
}

/* The lowest number >= I that shows a file, or t->size. */
static int
next_used(const struct files *t, int i)
{
    for (; i < t->size; i = (i / 64 + 1) * 64) {
        uint64_t left = t->used[i / 64] >> (i % 64);

        if (left != 0)
            return i + __builtin_ctzl(left);
    }
    return t->size;
}

static struct file **
entries(int size)
{
    return fail_now(FAIL_FILE) ? NULL
                               : kzalloc((size_t)size * sizeof(struct file *));
}

struct files *
files_create(void)
{
    struct files *t = fail_now(FAIL_FILE) ? NULL : kzalloc(sizeof(*t));

    if (t == NULL)
        return NULL;
    t->entry = entries(FIRST_SIZE);
    if (t->entry == NULL) {
        kfree(t);
        return NULL;
    }
    spin_init(&t->lock, RANK_PROCESS);
    t->refs = 1;
    t->limit = NOFILE_MAX;
    t->size = FIRST_SIZE;
    return t;
}

/* Make room for number FD.  => T locked, which is dropped for a while */
static int
grow(struct files *t, int fd)
{
    struct file **fresh, **old;
    int size = t->size;

    while (size <= fd)
        size *= 2;
    spin_unlock(&t->lock);
    fresh = entries(size);
    spin_lock(&t->lock);
    if (fresh == NULL)
        return -ENOMEM;
    if (size <= t->size) { /* somebody else did */
        old = fresh;
    } else {
        old = t->entry;
        memcpy(fresh, old, (size_t)t->size * sizeof(*fresh));
        t->entry = fresh;
        t->size = size;
    }
    kfree(old);
    return 0;
}

struct files *
files_copy(struct files *t)
{
    struct files *copy = files_create();
    int err = 0;

    if (copy == NULL)
        return NULL;
    spin_lock(&t->lock);
    while (copy->size < t->size && err == 0) {
        int want = t->size - 1;

        spin_unlock(&t->lock);
        spin_lock(&copy->lock);
        err = grow(copy, want);
        spin_unlock(&copy->lock);
        spin_lock(&t->lock);
    }
    for (int i = next_used(t, 0); err == 0 && i < t->size;
         i = next_used(t, i + 1)) {
        copy->entry[i] = t->entry[i];
        atomic_add(&t->entry[i]->refs, 1);
    }
    for (int i = 0; i < t->size / 64; i++) {
        copy->used[i] = t->used[i];
        copy->exec[i] = t->exec[i];
    }
    copy->limit = atomic_load(&t->limit);
    copy->hint = t->hint;
    spin_unlock(&t->lock);
    if (err == 0)
        return copy;
    kfree(copy->entry);
    kfree(copy);
    return NULL;
}

void
files_limit(struct files *t, int limit)
{
    atomic_store(&t->limit, MIN(limit, NOFILE_MAX));
}

void
files_get(struct files *t)
{
    atomic_add(&t->refs, 1);
}

struct files *
files_unshared(struct files *t)
{
    if (atomic_load(&t->refs) > 1)
        return files_copy(t);
    files_get(t);
    return t;
}

/* F is out of T. */
static void
drop(struct files *t, struct file *f)
{
    if (!list_empty(&f->inode->locks))
        locks_drop(f->inode, t);
    file_put(f);
}

void
files_put(struct files *t)
{
    if (atomic_add_acq_rel(&t->refs, -1) != 1)
        return;
    for (int i = next_used(t, 0); i < t->size; i = next_used(t, i + 1))
        drop(t, t->entry[i]);
    kfree(t->entry);
    kfree(t);
}

/* Take out what FD shows, or NULL.  => T locked */
static inline struct file *
take(struct files *t, int fd)
{
    struct file *f = fd >= 0 && fd < t->size ? t->entry[fd] : NULL;

    if (f == NULL)
        return NULL;
    t->entry[fd] = NULL;
    t->used[fd / 64] &= ~(1ul << (fd % 64));
    t->exec[fd / 64] &= ~(1ul << (fd % 64));
    t->hint = MIN(t->hint, fd);
    return f;
}

void
files_close_exec(struct files *t)
{
    for (int i = 0; i < NOFILE_MAX; i++) {
        struct file *f = NULL;

        if (t->exec[i / 64] == 0) { /* nobody else opens files now */
            i |= 63;
            continue;
        }
        spin_lock(&t->lock);
        if (bit(t->exec, i))
            f = take(t, i);
        spin_unlock(&t->lock);
        if (f != NULL)
            drop(t, f);
    }
}

struct file *
fd_get(struct files *t, int fd)
{
    struct file *f;

    spin_lock(&t->lock);
    f = fd >= 0 && fd < t->size ? t->entry[fd] : NULL;
    if (f != NULL)
        atomic_add(&f->refs, 1);
    spin_unlock(&t->lock);
    return f;
}

/* The lowest free number >= LEAST, or NOFILE_MAX. */
static int
lowest_free(const struct files *t, int least)
{
    for (int i = least; i < NOFILE_MAX; i = (i / 64 + 1) * 64) {
        uint64_t free = ~t->used[i / 64] >> (i % 64);

        if (free != 0)
            return i + __builtin_ctzl(free);
    }
    return NOFILE_MAX;
}

static inline void
put_in(struct files *t, int fd, struct file *f, bool cloexec)
{
    uint64_t b = 1ul << (fd % 64);

    t->entry[fd] = f;
    t->used[fd / 64] |= b;
    t->exec[fd / 64] = (t->exec[fd / 64] & ~b) | (cloexec ? b : 0);
    if (fd == t->hint)
        t->hint++;
}

/* fd_install() where the number is not the one that is expected.  => T locked,
 * which may be dropped for a while */
static NOINLINE int
install_elsewhere(struct files *t, int least, struct file *f, bool cloexec)
{
    int fd, err = 0, limit = atomic_load(&t->limit);

    while ((fd = lowest_free(t, least)) >= t->size && fd < limit && err == 0)
        err = grow(t, fd);
    if (fd >= limit)
        err = -EMFILE;
    if (least <= t->hint)
        t->hint = fd;
    if (err == 0)
        put_in(t, fd, f, cloexec);
    return err == 0 ? fd : err;
}

int
fd_install(struct files *t, int least, struct file *f, bool cloexec)
{
    int fd, limit = atomic_load(&t->limit);

    if (least < 0 || (least > 0 && least >= limit))
        return -EINVAL;
    spin_lock(&t->lock);
    fd = t->hint;
    if (least <= fd && fd < MIN(limit, t->size) && t->entry[fd] == NULL)
        put_in(t, fd, f, cloexec);
    else
        fd = install_elsewhere(t, least, f, cloexec);
    spin_unlock(&t->lock);
    return fd;
}

int
fd_replace(struct files *t, int fd, struct file *f, bool cloexec)
{
    struct file *old = NULL;
    int err = 0;

    if (fd < 0 || fd >= atomic_load(&t->limit))
        return -EBADF;
    spin_lock(&t->lock);
    while (fd >= t->size && err == 0)
        err = grow(t, fd);
    if (err == 0) {
        old = take(t, fd);
        put_in(t, fd, f, cloexec);
    }
    spin_unlock(&t->lock);
    if (old != NULL)
        drop(t, old);
    return err == 0 ? fd : err;
}

int
fd_close(struct files *t, int fd)
{
    struct file *f;

    spin_lock(&t->lock);
    f = take(t, fd);
    spin_unlock(&t->lock);
    if (f == NULL)
        return -EBADF;
    drop(t, f);
    return 0;
}

int
fd_cloexec(struct files *t, int fd, int set)
{
    int r = -EBADF;

    spin_lock(&t->lock);
    if (fd >= 0 && fd < t->size && t->entry[fd] != NULL) {
        r = bit(t->exec, fd);
        if (set >= 0)
            set_bit(t->exec, fd, set != 0);
    }
    spin_unlock(&t->lock);
    return r;
}
