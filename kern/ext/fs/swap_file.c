/* swap_file.c: adds swap in files of fs/sfs to ext/mm/swap_space.c; a first reader
 * may skip it.
 *
 * Where its blocks lie is looked up once; from then on what is written goes to the
 * disk past the file system, which has no lock, no journal and no memory to offer
 * when memory is short.  So the blocks must stay where they are:
 *
 *     frozen              nobody writes, cuts, or makes a hole: -ETXTBSY
 *     in memory           what was dirty is written, once, and forgotten
 *     a reference         unlinked it lives on; and the file system stays mounted
 *
 * A page that somebody was about to make dirty, when the file froze, is locked: each
 * page is waited for, and then there are no more. */
#include "ext/fs/swap_file.h"

#include "fs/sfs/impl.h"
#include "mm/kmalloc.h"
#include "mm/reclaim.h"
#include <errno.h>
#include <string.h>

/* --- nobody changes it --- */

/* 0, or -EBUSY: it is frozen. */
static int
freeze(struct inode *i, bool on)
{
    bool was;

    mutex_lock(&i->lock);
    was = i->frozen;
    atomic_store(&i->frozen, on);
    mutex_unlock(&i->lock);
    return was && on ? -EBUSY : 0;
}

/* Who asked mkwrite() before I was frozen is done. */
static void
wait_for_pages(struct vm_object *obj)
{
    struct page *page;

    for (uint64_t at = 0; (page = object_next(obj, at, false)) != NULL;) {
        at = page->index + 1;
        page_lock(page);
        page_unlock(page);
        page_put(page);
    }
}

static int
settle(struct inode *i)
{
    int err;

    wait_for_pages(i->object);
    err = object_sync(i->object, 0, UINT64_MAX, true);
    if (err == 0)
        err = sfs_sync(i, false);
    if (err == 0)
        (void)object_drop_clean(i->object);
    return err;
}

/* --- where its blocks lie --- */

/* Room for more pieces is twice what there was, or a page's worth. */
static int
add_piece(struct swap_space *s, uint64_t first, uint32_t block)
{
    enum { ROOM = PAGE_SIZE / sizeof(struct swap_piece) };

    if (s->npieces >= ROOM ? is_power_of_2(s->npieces) : s->npieces == 0) {
        size_t room = MAX(2ul * s->npieces, (size_t)ROOM) * sizeof(*s->pieces);
        struct swap_piece *more = room > KMALLOC_MAX ? NULL : kmalloc(room);

        if (more == NULL)
            return -ENOMEM;
        if (s->npieces > 0)
            memcpy(more, s->pieces, s->npieces * sizeof(*more));
        kfree(s->pieces);
        s->pieces = more;
    }
    s->pieces[s->npieces++] =
        (struct swap_piece){first, (uint64_t)block * SFS_SECTORS};
    return 0;
}

/* The piece that is open ends where the block of a page is not the next one. */
static int
find_pieces(struct swap_space *s, struct sfs_inode *si, uint64_t pages)
{
    uint32_t block[RUN_PAGES], next = 0;

    for (uint64_t at = 0; at < pages;) {
        int got =
            sfs_map(si, at, block, (unsigned)MIN(pages - at, RUN_PAGES), false);

        if (got <= 0)
            return got < 0 ? got : -EIO;
        for (int i = 0; i < got; i++, at++) {
            uint32_t b = block[i] & ~SFS_UNWRITTEN;
            int err = b == 0                 ? -EINVAL
                      : at == 0 || b != next ? add_piece(s, at, b)
                                             : 0;

            if (err != 0)
                return err;
            next = b + 1;
        }
    }
    return 0;
}

/* --- on and off --- */

static void
file_end(struct swap_space *s)
{
    struct inode *i = s->host;

    (void)freeze(i, false);
    inode_put(i);
    kfree(s->pieces);
    kfree(s);
}

static int
use_file(struct swap_space *s, struct inode *i, int priority)
{
    uint64_t pages = i->size / PAGE_SIZE;
    int err = settle(i);

    if (err == 0)
        err = find_pieces(s, sfs_inode(i), pages);
    return err == 0 ? swap_space_on(s, pages, priority) : err;
}

int
swap_on_file(struct inode *i, const char *name, int priority)
{
    struct swap_space *s;
    int err;

    if (i->object == NULL || i->object->ops != &sfs_pager)
        return -EINVAL;
    if (atomic_load(&i->super->readonly))
        return -EROFS;
    s = kzalloc(sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    err = freeze(i, true);
    if (err != 0) {
        kfree(s);
        return err;
    }
    inode_get(i);
    s->type = "file";
    s->key = s->host = i;
    s->disk = sfs_of(i)->dev;
    s->end = file_end;
    strlcpy(s->name, name, sizeof(s->name));
    err = use_file(s, i, priority);
    if (err != 0)
        file_end(s);
    return err;
}
