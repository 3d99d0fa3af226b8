/* virtio_blk.c: the disks of QEMU.
 *
 * A chain of requests becomes one request of the device, three parts in one
 * row of descriptors:
 *
 *     header (kind, sector) | the pieces of memory ... | status, one byte
 *       we write              read: device writes        device writes
 *
 * A disk has slots, each with room for one such row.  If the device knows
 * indirect descriptors the row is a table of its own, and one entry of the ring
 * points at it; else the ring is cut into as many rows as it has room for.
 * Either way row and head belong to the slot for ever: no lists of free
 * descriptors, and a used entry names its slot.
 *
 * What the device says is checked: a used entry that is no slot in flight means
 * that it has lost its mind, and it is reset like one that does not answer.
 *
 * Virtual I/O Device (VIRTIO) Version 1.2, 5.2. */
#include "arch/riscv/mmio.h"
#include "debug/printk.h"
#include "driver/blk.h"
#include "driver/plic.h"
#include "driver/virtio.h"
#include "driver/virtqueue.h"
#include <errno.h>
#include <string.h>

#define DEVICE_BLOCK 2
#define DISKS_MAX    4
#define SLOTS        16
#define ROW          66 /* descriptors: header, 64 pieces, status */
#define RING         256
#define MAJOR        254 /* Linux gives its first virtio disk this one */
#define MINORS       16  /* of a disk and its partitions */

/* 5.2.3, 5.2.4 */
#define F_SEG_MAX          (1ul << 2)
#define F_RO               (1ul << 5)
#define F_BLK_SIZE         (1ul << 6)
#define F_FLUSH            (1ul << 9)
#define CONFIG_CAPACITY    (VIRTIO_REG_CONFIG + 0)
#define CONFIG_SEG_MAX     (VIRTIO_REG_CONFIG + 12)
#define CONFIG_BLK_SIZE    (VIRTIO_REG_CONFIG + 20)
#define VIRTIO_REG_CHANGED 0x0fc /* differs after the configuration changed */

/* 5.2.6 */
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2, S_NONE = 0xff };

struct slot {
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    uint8_t status;
    struct blk_request *chain; /* NULL: free */
};

struct disk {
    struct blkdev dev;
    struct virtqueue queue;
    uint64_t wanted; /* features */
    bool indirect;
    unsigned nslots;
    unsigned row; /* descriptors of a slot */
    struct slot slots[SLOTS];
    VIRTQUEUE_RINGS(RING);
    struct vring_desc rows[SLOTS][ROW] __attribute__((aligned(16)));
};

static struct disk disks[DISKS_MAX];
static unsigned ndisks;

/* --- a request --- */

/* The descriptors of slot I; *BASE: the number of the first one for whoever
 * follows "next". */
static struct vring_desc *
row_of(struct disk *d, unsigned i, unsigned *base)
{
    *base = d->indirect ? 0 : i * d->row;
    return d->indirect ? d->rows[i] : &d->desc[i * d->row];
}

static unsigned
head_of(const struct disk *d, unsigned i)
{
    return d->indirect ? i : i * d->row;
}

/* Write the row of slot I; returns how many descriptors it has. */
static unsigned
write_row(struct disk *d, unsigned i, struct blk_request *first)
{
    struct slot *s = &d->slots[i];
    uint16_t in = first->op == BLK_READ ? VRING_WRITE : 0;
    unsigned base, n = 0;
    struct vring_desc *row = row_of(d, i, &base);

    row[n++] = (struct vring_desc){va_to_pa(&s->header), sizeof(s->header),
                                   VRING_NEXT, 0};
    blk_chain_for_each(r, first)
    {
        for (unsigned k = 0; k < r->nsegs; k++)
            row[n++] = (struct vring_desc){r->segs[k].pa, r->segs[k].size,
                                           VRING_NEXT | in, 0};
    }
    row[n++] = (struct vring_desc){va_to_pa(&s->status), 1, VRING_WRITE, 0};
    for (unsigned k = 0; k + 1 < n; k++)
        row[k].next = (uint16_t)(base + k + 1);
    return n;
}

static void
virtio_blk_start(struct blkdev *dev, struct blk_request *first)
{
    static const uint32_t types[BLK_OPS] = {T_IN, T_OUT, T_FLUSH};
    struct disk *d = dev->host;
    unsigned i = 0, n;

    while (d->slots[i].chain != NULL)
        i++; /* there is one: depth is nslots */
    d->slots[i].chain = first;
    d->slots[i].status = S_NONE;
    d->slots[i].header.type = types[first->op];
    d->slots[i].header.sector = first->op == BLK_FLUSH ? 0 : first->at;
    n = write_row(d, i, first);
    if (d->indirect)
        d->desc[i] = (struct vring_desc){va_to_pa(d->rows[i]),
                                         n * (uint32_t)sizeof(d->rows[i][0]),
                                         VRING_INDIRECT, 0};
    virtqueue_push(&d->queue, head_of(d, i));
    virtqueue_kick(&d->queue);
}

static int
error_of(uint8_t status)
{
    return status == S_OK ? 0 : -EIO;
}

/* All that has ended.  => dev.lock held */
static void
virtio_blk_poll(struct blkdev *dev)
{
    struct disk *d = dev->host;
    struct blk_request *chain;
    uint32_t head;

    while (virtqueue_pop(&d->queue, &head)) {
        unsigned i = d->indirect ? head : head / d->row;

        if (i >= d->nslots || head_of(d, i) != head ||
            d->slots[i].chain == NULL) {
            cprintf("%s: the device is through with %u, which it was never "
                    "given\n",
                    dev->name, head);
            blk_give_up(dev);
            return;
        }
        chain = d->slots[i].chain;
        d->slots[i].chain = NULL;
        blk_ended(dev, chain, error_of(d->slots[i].status));
    }
}

static void
virtio_blk_interrupt(void *arg)
{
    struct disk *d = arg;
    volatile uint8_t *regs = d->queue.regs;

    virtio_set(regs, VIRTIO_REG_IRQ_ACK,
               virtio_get(regs, VIRTIO_REG_IRQ_STATUS));
    spin_lock(&d->dev.lock);
    virtio_blk_poll(&d->dev);
    spin_unlock(&d->dev.lock);
    blk_kick(&d->dev);
}

/* --- the device --- */

static bool
set_up(struct disk *d)
{
    volatile uint8_t *regs = d->queue.regs;

    if (virtio_negotiate(regs, d->wanted) != d->wanted ||
        virtqueue_max(regs, 0) < d->queue.size)
        return false;
    memset(d->slots, 0, sizeof(d->slots));
    virtqueue_set_up(&d->queue);
    virtio_ready(regs);
    return true;
}

static int
virtio_blk_reset(struct blkdev *dev)
{
    struct disk *d = dev->host;

    if (set_up(d))
        return 0;
    virtio_failed(d->queue.regs);
    return -EIO;
}

static const struct blk_ops virtio_blk_ops = {
    .start = virtio_blk_start,
    .poll = virtio_blk_poll,
    .reset = virtio_blk_reset,
};

/* 4.2.2.2: the two halves belong together if nothing changed meanwhile. */
static uint64_t
read_capacity(volatile uint8_t *regs)
{
    uint64_t n;
    uint32_t before;

    do {
        before = virtio_get(regs, VIRTIO_REG_CHANGED);
        n = virtio_get(regs, CONFIG_CAPACITY) |
            (uint64_t)virtio_get(regs, CONFIG_CAPACITY + 4) << 32;
    } while (virtio_get(regs, VIRTIO_REG_CHANGED) != before);
    return n;
}

/* How many requests of which size, by what the device can do. */
static bool
choose_sizes(struct disk *d, uint64_t features)
{
    volatile uint8_t *regs = d->queue.regs;
    unsigned max = MIN(virtqueue_max(regs, 0), RING), size = 1;

    if (max < 4)
        return false;
    while (size * 2 <= max)
        size *= 2;
    d->queue.size = size;
    d->indirect = features & VIRTIO_F_INDIRECT_DESC;
    d->nslots = d->indirect ? MIN(size, SLOTS) : MAX(size / ROW, 1u);
    d->row = d->indirect ? ROW : MIN(size / d->nslots, ROW);
    d->dev.depth = d->nslots;
    d->dev.max_segs = d->row - 2;
    if (features & F_SEG_MAX)
        d->dev.max_segs =
            MIN(d->dev.max_segs, virtio_get(regs, CONFIG_SEG_MAX));
    return d->dev.max_segs > 0;
}

/* What the device tells of itself; false: not a disk we can use. */
static bool
describe(struct disk *d, uint64_t features)
{
    volatile uint8_t *regs = d->queue.regs;
    struct blkdev *dev = &d->dev;

    memcpy(dev->name, "vda", 4);
    dev->name[2] = (char)('a' + ndisks);
    dev->major = MAJOR;
    dev->minor = (uint16_t)(MINORS * ndisks);
    dev->nsectors = read_capacity(regs);
    dev->readonly = features & F_RO;
    dev->volatile_cache = features & F_FLUSH;
    dev->block_size = SECTOR_SIZE;
    if (features & F_BLK_SIZE)
        dev->block_size = virtio_get(regs, CONFIG_BLK_SIZE);
    dev->ops = &virtio_blk_ops;
    dev->host = d;
    return is_power_of_2(dev->block_size) && dev->block_size >= SECTOR_SIZE &&
           dev->block_size <= PAGE_SIZE &&
           dev->nsectors <= UINT64_MAX >> SECTOR_SHIFT &&
           choose_sizes(d, features);
}

static int
virtio_blk_probe(volatile void *regs, uint32_t irq)
{
    struct disk *d = &disks[ndisks];

    if (virtio_is(regs, DEVICE_BLOCK, "disk") != 0)
        return -ENODEV;
    if (ndisks == DISKS_MAX) {
        cprintf("virtio: more than %u disks\n", DISKS_MAX);
        return -ENODEV;
    }
    d->queue = (struct virtqueue){.regs = regs,
                                  .desc = d->desc,
                                  .avail = (void *)d->avail,
                                  .used = (void *)d->used};
    d->wanted = virtio_negotiate(regs, F_SEG_MAX | F_RO | F_BLK_SIZE | F_FLUSH |
                                           VIRTIO_F_INDIRECT_DESC);
    if (d->wanted == 0 || !describe(d, d->wanted) || !set_up(d) ||
        plic_register(irq, virtio_blk_interrupt, d) != 0) {
        virtio_failed(regs);
        cprintf("virtio: a disk that cannot be used\n");
        return -ENODEV;
    }
    ndisks++;
    blk_register(&d->dev);
    return 0;
}

static const struct virtio_driver virtio_blk = {.name = "blk",
                                                .probe = virtio_blk_probe};
TABLE_ADD(virtio, virtio_blk);
