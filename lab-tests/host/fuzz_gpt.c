/* fuzz_gpt.c: damaged partition tables, by the thousand.
 *
 *     fuzz_gpt [COUNT [SEED]]           default 4000 1
 *
 * A disk with a table, its second copy and up to twelve partitions gets bits
 * flipped, numbers replaced by nasty ones (half of the time with checksums that
 * are right again), blocks copied or zeroed, and blocks that cannot be read.
 * What partition_scan() makes of it must lie on the disk and not overlap, reads
 * must stay on the disk, and a refusal must say why in one line. */
#include "driver_fake.h"
#include "fuzz_uncounted.h"

#include "kern/driver/partition.c"
#include "libs/frame.c"

#define ROOM (4096u * 128)

static unsigned long number;
static uint64_t random_state = 1;
static uint8_t disk_bytes[ROOM];
static struct blkdev disk;
static unsigned nparts, unreadable;
static unsigned block = 512;

static void
claim(bool ok, const char *what)
{
    if (!ok) {
        printf("FAIL fuzz_gpt disk %lu: %s\n%s", number, what, fake_out);
        exit(1);
    }
}

static uint32_t
any(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

/* --- what the driver asks --- */

int
blk_read(struct blkdev *dev, uint64_t sector, void *buf, size_t size)
{
    claim(size == block && sector % (block / 512) == 0, "an odd read");
    claim(sector <= dev->nsectors && size / 512 <= dev->nsectors - sector,
          "a read beyond the end");
    if (unreadable != 0 && sector / (block / 512) == unreadable)
        return -EIO;
    memcpy(buf, disk_bytes + sector * 512, size);
    return 0;
}

void
blk_register(struct blkdev *dev)
{
    uint64_t end = dev->first_sector + dev->nsectors;

    claim(dev->whole == &disk && dev->nsectors > 0, "an empty partition");
    claim(end > dev->first_sector && end <= disk.nsectors, "beyond the end");
    claim(strncmp(dev->name, "vda", 3) == 0 && dev->minor > 0 &&
              dev->minor < 16,
          "a wrong name or number");
    for (const struct blkdev *p = partitions; p < dev; p++)
        claim(p->first_sector + p->nsectors <= dev->first_sector ||
                  end <= p->first_sector,
              "partitions overlap");
}

/* --- making a disk --- */

static struct gpt_header *
header(bool second)
{
    uint64_t at = second ? disk.nsectors / (block / 512) - 1 : 1;

    return (struct gpt_header *)(disk_bytes + at * block);
}

/* Make the checksums of a table right, if it lies where it can. */
static void
sign(bool second)
{
    struct gpt_header *h = header(second);
    uint64_t at = h->entries * block;
    uint64_t n = (uint64_t)h->nentries * h->entry_size;

    if (at < ROOM && n < ROOM - at && h->size <= block)
        h->entries_crc = crc32(disk_bytes + at, n);
    h->crc = 0;
    if (h->size <= block)
        h->crc = crc32((char *)h, h->size);
}

static void
make(void)
{
    uint64_t n = ROOM / block, last = n - 1;
    uint64_t nentry_blocks = 128 * 128 / block, at = 2 + nentry_blocks;

    memset(disk_bytes, 0, sizeof(disk_bytes));
    disk = (struct blkdev){.name = "vda",
                           .nsectors = ROOM / 512,
                           .block_size = block,
                           .max_segs = 64};
    npartitions = 0;
    disk_bytes[510] = 0x55;
    disk_bytes[511] = 0xaa;
    nparts = any(13);
    for (unsigned second = 0; second < 2; second++) {
        struct gpt_header *h = header(second);

        *h = (struct gpt_header){.signature = SIGNATURE,
                                 .revision = 0x10000,
                                 .size = HEADER_SIZE,
                                 .self = second ? last : 1,
                                 .other = second ? 1 : last,
                                 .first_usable = at,
                                 .last_usable = last - nentry_blocks - 1,
                                 .entries = second ? last - nentry_blocks : 2,
                                 .nentries = 128,
                                 .entry_size = 128};
        for (unsigned i = 0; i < nparts; i++) {
            struct gpt_entry *e =
                (struct gpt_entry *)(disk_bytes + h->entries * block + i * 128);

            e->type[0] = 1;
            e->first = at + 2 * i;
            e->last = at + 2 * i + 1;
        }
        sign(second);
    }
}

/* --- spoiling it --- */

static const uint64_t nasty[] = {0,
                                 1,
                                 2,
                                 127,
                                 128,
                                 1023,
                                 ROOM / 512,
                                 0xffffffff,
                                 0x80000000,
                                 1ul << 55,
                                 1ul << 63,
                                 UINT64_MAX,
                                 UINT64_MAX / 128,
                                 UINT64_MAX / 512};

static void
spoil(void)
{
    struct gpt_header *h = header(any(2));
    unsigned blocks = ROOM / block;
    uint8_t *at;

    switch (any(6)) {
    case 0:
        at = (uint8_t *)h + any(HEADER_SIZE);
        *at ^= (uint8_t)(1u << any(8));
        break;
    case 1: /* a number of the header */
        memcpy((uint8_t *)h + 4 * any(HEADER_SIZE / 4), &nasty[any(14)],
               any(2) ? 4 : 8);
        break;
    case 2: /* a number of an entry */
        at = disk_bytes + (any(2) ? 2 : blocks - 1 - 16384 / block) * block;
        memcpy(at + 128 * any(16) + 32 + 8 * any(2), &nasty[any(14)], 8);
        break;
    case 3:
        memcpy(disk_bytes + any(4) * block, disk_bytes + any(blocks) * block,
               block);
        break;
    case 4:
        memset(disk_bytes + (any(2) ? any(4) : blocks - 1 - any(4)) * block, 0,
               block);
        break;
    default:
        unreadable = any(2) ? 1 + any(40) : blocks - 1;
    }
    if (any(2))
        sign(any(2));
}

static unsigned
scan(void)
{
    static uint8_t buf[4096];

    fake_out_clear();
    return partition_scan(&disk, buf);
}

static bool
one_line(const char *end)
{
    const char *newline = strchr(fake_out, '\n');

    return newline != NULL && newline[1] == 0 &&
           newline >= fake_out + strlen(end) &&
           strncmp(newline - strlen(end), end, strlen(end)) == 0;
}

/* What is known beforehand. */
static void
known_cases(void)
{
    do
        make();
    while (nparts == 0);
    claim(scan() == nparts && fake_out_len == 0, "a good table");
    claim(partitions[0].first_sector == (2 + 16384 / block) * (block / 512) &&
              partitions[0].nsectors == 2 * (block / 512) &&
              strcmp(partitions[0].name, "vda1") == 0,
          "the first partition");
    npartitions = 0;
    header(false)->crc ^= 1;
    claim(scan() == nparts && one_line("the second table is used"),
          "one is bad");
    npartitions = 0;
    header(true)->entries_crc ^= 1;
    claim(scan() == 0 && one_line("refused"), "both are bad");
    memset(disk_bytes, 0, block * 2);
    claim(scan() == 0 && fake_out_len == 0, "the disk is somebody else's");
    memset(disk_bytes, 0, ROOM);
    claim(scan() == 0 && fake_out_len == 0, "an empty disk");
    disk.nsectors = 1;
    claim(scan() == 0 && fake_out_len == 0, "a very small disk");
}

int
main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 4000;
    unsigned long found = 0, lines = 0;

    random_state += argc > 2 ? strtoull(argv[2], NULL, 0) * 2 : 2;
    for (block = 512; block <= 4096; block *= 2)
        known_cases();
    for (number = 0; number < count; number++) {
        unsigned n = 1 + any(4), made;

        block = 512u << any(4);
        unreadable = 0;
        make();
        while (n-- > 0)
            spoil();
        made = scan();
        claim(made == npartitions && made <= 15, "more than there can be");
        found += made;
        lines += fake_out_len > 0;
    }
    printf("fuzz_gpt: %lu disks, %lu partitions, %lu complaints\n", count,
           found, lines);
    claim(found > count / 4 && lines > count / 4, "nothing was tested");
    return 0;
}
