/* root_disk.c: which disk holds the root.
 *
 *     root=vda2     this one
 *     root=archive  the boot archive
 *
 * Without a word: the first disk with a file system we know, memory before
 * others, so that an initrd that is an image wins; else the boot archive. */
#include "fs/root.h"

#include "debug/panic.h"
#include "debug/printk.h"
#include "driver/blk.h"
#include "fs/inode.h"
#include "mm/pmm.h"
#include <errno.h>
#include <string.h>

#define MEMORY_MAJOR 1 /* of ram0 */

/* What is on DEV?  NULL: nothing we know. */
static const struct fs_type *
find_type(struct blkdev *dev, struct page *buf)
{
    const struct fs_type *found = NULL;
    size_t n = ROUND_DOWN(PAGE_SIZE, dev->block_size);

    if (dev->nsectors < n / SECTOR_SIZE ||
        blk_read(dev, 0, page_to_va(buf), n) != 0)
        return NULL;
    TABLE_FOR_EACH (fs_type, struct fs_type, t) {
        if ((*t)->probe != NULL && (*t)->probe(page_to_va(buf)))
            found = *t;
    }
    return found;
}

/* The first disk that holds something, of memory or of the others. */
static struct blkdev *
find_disk(bool memory, const struct fs_type **type, struct page *buf)
{
    struct blkdev *dev = NULL;

    while ((dev = blk_next(dev)) != NULL) {
        if ((dev->major == MEMORY_MAJOR) != memory)
            continue;
        *type = find_type(dev, buf);
        if (*type != NULL)
            return dev;
    }
    return NULL;
}

/* The disk NAME, or the first that will do (""); NULL: none will. */
static struct blkdev *
choose(const char *name, const struct fs_type **type, struct page *buf)
{
    struct blkdev *dev;

    if (*name == 0) {
        dev = find_disk(true, type, buf);
        return dev != NULL ? dev : find_disk(false, type, buf);
    }
    if (strncmp(name, "/dev/", 5) == 0)
        name += 5;
    dev = blk_find(name);
    if (dev == NULL)
        boot_refuse("root=%s: there is no such disk", name);
    *type = find_type(dev, buf);
    if (*type == NULL)
        boot_refuse("root=%s: no file system that we know", name);
    return dev;
}

int
root_find(const char *name, const void *archive, size_t size)
{
    const struct fs_type *type = NULL;
    struct page *buf = alloc_pages(0);
    struct blkdev *dev = NULL;
    struct super *s;
    int err;

    if (buf == NULL)
        return -ENOMEM;
    if (strcmp(name, "archive") != 0)
        dev = choose(name, &type, buf);
    free_pages(buf, 0);
    if (dev == NULL)
        return size == 0 ? -ENOENT : root_mount_archive(archive, size);
    err = type->mount(type, dev->name, "", dev->readonly, &s);
    if (err != 0)
        boot_refuse("root: the %s on %s cannot be mounted, error %d",
                    type->name, dev->name, -err);
    cprintf("  root: %s on %s%s\n", type->name, dev->name,
            s->readonly ? ", read-only" : "");
    return root_mount(s);
}
