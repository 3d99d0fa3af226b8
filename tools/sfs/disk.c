/* disk.c: disks of the host: a file, a file with what is written kept in memory, a
 * piece of memory.  A request is done when blk_submit() returns. */
#include "tools/sfs/host.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OVER_BLOCK 4096u

struct blkdev *
blk_find(const char *name)
{
    (void)name;
    return NULL;
}

static struct disk *
disk_of(struct blkdev *dev)
{
    return container_of(dev, struct disk, dev);
}

static int
transfer(struct blkdev *dev, enum blk_op op, uint64_t sector, void *buf,
         size_t n)
{
    struct disk *d = disk_of(dev);

    if (sector + n / SECTOR_SIZE > dev->nsectors)
        return -ENOSPC;
    if (op == BLK_READ)
        return d->read(d, sector * SECTOR_SIZE, buf, n);
    return dev->readonly ? -EROFS : d->write(d, sector * SECTOR_SIZE, buf, n);
}

void
blk_submit(struct blkdev *dev, struct blk_request *r)
{
    uint64_t sector = r->sector;
    int err = 0;

    dev->requests[r->op]++;
    for (unsigned i = 0; i < r->nsegs && err == 0; i++) {
        err = transfer(dev, r->op, sector, pa_to_va(r->segs[i].pa),
                       r->segs[i].size);
        sector += r->segs[i].size / SECTOR_SIZE;
    }
    r->done(r, err);
}

int
blk_read(struct blkdev *dev, uint64_t sector, void *buf, size_t size)
{
    dev->requests[BLK_READ]++;
    return transfer(dev, BLK_READ, sector, buf, size);
}

int
blk_write(struct blkdev *dev, uint64_t sector, const void *buf, size_t size)
{
    dev->requests[BLK_WRITE]++;
    return transfer(dev, BLK_WRITE, sector, (void *)buf, size);
}

int
blk_flush(struct blkdev *dev)
{
    struct disk *d = disk_of(dev);

    dev->requests[BLK_FLUSH]++;
    return d->flush != NULL ? d->flush(d) : 0;
}

static struct disk *
disk_new(uint64_t size, const char *name)
{
    struct disk *d = calloc(1, sizeof(*d));

    if (d == NULL)
        abort();
    d->dev.nsectors = size / SECTOR_SIZE;
    d->dev.max_segs = 64;
    snprintf(d->dev.name, sizeof(d->dev.name), "%s", name);
    return d;
}

void
disk_free(struct disk *d)
{
    for (uint64_t i = 0; d->over && i <= d->dev.nsectors / 8; i++)
        free(d->over[i]);
    free(d->over);
    free(d);
}

/* --- in a file --- */

static int
file_read(struct disk *d, uint64_t pos, void *buf, size_t n)
{
    ssize_t got = pread(d->fd, buf, n, (off_t)pos);

    if (got < 0)
        return -EIO;
    memset((char *)buf + got, 0, n - (size_t)got);
    return 0;
}

static int
file_write(struct disk *d, uint64_t pos, const void *buf, size_t n)
{
    while (n > 0) {
        ssize_t put = pwrite(d->fd, buf, n, (off_t)pos);

        if (put <= 0)
            return errno == ENOSPC ? -ENOSPC : -EIO;
        buf = (const char *)buf + put;
        pos += (uint64_t)put;
        n -= (size_t)put;
    }
    return 0;
}

struct disk *
disk_file(int fd, uint64_t size, const char *name, bool readonly)
{
    struct disk *d = disk_new(size, name);

    d->fd = fd;
    d->read = file_read;
    d->write = file_write;
    d->dev.readonly = readonly;
    return d;
}

/* --- in a file, but written to memory --- */

static int
over_read(struct disk *d, uint64_t pos, void *buf, size_t n)
{
    while (n > 0) {
        size_t at = pos % OVER_BLOCK, len = MIN(n, OVER_BLOCK - at);
        char *over = d->over[pos / OVER_BLOCK];

        if (over != NULL)
            memcpy(buf, over + at, len);
        else if (file_read(d, pos, buf, len) != 0)
            return -EIO;
        buf = (char *)buf + len;
        pos += len;
        n -= len;
    }
    return 0;
}

static int
over_write(struct disk *d, uint64_t pos, const void *buf, size_t n)
{
    while (n > 0) {
        size_t at = pos % OVER_BLOCK, len = MIN(n, OVER_BLOCK - at);
        char **over = &d->over[pos / OVER_BLOCK];

        if (*over == NULL) {
            *over = malloc(OVER_BLOCK);
            if (*over == NULL || file_read(d, pos - at, *over, OVER_BLOCK) != 0)
                return -EIO;
        }
        memcpy(*over + at, buf, len);
        buf = (const char *)buf + len;
        pos += len;
        n -= len;
    }
    return 0;
}

struct disk *
disk_overlay(int fd, uint64_t size, const char *name)
{
    struct disk *d = disk_new(size, name);

    d->fd = fd;
    d->read = over_read;
    d->write = over_write;
    d->over = calloc(size / OVER_BLOCK + 1, sizeof(*d->over));
    if (d->over == NULL)
        abort();
    return d;
}

/* --- in memory --- */

static int
memory_read(struct disk *d, uint64_t pos, void *buf, size_t n)
{
    memcpy(buf, d->data + pos, n);
    return 0;
}

static int
memory_write(struct disk *d, uint64_t pos, const void *buf, size_t n)
{
    memcpy(d->data + pos, buf, n);
    return 0;
}

struct disk *
disk_memory(char *data, uint64_t size, const char *name)
{
    struct disk *d = disk_new(size, name);

    d->data = data;
    d->read = memory_read;
    d->write = memory_write;
    return d;
}
