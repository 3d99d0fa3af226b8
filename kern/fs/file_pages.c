/* file_pages.c: reading and writing the pages of a file, which are the same that
 * mappings show.
 *
 * A reader takes no lock: it sees every byte as somebody wrote it, and of two
 * writes at once perhaps a part of each.  Writers take turns (the inode's lock), a
 * page at a time:
 *
 *     lock the page, have it filled unless all of it is overwritten
 *     mkwrite                 room on the disk, or -ENOSPC
 *     copy, without faults    the user's page may be this very one, which we hold
 *     longer than before?     then the size grows, before the page is unlocked:
 *                             write-back takes what is behind the end for zeros
 *     came short: unlock, touch the user's page, again
 *
 * A page of which all is overwritten and that is not in memory shows nobody what
 * is in it until it is whole: so it is copied to first, and if that comes short
 * it is dropped. */
#include "fs/file.h"

#include "mm/reclaim.h"
#include "mm/uaccess.h"
#include "mm/writeback.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

WEAK uint64_t
file_size_limit(uint64_t pos)
{
    return UINT64_MAX;
}

/* --- reading --- */

/* LEN bytes of page INDEX from AT on to BUF: how many were left, or an error. */
static long
read_page(struct file *f, uint64_t index, size_t at, uintptr_t buf, size_t len)
{
    struct vm_object *obj = f->inode->object;
    struct page *page = object_find(obj, index);
    char *data;
    size_t left;

    if (likely(page != NULL && (atomic_load(&page->flags) & PG_UPTODATE) &&
               !readahead_due(&f->ahead, index))) {
        data = page_to_va(page);
    } else if (page == NULL && obj->ops->zeros && object_is_hole(obj, index)) {
        return (long)clear_user(buf, len);
    } else {
        int err;

        if (page != NULL)
            page_put(page);
        err = object_page_ahead(obj, index, &f->ahead, &page, &data);
        if (err != 0)
            return err;
    }
    left = copy_to_user(buf, data + at, len);
    if (page != NULL)
        page_put(page);
    return (long)left;
}

long
pages_read(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    struct vm_object *obj = f->inode->object;
    uint64_t size = atomic_load(&obj->size);
    size_t done = 0;

    n = *pos >= size ? 0 : MIN(n, size - *pos);
    while (done < n && !thread_wanted(done)) {
        size_t at = *pos & PAGE_MASK, len = MIN(n - done, PAGE_SIZE - at);
        long left;

        memory_wait();
        left = read_page(f, *pos >> PAGE_SHIFT, at, buf + done, len);

        if (left == -ENODATA) /* cut meanwhile */
            break;
        if (left < 0)
            return done > 0 ? (long)done : left;
        done += len - (size_t)left;
        *pos += len - (size_t)left;
        if (left != 0)
            return done > 0 ? (long)done : -EFAULT;
    }
    return (long)done;
}

/* --- writing --- */

/* What is to be written to one page. */
struct piece {
    struct inode *inode;
    uint64_t index;
    size_t at, len;
    size_t readable; /* bytes that could be fetched; COPIED may be less: 0 */
    size_t copied;
    uintptr_t buf;
};

/* Is there anything of the file in the page beside what is overwritten? */
static bool
covers(const struct piece *p)
{
    uint64_t start = p->index << PAGE_SHIFT, size = p->inode->size;

    return p->at == 0 && (p->len == PAGE_SIZE || start + p->len >= size);
}

/* The page of INDEX, locked, with a reference; perhaps not up to date. */
static int
locked_page(struct vm_object *obj, uint64_t index, struct page **page)
{
    for (;;) {
        int err;

        *page = object_find(obj, index);
        if (*page == NULL) {
            err = object_add(obj, index, page);
            if (err != -EEXIST)
                return err;
        }
        page_lock(*page);
        if (object_owns(obj, *page)) {
            page_touch(*page);
            return 0;
        }
        page_unlock(*page);
        page_put(*page);
    }
}

static void
copy_in(struct piece *p, struct page *page)
{
    /* LAB 7.7: bytes of the program at P->buf go into PAGE, from P->at on.
     *
     * The page is locked, so the copy must not wait for another page: between
     * nofault_begin() and nofault_end() copy_from_user_part() stops where the
     * program's page is not there, and returns how many bytes are left. Say in
     * p->copied and p->readable how many came; the caller brings the program's
     * page in and tries again. */
    char *to = (char *)page_to_va(page) + p->at;

    nofault_begin();
    p->copied = p->len - copy_from_user_part(to, p->buf, p->len);
    p->readable = p->copied;
    nofault_end();
    /* STUB: p->copied = p->readable = p->len; */
    /* END 7.7 */
}

/* PAGE, which is locked, is going to be written to. */
static int
make_writable(struct vm_object *obj, struct page *page)
{
    int err = 0;

    if (atomic_load(&page->flags) & PG_DIRTY)
        return 0;
    page_wait_written(page);
    if (obj->ops->mkwrite != NULL)
        err = obj->ops->mkwrite(obj, page->index, page);
    if (err == 0)
        object_set_dirty(obj, page);
    return err;
}

/* Nothing of the file but what P brings is in PAGE, which is locked. */
static int
write_whole(struct piece *p, struct page *page)
{
    struct vm_object *obj = p->inode->object;
    char *data = page_to_va(page);
    int err = 0;

    copy_in(p, page);
    if (p->copied == p->len) {
        memset(data + p->len, 0, PAGE_SIZE - p->len);
        err = make_writable(obj, page);
    }
    if (err == 0 && p->copied == p->len)
        atomic_or(&page->flags, PG_UPTODATE);
    else
        object_back_out(obj, page);
    if (err != 0 || p->copied < p->len)
        p->copied = 0;
    return err;
}

/* Some of the page stays, or somebody may see it already. */
static int
write_part(struct piece *p, struct page *page)
{
    /* LAB 7.8: write P into PAGE, of which some bytes stay as they are.
     *
     * So the page must be up to date before: one behind the end of the file
     * (object_pages()) is all zeros, others object_fill() reads. It may have
     * been thrown out while that took its time: return 0 with p->copied 0 and
     * the caller tries again. Then make_writable() (on a disk there may be no
     * room), and only then copy_in(). A page that was added behind the end and
     * could not be written goes again: object_remove(). */
    struct vm_object *obj = p->inode->object;
    int err = 0;

    if (!(atomic_load(&page->flags) & PG_UPTODATE)) {
        if (p->index >= object_pages(obj)) {
            memset(page_to_va(page), 0, PAGE_SIZE);
            atomic_or(&page->flags, PG_UPTODATE);
        } else {
            err = object_fill(obj, page);
        }
    }
    if (err == 0 && !object_owns(obj, page))
        return 0; /* again */
    if (err == 0)
        err = make_writable(obj, page);
    if (err == 0)
        copy_in(p, page);
    else if (p->index >= object_pages(obj) && object_owns(obj, page))
        object_remove(obj, page);
    return err;
    /* STUB: return -EIO; */
    /* END 7.8 */
}

/* P->copied says how much went; less than all: the user's page is not there, or
 * ours was thrown out. */
static int
write_page(struct piece *p)
{
    struct inode *i = p->inode;
    uint64_t end;
    struct page *page;
    int err = locked_page(i->object, p->index, &page);

    p->copied = 0;
    if (err != 0)
        return err;
    if (!(atomic_load(&page->flags) & PG_UPTODATE) && covers(p))
        err = write_whole(p, page);
    else
        err = write_part(p, page);
    end = (p->index << PAGE_SHIFT) + p->at + p->copied;
    if (p->copied > 0 && end > i->size) {
        i->size = end;
        atomic_store(&i->object->size, end);
    }
    page_unlock(page);
    page_put(page);
    return err;
}

/* Bring the user's page: 0 or -EFAULT. */
static int
touch(uintptr_t buf)
{
    char byte;

    return copy_from_user(&byte, buf, 1) != 0 ? -EFAULT : 0;
}

/* Times that a writer without memory asks for some. */
#define WRITE_TRIES 8

/* N bytes at *POS, which moves.  => I locked */
static long
write_pieces(struct inode *i, uintptr_t buf, size_t n, uint64_t *pos)
{
    size_t done = 0;
    unsigned tries = 0;
    int err = 0;

    while (done < n && err == 0 && !thread_wanted(done)) {
        size_t at = *pos & PAGE_MASK;
        struct piece p = {.inode = i,
                          .index = *pos >> PAGE_SHIFT,
                          .at = at,
                          .len = MIN(n - done, PAGE_SIZE - at),
                          .buf = buf + done};

        memory_wait();
        err = write_page(&p);
        if (err == -ENOMEM && tries++ < WRITE_TRIES && reclaim(0) > 0)
            err = 0;
        if (err == 0 && p.copied < p.len && touch(p.buf + p.readable) != 0) {
            n = done + p.readable; /* no more than that can be had */
            err = n == done || p.copied > 0 ? -EFAULT : 0;
        }
        done += p.copied;
        *pos += p.copied;
    }
    return done > 0 ? (long)done : err;
}

/* What lies behind the end in the last page, which a mapping may have written
 * to, becomes zeros, because it will be of the file. */
static void
clear_tail(struct inode *i)
{
    size_t at = i->size & PAGE_MASK;
    struct page *page =
        at == 0 ? NULL : object_find(i->object, i->size >> PAGE_SHIFT);

    if (page == NULL)
        return;
    page_lock(page);
    if (object_owns(i->object, page) &&
        (atomic_load(&page->flags) & PG_UPTODATE))
        memset((char *)page_to_va(page) + at, 0, PAGE_SIZE - at);
    page_unlock(page);
    page_put(page);
}

int
pages_resize(struct inode *i, uint64_t size)
{
    int err = object_truncate(i->object, size);

    if (err == 0)
        i->size = size;
    return err;
}

/* How many of N bytes at POS the file may have, or -EFBIG. */
static long
room(struct inode *i, uint64_t pos, size_t n)
{
    uint64_t max = i->super != NULL && i->super->max_size != 0
                       ? i->super->max_size
                       : (uint64_t)INT64_MAX;
    uint64_t limit = file_size_limit(pos);

    max = MIN(max, limit);
    return pos >= max ? -EFBIG : (long)MIN(n, max - pos);
}

int
file_may_grow(struct inode *i, uint64_t pos, uint64_t n)
{
    return n == 0 ? 0 : (int)MIN(room(i, pos + n - 1, 1), 0); /* all, or none */
}

long
pages_write(struct file *f, uintptr_t buf, size_t n, uint64_t *pos)
{
    struct inode *i = f->inode;
    long r = 0;

    if (n == 0)
        return 0;
    mutex_lock(&i->lock);
    if (f->flags & O_APPEND)
        *pos = i->size;
    r = room(i, *pos, n);
    if (r > 0 && *pos > i->size)
        clear_tail(i);
    if (r > 0)
        r = write_pieces(i, buf, (size_t)r, pos);
    if (r > 0) {
        i->mtime = i->ctime = inode_now();
        if (i->ops->dirty != NULL)
            i->ops->dirty(i);
    }
    mutex_unlock(&i->lock);
    if (r > 0)
        balance_dirty(i->object);
    if (r > 0 && (f->flags & O_DSYNC)) {
        int err = file_sync(f, !(f->flags & O_SYNC & ~O_DSYNC));

        r = err != 0 ? err : r;
    }
    return r;
}

int
file_sync(struct file *f, bool data)
{
    struct inode *i = f->inode;
    int err = 0, wrong = 0;

    if (i->object != NULL && i->object->ops->page_out != NULL) {
        (void)object_sync(i->object, 0, UINT64_MAX, true);
        wrong = object_error_since(i->object, &f->err_seen);
    }
    if (i->ops->sync != NULL)
        err = i->ops->sync(i, data);
    return wrong != 0 ? wrong : err;
}
