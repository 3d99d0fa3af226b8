/* partition.c: the GUID partition table.
 *
 *     block 0      1        2 ...                          ...      last
 *     +-----------+--------+----------+-----------------+---------+--------+
 *     | for old   | header | entries  | the partitions  | entries | header |
 *     | programs  |        |          |                 |  again  |  again |
 *     +-----------+--------+----------+-----------------+---------+--------+
 *
 * Each header carries a checksum of itself and one of the entries; the second
 * copy is used, and a line says so, if the first is damaged.  Block 0 holds a
 * table of the old kind, which we use for one thing: without its mark nobody
 * looks for a second copy, because the disk may have been given to a file system
 * as a whole since.
 *
 * All numbers come from the disk: none is used before it was compared with the
 * size of the disk and with the others.
 *
 * UEFI Specification 2.10, chapter 5. */
#include "driver/partition.h"

#include "debug/printk.h"
#include <errno.h>
#include <frame.h>
#include <printfmt.h>
#include <string.h>

#define BLOCK_MAX      4096u
#define PARTITIONS_MAX 32 /* of all disks */
#define MINORS         16 /* of a disk: itself and its partitions */
#define ENTRIES_MAX    1024u
#define SIGNATURE      0x5452415020494645ul /* "EFI PART" */
#define OLD_MARK       0xaa55u

struct gpt_header {
    uint64_t signature;
    uint32_t revision, size, crc, reserved;
    uint64_t self, other, first_usable, last_usable;
    uint8_t disk_guid[16];
    uint64_t entries;
    uint32_t nentries, entry_size, entries_crc;
};
#define HEADER_SIZE 92u /* the structure has padding behind it */

struct gpt_entry {
    uint8_t type[16]; /* zeros: unused */
    uint8_t guid[16];
    uint64_t first, last; /* blocks, both inside */
    uint64_t attributes;
    uint16_t name[36];
};

static struct blkdev partitions[PARTITIONS_MAX];
static unsigned npartitions;

static uint64_t
blocks_of(const struct blkdev *dev)
{
    return dev->nsectors / (dev->block_size / SECTOR_SIZE);
}

static int
read_block(struct blkdev *dev, uint64_t block, void *buf)
{
    return blk_read(dev, block * (dev->block_size / SECTOR_SIZE), buf,
                    dev->block_size);
}

/* What is wrong with the numbers of H, found in block SELF? */
static const char *
header_wrong(const struct blkdev *dev, const struct gpt_header *h,
             uint64_t self)
{
    uint64_t n = blocks_of(dev);

    if (h->self != self)
        return "the header belongs elsewhere";
    if (h->entry_size < sizeof(struct gpt_entry) || h->entry_size > BLOCK_MAX ||
        !is_power_of_2(h->entry_size) || h->entry_size > dev->block_size ||
        h->nentries > ENTRIES_MAX)
        return "entries of such a size or number cannot be";
    if (h->first_usable > h->last_usable || h->last_usable >= n)
        return "the partitions would lie beyond the end of the disk";
    if (h->entries < 2 || h->entries >= n ||
        (uint64_t)h->nentries * h->entry_size >
            (n - h->entries) * dev->block_size)
        return "the entries would lie beyond the end of the disk";
    return NULL;
}

/* Compare the entries with the header's checksum of them. */
static const char *
entries_wrong(struct blkdev *dev, const struct gpt_header *h, void *buf)
{
    uint64_t left = (uint64_t)h->nentries * h->entry_size, at = h->entries;
    uint32_t crc = 0;

    for (; left > 0; at++) {
        size_t n = MIN(left, dev->block_size);

        if (read_block(dev, at, buf) != 0)
            return "the entries cannot be read";
        crc = crc32_more(crc, buf, n);
        left -= n;
    }
    return crc == h->entries_crc ? NULL
                                 : "the checksum of the entries is wrong";
}

/* Read and check the table whose header is block SELF.  NULL: it is good. */
static const char *
read_table(struct blkdev *dev, uint64_t self, struct gpt_header *h, void *buf)
{
    const char *wrong;
    uint32_t crc;

    h->signature = 0;
    if (read_block(dev, self, buf) != 0)
        return "the header cannot be read";
    memcpy(h, buf, HEADER_SIZE);
    if (h->signature != SIGNATURE)
        return "there is no header";
    if (h->size < HEADER_SIZE || h->size > dev->block_size)
        return "the header has a wrong size";
    crc = h->crc;
    memset((char *)buf + offsetof(struct gpt_header, crc), 0, sizeof(crc));
    if (crc32(buf, h->size) != crc)
        return "the checksum of the header is wrong";
    wrong = header_wrong(dev, h, self);
    return wrong != NULL ? wrong : entries_wrong(dev, h, buf);
}

/* Does block 0 have the mark that goes before every table? */
static bool
has_old_mark(struct blkdev *dev, uint8_t *buf)
{
    return read_block(dev, 0, buf) == 0 &&
           (buf[510] | buf[511] << 8) == OLD_MARK;
}

/* A good table, the first or the second; false: none, or none that is good. */
static bool
find_table(struct blkdev *dev, struct gpt_header *h, void *buf)
{
    const char *wrong = read_table(dev, 1, h, buf), *again;

    if (wrong == NULL)
        return true;
    if (h->signature != SIGNATURE && !has_old_mark(dev, buf))
        return false;
    again = read_table(dev, blocks_of(dev) - 1, h, buf);
    if (again == NULL)
        cprintf("%s: partitions: %s; the second table is used\n", dev->name,
                wrong);
    else if (h->signature == SIGNATURE || strcmp(wrong, "there is no header"))
        cprintf("%s: partitions: %s, and of the second table: %s; refused\n",
                dev->name, wrong, again);
    return again == NULL;
}

/* --- the partitions --- */

/* Is there room for [FIRST, LAST] on the disk and between the others? */
static const char *
place_wrong(const struct blkdev *dev, const struct gpt_header *h,
            const struct gpt_entry *e)
{
    uint64_t unit = dev->block_size / SECTOR_SIZE;

    if (e->first > e->last || e->first < h->first_usable ||
        e->last > h->last_usable)
        return "it lies outside of the disk";
    for (unsigned i = 0; i < npartitions; i++) {
        const struct blkdev *p = &partitions[i];

        if (p->whole == dev &&
            e->first * unit < p->first_sector + p->nsectors &&
            p->first_sector < (e->last + 1) * unit)
            return "it overlaps another";
    }
    return NULL;
}

static void
add(struct blkdev *dev, unsigned number, const struct gpt_entry *e)
{
    uint64_t unit = dev->block_size / SECTOR_SIZE;
    struct blkdev *p = &partitions[npartitions++];
    char last = dev->name[strlen(dev->name) - 1];

    *p = (struct blkdev){.major = dev->major,
                         .minor = (uint16_t)(dev->minor + number),
                         .nsectors = (e->last - e->first + 1) * unit,
                         .block_size = dev->block_size,
                         .max_segs = dev->max_segs,
                         .readonly = dev->readonly,
                         .volatile_cache = dev->volatile_cache,
                         .whole = dev,
                         .first_sector = e->first * unit};
    /* "vda1", but "mmcblk0p1". */
    snprintf(p->name, sizeof(p->name), "%s%s%u", dev->name,
             last >= '0' && last <= '9' ? "p" : "", number);
    blk_register(p);
}

/* Entry NUMBER, from 1 on. */
static bool
take(struct blkdev *dev, const struct gpt_header *h, unsigned number,
     const struct gpt_entry *e)
{
    static const uint8_t unused[16];
    const char *wrong;

    if (memcmp(e->type, unused, sizeof(unused)) == 0)
        return false;
    wrong = place_wrong(dev, h, e);
    if (wrong == NULL && (number >= MINORS || npartitions == PARTITIONS_MAX))
        wrong = "there are too many";
    if (wrong != NULL) {
        cprintf("%s%u: left out: %s\n", dev->name, number, wrong);
        return false;
    }
    add(dev, number, e);
    return true;
}

unsigned
partition_scan(struct blkdev *dev, void *buf)
{
    unsigned found = 0, per_block;
    struct gpt_header h;
    struct gpt_entry e;

    if (blocks_of(dev) < 6 || !find_table(dev, &h, buf))
        return 0;
    per_block = dev->block_size / h.entry_size;
    for (unsigned i = 0; i < h.nentries; i++) {
        if (i % per_block == 0 &&
            read_block(dev, h.entries + i / per_block, buf) != 0)
            break;
        memcpy(&e, (char *)buf + i % per_block * h.entry_size, sizeof(e));
        found += take(dev, &h, i + 1, &e);
    }
    return found;
}
