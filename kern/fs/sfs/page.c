/* page.c: pages of files, from and to the disk.
 *
 * A run of pages becomes as many requests as its blocks have pieces.  A request ends
 * where no memory may be freed (in an interrupt): each file system has a pool.
 *
 * What a block has behind the end of its file is zeros: page_out() sees to it, so
 * a file that grows, or a crash, shows nothing else there. */
#include "fs/sfs/impl.h"

#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include <atomic.h>
#include <string.h>

/* --- requests --- */

int
sfs_io_start(struct sfs *fs)
{
    fs->io_pool = kzalloc(SFS_IOS * sizeof(*fs->io_pool));
    list_init(&fs->ios);
    if (fs->io_pool == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < SFS_IOS; i++) {
        fs->io_pool[i].fs = fs;
        list_add(&fs->ios, &fs->io_pool[i].link);
    }
    return 0;
}

void
sfs_io_stop(struct sfs *fs)
{
    kfree(fs->io_pool);
}

static struct sfs_io *
io_get(struct sfs *fs, struct vm_object *obj, struct sfs_batch *b)
{
    struct sfs_io *io;

    spin_lock(&fs->wq.lock);
    while (list_empty(&fs->ios))
        wait_sleep(&fs->wq);
    io = list_first(&fs->ios, struct sfs_io, link);
    list_del(&io->link);
    if (b != NULL)
        b->pending++;
    spin_unlock(&fs->wq.lock);
    io->obj = obj;
    io->batch = b;
    return io;
}

/* Perhaps in an interrupt. */
static void
io_done(struct blk_request *r, int err)
{
    struct sfs_io *io = r->arg;
    struct sfs *fs = io->fs;

    for (unsigned i = 0; io->obj != NULL && i < r->nsegs; i++) {
        struct page *page = pa_to_page(io->segs[i].pa);

        if (r->op == BLK_READ)
            object_filled(io->obj, page, err);
        else
            object_written(io->obj, page, err);
    }
    spin_lock(&fs->wq.lock);
    if (io->batch != NULL) {
        io->batch->pending--;
        if (io->batch->err == 0)
            io->batch->err = err;
    }
    list_add(&fs->ios, &io->link);
    wait_wake_all(&fs->wq);
    spin_unlock(&fs->wq.lock);
}

/* N pages that lie at BLOCK and after, of OBJ or for BATCH. */
static void
io_submit(struct sfs *fs, struct vm_object *obj, struct sfs_batch *b,
          enum blk_op op, uint32_t block, struct page **pages, unsigned n)
{
    while (n > 0) {
        unsigned now = MIN(n, MIN(SFS_IO_SEGS, fs->dev->max_segs));
        struct sfs_io *io = io_get(fs, obj, b);

        for (unsigned i = 0; i < now; i++)
            io->segs[i] = (struct blk_seg){page_to_pa(pages[i]), SFS_BLOCK};
        io->r = (struct blk_request){.op = op,
                                     .sector = (uint64_t)block * SFS_SECTORS,
                                     .segs = io->segs,
                                     .nsegs = now,
                                     .done = io_done,
                                     .arg = io};
        blk_submit(fs->dev, &io->r);
        pages += now;
        block += now;
        n -= now;
    }
}

void
sfs_io_pages(struct sfs *fs, struct sfs_batch *b, enum blk_op op,
             uint32_t block, struct page **pages, unsigned n)
{
    io_submit(fs, NULL, b, op, block, pages, n);
}

int
sfs_io_wait(struct sfs *fs, struct sfs_batch *b)
{
    spin_lock(&fs->wq.lock);
    while (b->pending > 0)
        wait_sleep(&fs->wq);
    spin_unlock(&fs->wq.lock);
    return b->err;
}

/* --- runs of pages --- */

static struct sfs_inode *
of_object(struct vm_object *obj)
{
    return container_of(obj, struct sfs_inode, object);
}

static void
end_page(struct vm_object *obj, enum blk_op op, struct page *page, int err)
{
    if (op == BLK_WRITE) {
        object_written(obj, page, err);
        return;
    }
    if (err == 0)
        page_zero(page_to_va(page));
    object_filled(obj, page, err);
}

/* N pages whose numbers are BLOCK: a request for each piece. */
static void
transfer(struct vm_object *obj, enum blk_op op, const uint32_t *block,
         struct page **pages, unsigned n)
{
    struct sfs *fs = sfs_of(&of_object(obj)->inode);
    unsigned len;

    for (unsigned i = 0; i < n; i += len) {
        for (len = 1; i + len < n && block[i + len] == block[i] + len;)
            len++;
        if (sfs_placed(block[i])) {
            io_submit(fs, obj, NULL, op, block[i], pages + i, len);
            continue;
        }
        len = 1; /* a hole; mkwrite() leaves none to be written */
        end_page(obj, op, pages[i], op == BLK_WRITE ? -EIO : 0);
    }
}

static void
run(struct vm_object *obj, enum blk_op op, uint64_t index, struct page **pages,
    unsigned n)
{
    uint32_t block[RUN_PAGES];

    for (unsigned i = 0; i < n;) {
        int got = sfs_map(of_object(obj), index + i, block, n - i, false);

        if (got > 0) {
            transfer(obj, op, block, pages + i, (unsigned)got);
            i += (unsigned)got;
        } else {
            end_page(obj, op, pages[i++], got);
        }
    }
}

static void
sfs_read_run(struct vm_object *obj, uint64_t index, struct page **pages,
             unsigned n)
{
    run(obj, BLK_READ, index, pages, n);
}

static void
sfs_page_out(struct vm_object *obj, uint64_t index, struct page **pages,
             unsigned n)
{
    uint64_t size = atomic_load(&obj->size), end = (index + n) << PAGE_SHIFT;

    for (unsigned i = n; i-- > 0 && end > size; end -= PAGE_SIZE) {
        uint64_t start = (index + i) << PAGE_SHIFT;
        size_t keep = size > start ? size - start : 0;

        memset((char *)page_to_va(pages[i]) + keep, 0, PAGE_SIZE - keep);
    }
    run(obj, BLK_WRITE, index, pages, n);
}

/* The page gets its block, and is dirty before a commit can say so. */
static int
reserve(struct sfs_inode *si, uint64_t index, struct page *page)
{
    struct sfs_handle h;
    int err = journal_begin(&h, sfs_of(&si->inode), SFS_MAP_CREDITS);

    if (err != 0)
        return err;
    err = sfs_map_add(&h, si, index, false);
    if (err == 0)
        object_set_dirty(&si->object, page);
    journal_end(&h);
    return err;
}

static bool
read_only(struct sfs *fs)
{
    return fs->super.readonly || atomic_load(&fs->broken) != 0;
}

/* Who wants to know holds the page's lock: its block stays, as pages that are cut
 * off leave the cache first. */
static bool
sfs_reserved(struct vm_object *obj, uint64_t index)
{
    struct sfs_inode *si = of_object(obj);
    uint64_t placed = atomic_load(&si->placed);

    return index >= (uint32_t)placed && index < placed >> 32 &&
           !read_only(sfs_of(&si->inode)) && !atomic_load(&si->inode.frozen);
}

static int
sfs_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct sfs_inode *si = of_object(obj);
    struct sfs *fs = sfs_of(&si->inode);
    uint32_t block[RUN_PAGES];
    int err;

    if (read_only(fs))
        return -EROFS;
    if (atomic_load(&si->inode.frozen))
        return -ETXTBSY;
    /* Only who holds the inode's lock writes behind the end. */
    err = index >= object_pages(obj) ? sfs_finish_cut(si) : 0;
    if (err == 0)
        err = sfs_map(si, index, block, 1, false);
    if (err < 0)
        return err;
    if (sfs_placed(block[0])) {
        (void)sfs_map(si, index, block, RUN_PAGES, true); /* sfs_reserved() */
        return 0;
    }
    if (fail_now(FAIL_ROOM))
        return -ENOSPC;
    err = reserve(si, index, page);
    if (err == -ENOSPC && journal_reclaim(fs) == 0)
        err = reserve(si, index, page);
    return err;
}

/* The blocks of what msync() has written, and the size, are in the journal. */
static int
sfs_pager_sync(struct vm_object *obj)
{
    return sfs_sync(&of_object(obj)->inode, true);
}

static void
sfs_pager_release(struct vm_object *obj)
{
    sfs_inode_end(&of_object(obj)->inode);
}

const struct pager_ops sfs_pager = {.name = "sfs",
                                    .read_run = sfs_read_run,
                                    .page_out = sfs_page_out,
                                    .mkwrite = sfs_mkwrite,
                                    .reserved = sfs_reserved,
                                    .sync = sfs_pager_sync,
                                    .pin = inode_pin,
                                    .unpin = inode_unpin,
                                    .release = sfs_pager_release};

/* PAGE, with a reference, is to be written with a run: it is locked then.  One that
 * is clean and locked may wait for a handle, so nobody waits for it here. */
static bool
lock_dirty(struct sfs_inode *si, struct page *page)
{
    if (!(atomic_load(&page->flags) & PG_DIRTY))
        return false;
    page_lock(page);
    page_wait_written(page);
    if (object_owns(&si->object, page) &&
        (atomic_load(&page->flags) & PG_DIRTY))
        return true;
    page_unlock(page);
    return false;
}

static void
write_run(struct sfs_inode *si, struct page **run, unsigned n)
{
    if (n > 0)
        object_write_run(&si->object, run, n);
    for (unsigned i = 0; i < n; i++) {
        page_wait_written(run[i]);
        object_settle(&si->object, run[i]);
        page_put(run[i]);
    }
}

/* Not object_sync(): that waits for clean pages, too, if they were dirty before. */
int
sfs_write_new(struct sfs_inode *si, uint64_t from, uint64_t to)
{
    uint32_t seen = atomic_load(&si->object.err_seq);
    struct page *run[RUN_PAGES], *page;
    unsigned n = 0;

    while ((page = object_next(&si->object, from, true)) != NULL) {
        bool inside = page->index < to;
        bool dirty = inside && lock_dirty(si, page);

        if (n > 0 && (!dirty || n == RUN_PAGES || page->index != from)) {
            write_run(si, run, n);
            n = 0;
        }
        from = page->index + 1;
        if (dirty) {
            run[n++] = page;
            continue;
        }
        if (inside) {
            page_wait_written(page);
            object_settle(&si->object, page);
        }
        page_put(page);
        if (!inside)
            break;
    }
    write_run(si, run, n);
    return object_error_since(&si->object, &seen);
}

/* --- the size of a file --- */

/* Store the size, and remember (or not) that the rest is still to be cut. */
static int
store_size(struct sfs_inode *si, uint64_t size, bool cutting)
{
    struct sfs_handle h;
    int err = journal_begin(&h, sfs_of(&si->inode), 1);

    if (err != 0)
        return err;
    si->inode.size = size;
    atomic_store(&si->object.size, size);
    err = sfs_store(&h, si);
    sfs_orphan(si, cutting);
    if ((size & PAGE_MASK) != 0)
        sfs_note_new(si, size >> PAGE_SHIFT);
    journal_end(&h);
    return err;
}

int
sfs_truncate(struct inode *i, uint64_t size)
{
    struct sfs_inode *si = sfs_inode(i);
    uint64_t from = (size + PAGE_MASK) >> PAGE_SHIFT;
    bool some = si->d->nblocks > 0;
    int err;

    if (from > SFS_MAX_PAGES)
        return -EFBIG;
    err = sfs_finish_cut(si);
    if (err == 0)
        err = store_size(si, size, some);
    if (err != 0 || !some)
        return err;
    err = sfs_map_cut(si, from);
    /* What could not be cut stays on the list: after a crash it is tried again. */
    return err != 0 ? err : store_size(si, size, false);
}

int
sfs_allocate(struct inode *i, uint64_t pos, uint64_t end)
{
    struct sfs_inode *si = sfs_inode(i);
    struct sfs *fs = sfs_of(i);
    uint64_t index = pos >> PAGE_SHIFT;
    uint64_t to = (end + PAGE_MASK) >> PAGE_SHIFT;
    struct sfs_handle h = {0};
    int err;

    if (to > SFS_MAX_PAGES)
        return -EFBIG;
    if (to - index > atomic_load(&fs->sb->free_blocks) + si->d->nblocks)
        return -ENOSPC;
    err = sfs_finish_cut(si);
    if (err == 0)
        err = journal_begin(&h, fs, SFS_MAP_CREDITS);
    for (; err == 0 && index < to; index++)
        err = sfs_map_add(&h, si, index, true);
    journal_end(&h);
    return err;
}
