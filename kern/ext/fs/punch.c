/* punch.c: holes in the middle of files; replaces fs_punch() of ext/syscall/sys_attr.c;
 * a first reader may skip it.
 *
 *        pos                            end
 *     |...####|########|########|########|##......|     pages
 *         zeros    hole     hole    hole  zeros
 *
 * A page that lies inside is locked, taken from whoever maps it, loses its block and
 * leaves the cache, in this order: so nobody reads the block it had, and who wants
 * it afterwards finds a hole.  Private copies stay, as they do in Linux. */
#include "fs/file.h"
#include "fs/ops.h"
#include "mm/rmap.h"
#include <errno.h>
#include <string.h>

/* The page INDEX, locked and not on its way to the disk, with a reference; it may be
 * a new one without contents. */
static int
hold_page(struct vm_object *obj, uint64_t index, struct page **page)
{
    for (;;) {
        int err = object_add(obj, index, page);

        if (err == 0)
            return 0;
        if (err != -EEXIST)
            return err;
        page_lock(*page);
        page_wait_written(*page);
        if (object_owns(obj, *page))
            return 0;
        page_unlock(*page);
        page_put(*page);
    }
}

/* As ops->next_block(); a file whose pages have nothing behind them has no blocks. */
static uint64_t
next_block(struct inode *i, uint64_t index, uint64_t end)
{
    return i->ops->next_block == NULL ? end : i->ops->next_block(i, index, end);
}

/* => I locked */
static int
punch_page(struct inode *i, uint64_t index)
{
    struct page *page;
    int err = hold_page(i->object, index, &page);

    if (err != 0)
        return err;
    page_unmap(page);
    if (i->ops->punch != NULL)
        err = i->ops->punch(i, index);
    if (err == 0 || !(atomic_load(&page->flags) & PG_UPTODATE))
        object_remove(i->object, page);
    page_unlock(page);
    page_put(page);
    return err;
}

/* Pages [INDEX, END).  => I locked */
static int
punch_pages(struct inode *i, uint64_t index, uint64_t end)
{
    int err = 0;

    while (err == 0) {
        uint64_t cached = index;
        struct page *page;
        swp_t slot;

        if (!object_next_any(i->object, &cached, &page, &slot))
            cached = end;
        cached = MIN(cached, end);
        if (page != NULL)
            page_put(page);
        index = next_block(i, index, cached);
        if (index >= end)
            break;
        err = punch_page(i, index++);
    }
    return err;
}

/* N bytes at POS, of one page, become zeros, if there is anything else.
 * => I locked */
static int
zero_part(struct inode *i, uint64_t pos, size_t n)
{
    uint64_t index = pos >> PAGE_SHIFT;
    struct page *page;
    int err;

    if (object_is_hole(i->object, index) &&
        next_block(i, index, index + 1) != index)
        return 0; /* a hole already */
    err = object_page_to_write(i->object, index, &page);
    if (err != 0)
        return err;
    memset((char *)page_to_va(page) + (pos & PAGE_MASK), 0, n);
    page_unlock(page);
    page_put(page);
    return 0;
}

/* => I locked */
static int
punch(struct inode *i, uint64_t pos, uint64_t end)
{
    uint64_t first = PAGE_UP(pos), last = PAGE_DOWN(end);
    int err = 0;

    if (end >= i->size) /* what lies behind the end are blocks without bytes */
        last = PAGE_UP(end);
    if (first < last)
        err = punch_pages(i, first >> PAGE_SHIFT, last >> PAGE_SHIFT);
    if (err == 0 && pos < first && pos < i->size)
        err = zero_part(i, pos, MIN(first, end) - pos);
    if (err == 0 && last < end && first <= last)
        err = zero_part(i, last, end - last);
    return err;
}

int
fs_punch(struct inode *i, uint64_t pos, uint64_t end)
{
    int err;

    if ((i->mode & S_IFMT) != S_IFREG)
        return (i->mode & S_IFMT) == S_IFDIR ? -EISDIR : -ENODEV;
    if (i->object == NULL || (i->ops->punch == NULL && !i->object->ops->zeros))
        return -EOPNOTSUPP;
    if (i->super != NULL && i->super->readonly)
        return -EROFS;
    mutex_lock(&i->lock);
    err = i->frozen ? -ETXTBSY : punch(i, pos, end);
    if (err == 0) {
        i->mtime = i->ctime = inode_now();
        if (i->ops->dirty != NULL)
            i->ops->dirty(i);
    }
    mutex_unlock(&i->lock);
    return err;
}
