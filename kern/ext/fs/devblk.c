/* devblk.c: adds the disks to /dev; a first reader may skip it.
 *
 * A disk as a file is an object like every other file's, whose pager asks the
 * queue for runs: so it can be read, written and mapped.  A file system on the
 * same disk has pages of its own: who writes here to what is mounted there, loses.
 * What is written goes to the disk when the last open file goes, by fsync(), and
 * by the ioctl BLKFLSBUF.  Sectors behind the last whole page are not shown. */
#include "driver/blk.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"
#include <errno.h>
#include <string.h>

#define PER_PAGE (PAGE_SIZE / SECTOR_SIZE)

struct disk_file {
    struct vm_object object;
    struct blkdev *dev;
};

/* --- runs of pages --- */

struct run {
    struct blk_request r;
    struct vm_object *object;
    struct blk_seg segs[];
};

static void
end_page(struct vm_object *obj, enum blk_op op, struct page *page, int err)
{
    if (op == BLK_READ)
        object_filled(obj, page, err);
    else
        object_written(obj, page, err);
}

static void
run_done(struct blk_request *r, int err)
{
    struct run *run = container_of(r, struct run, r);

    for (unsigned i = 0; i < r->nsegs; i++)
        end_page(run->object, r->op, pa_to_page(run->segs[i].pa),
                 err == 0 ? 0 : -EIO);
    kfree(run);
}

static void
start_run(struct vm_object *obj, enum blk_op op, uint64_t index,
          struct page **pages, unsigned n)
{
    struct disk_file *f = obj->host;
    struct run *run = kmalloc(sizeof(*run) + n * sizeof(run->segs[0]));

    if (run == NULL) {
        for (unsigned i = 0; i < n; i++)
            end_page(obj, op, pages[i], -ENOMEM);
        return;
    }
    run->object = obj;
    for (unsigned i = 0; i < n; i++)
        run->segs[i] = (struct blk_seg){page_to_pa(pages[i]), PAGE_SIZE};
    run->r = (struct blk_request){.op = op,
                                  .sector = index * PER_PAGE,
                                  .segs = run->segs,
                                  .nsegs = n,
                                  .done = run_done};
    blk_add(f->dev, &run->r);
}

static void
start_runs(struct vm_object *obj, enum blk_op op, uint64_t index,
           struct page **pages, unsigned n)
{
    struct disk_file *f = obj->host;
    unsigned max = f->dev->max_segs;

    for (unsigned at = 0; at < n; at += max)
        start_run(obj, op, index + at, pages + at, MIN(n - at, max));
    blk_kick(f->dev);
}

static void
disk_read_run(struct vm_object *obj, uint64_t index, struct page **pages,
              unsigned n)
{
    start_runs(obj, BLK_READ, index, pages, n);
}

static void
disk_page_out(struct vm_object *obj, uint64_t index, struct page **pages,
              unsigned n)
{
    start_runs(obj, BLK_WRITE, index, pages, n);
}

static int
disk_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct disk_file *f = obj->host;

    if (f->dev->readonly)
        return -EROFS;
    return index >= object_pages(obj) ? -ENOSPC : 0;
}

static const struct pager_ops disk_pager = {.name = "disk",
                                            .read_run = disk_read_run,
                                            .page_out = disk_page_out,
                                            .mkwrite = disk_mkwrite};

/* --- the file --- */

/* Page INDEX, locked, with a reference, if it is dirty and not on its way; else
 * NULL. */
static struct page *
dirty_page(struct vm_object *obj, uint64_t index)
{
    struct page *page = object_find(obj, index);

    if (page == NULL)
        return NULL;
    if (atomic_load(&page->flags) & (PG_DIRTY | PG_WRITEBACK)) {
        page_lock(page);
        page_wait_written(page);
        if (object_owns(obj, page) && (atomic_load(&page->flags) & PG_DIRTY))
            return page;
        page_unlock(page);
    }
    page_put(page);
    return NULL;
}

/* Write the N pages of RUN, and wait for that. */
static void
write_run(struct vm_object *obj, struct page **run, unsigned n)
{
    if (n == 0)
        return;
    object_write_run(obj, run, n);
    for (unsigned i = 0; i < n; i++) {
        page_lock(run[i]);
        page_wait_written(run[i]);
        page_unlock(run[i]);
        page_put(run[i]);
    }
}

static void
write_all(struct vm_object *obj)
{
    struct page *run[RUN_PAGES], *page;
    unsigned n = 0;

    for (uint64_t index = 0; index < object_pages(obj); index++) {
        page = dirty_page(obj, index);
        if (page == NULL || n == RUN_PAGES) {
            write_run(obj, run, n);
            n = 0;
        }
        if (page != NULL)
            run[n++] = page;
    }
    write_run(obj, run, n);
}

/* What went wrong with pages, each open file is told by file_sync(). */
static int
disk_sync(struct inode *i, bool data)
{
    struct disk_file *f = i->host;

    write_all(&f->object);
    return blk_flush(f->dev);
}

/* All that is on the disk and that nobody maps leaves memory. */
static void
drop_clean(struct vm_object *obj)
{
    for (uint64_t index = 0; index < object_pages(obj); index++) {
        struct page *page = object_find(obj, index);

        if (page == NULL)
            continue;
        page_lock(page);
        if (object_owns(obj, page) && page->mapcount == 0 &&
            !(atomic_load(&page->flags) & (PG_DIRTY | PG_WRITEBACK)))
            object_remove(obj, page);
        page_unlock(page);
        page_put(page);
    }
}

static int
disk_empty(struct inode *i)
{
    uint32_t seen = atomic_load(&i->object->err_seq);
    int err = disk_sync(i, false);

    drop_clean(i->object);
    return err != 0 ? err : object_error_since(i->object, &seen);
}

static void
disk_close(struct inode *i, struct file *f)
{
    if ((f->flags & O_ACCMODE) != O_RDONLY)
        (void)disk_sync(i, true); /* who wants to know asks fsync() */
}

/* Linux's numbers (include/uapi/linux/fs.h). */
#define BLKROGET     0x125eu
#define BLKGETSIZE   0x1260u
#define BLKFLSBUF    0x1261u
#define BLKSSZGET    0x1268u
#define BLKGETSIZE64 0x80081272u

static long
disk_ioctl(struct inode *i, struct file *file, unsigned cmd, uintptr_t arg)
{
    struct disk_file *f = i->host;
    uint64_t wide =
        cmd == BLKGETSIZE64 ? f->dev->nsectors * SECTOR_SIZE : f->dev->nsectors;
    uint32_t narrow = cmd == BLKSSZGET ? f->dev->block_size : f->dev->readonly;

    switch (cmd) {
    case BLKGETSIZE64:
    case BLKGETSIZE:
        return copy_to_user(arg, &wide, sizeof(wide)) == 0 ? 0 : -EFAULT;
    case BLKSSZGET:
    case BLKROGET:
        return copy_to_user(arg, &narrow, sizeof(narrow)) == 0 ? 0 : -EFAULT;
    case BLKFLSBUF:
        return disk_empty(i);
    default:
        return -ENOTTY;
    }
}

static int
disk_open(struct inode *i, struct file *file)
{
    struct disk_file *f = i->host;

    return f->dev->readonly && (file->flags & O_ACCMODE) != O_RDONLY ? -EROFS
                                                                     : 0;
}

static const struct inode_ops disk_ops = {.open = disk_open,
                                          .close = disk_close,
                                          .ioctl = disk_ioctl,
                                          .sync = disk_sync};

static int
add_disk(struct node *folder, struct blkdev *dev)
{
    struct disk_file *f = kzalloc(sizeof(*f));
    struct node *n;
    int err = f == NULL ? -ENOMEM
                        : tree_add(folder, dev->name, strlen(dev->name),
                                   S_IFBLK | 0660, &disk_ops, f, &n);

    if (err != 0) {
        kfree(f);
        return err;
    }
    f->dev = dev;
    object_init(&f->object, &disk_pager, dev->nsectors / PER_PAGE * PAGE_SIZE,
                f);
    n->inode.object = &f->object;
    n->inode.size = f->object.size;
    n->inode.rdev = (uint64_t)dev->major << 8 | dev->minor;
    return 0;
}

void
devfs_add_disks(struct node *folder)
{
    for (struct blkdev *dev = NULL; (dev = blk_next(dev)) != NULL;) {
        if (add_disk(folder, dev) != 0)
            return; /* no memory: /dev has less */
    }
}
