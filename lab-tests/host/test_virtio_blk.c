/* test_virtio_blk.c: the disk driver and the virtqueue against a device made of
 * code, which reads the rings as the standard says, insists on what it promises
 * them, and on demand lies, fails, loses interrupts or dies. */
#include "driver_fake.h"

#include "kern/driver/blk.c"
#include "kern/driver/virtio_blk.c"
#include "kern/driver/virtqueue.c"

#define SECTORS 8192u

uint64_t timebase_hz = 1000000;
static struct timeout *armed;

void
timeout_arm(struct timeout *t, uint64_t deadline,
            void (*fire)(struct timeout *))
{
    CHECK(armed == NULL);
    armed = t;
    t->deadline = deadline;
    t->fire = fire;
}

static void (*irq_run)(void *);
static void *irq_arg;

int
plic_register(uint32_t irq, void (*handler)(void *arg), void *arg)
{
    irq_run = handler;
    irq_arg = arg;
    return irq == 7 ? 0 : -EINVAL;
}

/* --- the device --- */

static uint8_t contents[SECTORS * SECTOR_SIZE];
static char bus; /* where its registers seem to be */

static struct {
    /* What it is. */
    uint32_t version, type, queue_max, seg_max, blk_size;
    uint64_t features, sectors;
    /* What it does wrong. */
    bool no_features_ok, loses_interrupts, deaf, stuck, silent_status;
    uint64_t bad_sector;
    uint32_t lie; /* a used id it was never given; 0: none */
    /* What it was told. */
    uint32_t status, features_sel, accept_sel, queue_sel, queue_size, ready;
    uint64_t accepted, desc, avail, used;
    uint16_t seen, done;
    unsigned bells, resets, pending_irq;
    uint32_t heads[RING]; /* taken from the available ring, not answered */
    unsigned nheads;
} m;

static void
set_half(uint64_t *v, bool high, uint32_t half)
{
    *v = high ? (*v & 0xffffffff) | (uint64_t)half << 32
              : (*v & ~0xffffffffull) | half;
}

static void
device_reset(void)
{
    m.status = m.ready = 0;
    m.accepted = 0;
    m.seen = m.done = 0;
    m.nheads = 0;
    m.resets++;
}

uint64_t
mock_mmio_read(uintptr_t addr, unsigned bytes)
{
    size_t reg = addr - (uintptr_t)&bus;

    CHECK(bytes == 4 && reg < VIRTIO_MMIO_SIZE);
    switch (reg) {
    case REG_MAGIC:
        return MAGIC;
    case REG_VERSION:
        return m.version;
    case REG_DEVICE:
        return m.type;
    case REG_FEATURES:
        return (uint32_t)(m.features >> 32 * m.features_sel);
    case REG_QUEUE_MAX:
        return m.queue_sel == 0 ? m.queue_max : 0;
    case REG_QUEUE_READY:
        return m.ready;
    case VIRTIO_REG_IRQ_STATUS:
        return m.pending_irq;
    case REG_STATUS:
        return m.status;
    case VIRTIO_REG_CHANGED:
        return 0;
    case CONFIG_CAPACITY:
        return (uint32_t)m.sectors;
    case CONFIG_CAPACITY + 4:
        return m.sectors >> 32;
    case CONFIG_SEG_MAX:
        return m.seg_max;
    case CONFIG_BLK_SIZE:
        return m.blk_size;
    default:
        CHECK(!"a register that nobody needs");
        return 0;
    }
}

/* 2.7.5: follow a chain from I on in TABLE of N entries; pieces to OUT. */
static unsigned
follow(const struct vring_desc *table, unsigned n, unsigned i,
       const struct vring_desc **out)
{
    unsigned count = 0;

    for (;;) {
        CHECK(i < n && count < ROW);
        out[count++] = &table[i];
        CHECK(!(table[i].flags & VRING_INDIRECT));
        if (!(table[i].flags & VRING_NEXT))
            return count;
        i = table[i].next;
    }
}

static unsigned
pieces_of(uint32_t head, const struct vring_desc **out)
{
    const struct vring_desc *ring = pa_to_va(m.desc), *d = &ring[head];

    CHECK(head < m.queue_size);
    if (!(d->flags & VRING_INDIRECT))
        return follow(ring, m.queue_size, head, out);
    CHECK(m.accepted & VIRTIO_F_INDIRECT_DESC);
    CHECK(d->len % sizeof(*d) == 0 && !(d->flags & VRING_NEXT));
    return follow(pa_to_va(d->address), d->len / sizeof(*d), 0, out);
}

/* 5.2.6: do what the chain says; the status. */
static uint8_t
carry_out(uint32_t type, uint64_t sector, const struct vring_desc **d,
          unsigned n)
{
    uint8_t *at = contents + sector * SECTOR_SIZE;

    if (type == T_FLUSH)
        return n == 0 && (m.accepted & F_FLUSH) ? S_OK : S_UNSUPP;
    CHECK(n > 0 && n <= m.seg_max);
    for (unsigned i = 0; i < n; at += d[i++]->len) {
        CHECK(at + d[i]->len <= contents + sizeof(contents));
        CHECK(!!(d[i]->flags & VRING_WRITE) == (type == T_IN));
        if (contents + m.bad_sector * SECTOR_SIZE >= at &&
            contents + m.bad_sector * SECTOR_SIZE < at + d[i]->len)
            return S_IOERR;
        if (type == T_IN)
            memcpy(pa_to_va(d[i]->address), at, d[i]->len);
        else
            memcpy(at, pa_to_va(d[i]->address), d[i]->len);
    }
    return S_OK;
}

static void
put_used(uint32_t id)
{
    struct vring_used *used = pa_to_va(m.used);

    used->ring[m.done % m.queue_size].id = id;
    used->ring[m.done % m.queue_size].len = 1;
    used->index = ++m.done;
}

/* The device answers what lies at I of those it took. */
static void
answer(unsigned i)
{
    const struct vring_desc *d[ROW];
    uint32_t head = m.heads[i], type;
    uint64_t sector;
    unsigned n = pieces_of(head, d);
    uint8_t status;

    m.heads[i] = m.heads[--m.nheads];
    CHECK(n >= 2 && d[0]->len == 16 && !(d[0]->flags & VRING_WRITE));
    CHECK(d[n - 1]->len == 1 && (d[n - 1]->flags & VRING_WRITE));
    memcpy(&type, pa_to_va(d[0]->address), 4);
    memcpy(&sector, (char *)pa_to_va(d[0]->address) + 8, 8);
    status = carry_out(type, sector, d + 1, n - 2);
    if (!m.silent_status)
        *(uint8_t *)pa_to_va(d[n - 1]->address) = status;
    put_used(m.lie != 0 ? m.lie : head);
    m.pending_irq |= 1;
}

/* Look at the available ring. */
static void
listen(void)
{
    const struct vring_avail *avail = pa_to_va(m.avail);

    CHECK(m.status == (ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK));
    m.bells++;
    while (!m.deaf && m.seen != avail->index) {
        CHECK(m.nheads < m.queue_size);
        m.heads[m.nheads++] = avail->ring[m.seen++ % m.queue_size];
    }
}

void
mock_mmio_write(uintptr_t addr, unsigned bytes, uint64_t v)
{
    size_t reg = addr - (uintptr_t)&bus;

    CHECK(bytes == 4 && reg < VIRTIO_MMIO_SIZE);
    switch (reg) {
    case REG_FEATURES_SEL:
        m.features_sel = (uint32_t)v;
        break;
    case REG_ACCEPT_SEL:
        m.accept_sel = (uint32_t)v;
        break;
    case REG_ACCEPT:
        set_half(&m.accepted, m.accept_sel, (uint32_t)v);
        break;
    case REG_QUEUE_SEL:
        m.queue_sel = (uint32_t)v;
        break;
    case REG_QUEUE_SIZE:
        CHECK(is_power_of_2(v) && v <= m.queue_max);
        m.queue_size = (uint32_t)v;
        break;
    case REG_QUEUE_DESC:
    case REG_QUEUE_DESC + 4:
        set_half(&m.desc, reg & 4, (uint32_t)v);
        break;
    case REG_QUEUE_AVAIL:
    case REG_QUEUE_AVAIL + 4:
        set_half(&m.avail, reg & 4, (uint32_t)v);
        break;
    case REG_QUEUE_USED:
    case REG_QUEUE_USED + 4:
        set_half(&m.used, reg & 4, (uint32_t)v);
        break;
    case REG_QUEUE_READY:
        CHECK(m.desc % 16 == 0 && m.avail % 2 == 0 && m.used % 4 == 0);
        CHECK(m.status & FEATURES_OK);
        m.ready = (uint32_t)v;
        break;
    case REG_QUEUE_NOTIFY:
        CHECK(v == 0 && m.ready);
        listen();
        break;
    case VIRTIO_REG_IRQ_ACK:
        m.pending_irq &= ~(unsigned)v;
        break;
    case REG_STATUS:
        if (v == 0 && !m.stuck)
            device_reset();
        else if (v & FEATURES_OK && m.no_features_ok)
            m.status = (uint32_t)v & ~(uint32_t)FEATURES_OK;
        else
            m.status = (uint32_t)v;
        break;
    default:
        CHECK(!"a register that nobody needs");
    }
}

/* --- set-up --- */

static void
device(uint64_t features)
{
    list_init(&all_disks);
    memset(disks, 0, sizeof(disks));
    memset(&m, 0, sizeof(m));
    m.version = VERSION_MODERN;
    m.type = DEVICE_BLOCK;
    m.queue_max = 256;
    m.seg_max = 254;
    m.blk_size = 512;
    m.features = features | VIRTIO_F_VERSION_1;
    m.sectors = SECTORS;
    m.bad_sector = UINT64_MAX / SECTOR_SIZE;
    ndisks = 0;
    armed = NULL;
    fake_out_clear();
}

static void
interrupt(void)
{
    if (m.pending_irq != 0 && !m.loses_interrupts)
        irq_run(irq_arg);
}

static void
world(void)
{
    while (m.nheads > 0)
        answer(m.nheads - 1);
    interrupt();
}

#define ALL                                                      \
    (F_SEG_MAX | F_BLK_SIZE | F_FLUSH | VIRTIO_F_INDIRECT_DESC | \
     1ul << 5 << 20 | 1ul << 29 | 1ul << 33)

static struct blkdev *
plugged(uint64_t features)
{
    device(features);
    fake_world = world;
    CHECK(virtio_blk_probe(&bus, 7) == 0);
    return &disks[0].dev;
}

static void
negotiation(void)
{
    struct blkdev *dev = plugged(ALL);

    CHECK(m.accepted == (F_SEG_MAX | F_BLK_SIZE | F_FLUSH |
                         VIRTIO_F_INDIRECT_DESC | VIRTIO_F_VERSION_1));
    CHECK(strcmp(dev->name, "vda") == 0 && dev->major == 254);
    CHECK(dev->nsectors == SECTORS && !dev->readonly && dev->volatile_cache);
    CHECK(dev->depth == SLOTS && dev->max_segs == ROW - 2);
    CHECK(fake_out_len == 0 && blk_find("vda") == dev);
    CHECK(virtio_blk_probe(&bus, 7) == 0 && disks[1].dev.minor == 16);
    dev = plugged(F_RO);
    CHECK(dev->readonly && !dev->volatile_cache && dev->block_size == 512);
    CHECK(dev->depth == 3 && dev->max_segs == ROW - 2);
}

static void
refusals(void)
{
    device(ALL);
    m.type = 3;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV && fake_out_len == 0);
    m.type = DEVICE_BLOCK;
    m.version = VERSION_LEGACY;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV && m.status == 0);
    CHECK(strcmp(fake_out,
                 "virtio: the disk is a legacy device; start QEMU "
                 "with -global virtio-mmio.force-legacy=false\n") == 0);
    m.version = VERSION_MODERN;
    m.features = F_FLUSH; /* no VERSION_1 */
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV && m.status == FAILED);
    device(ALL);
    m.no_features_ok = true;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV);
    device(ALL);
    m.queue_max = 0;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV);
    device(ALL);
    m.blk_size = 8192;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV);
    m.blk_size = 0;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV);
    device(ALL);
    m.seg_max = 0;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV);
    device(ALL);
    m.sectors = UINT64_MAX;
    CHECK(virtio_blk_probe(&bus, 7) == -ENODEV);
    CHECK(virtio_blk_probe(&bus, 9) == -ENODEV && ndisks == 0);
}

/* Write, read, flush, of all sizes, with this queue. */
static void
transfers(uint64_t features, unsigned queue_max, unsigned seg_max)
{
    static uint8_t out[65536], in[65536];
    struct blkdev *dev;

    device(features);
    m.queue_max = queue_max;
    m.seg_max = seg_max;
    fake_world = world;
    CHECK(virtio_blk_probe(&bus, 7) == 0);
    dev = &disks[0].dev;
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 31 + i / 512);
    for (unsigned n = 1; n <= 128; n++) {
        CHECK(blk_write(dev, n, out, n * 512) == 0);
        memset(in, 0, sizeof(in));
        CHECK(blk_read(dev, n, in, n * 512) == 0);
        CHECK(memcmp(in, out, n * 512) == 0);
    }
    CHECK(blk_flush(dev) == 0);
    CHECK(dev->in_flight == 0 && m.nheads == 0);
}

static void
all_shapes(void)
{
    for (unsigned max = 4; max <= 1024; max *= 2) {
        transfers(ALL, max, 254);
        transfers(ALL & ~VIRTIO_F_INDIRECT_DESC, max, 254);
        transfers(F_SEG_MAX, max + 1, 1);
    }
}

/* --- many in flight, ending in any order --- */

#define MANY 200

static struct {
    struct blk_request r;
    struct blk_seg seg[3];
    uint8_t buf[3 * 512];
    int err;
    unsigned ends;
} many[MANY];

static void
ended(struct blk_request *r, int err)
{
    unsigned i = (unsigned)(uintptr_t)r->arg;

    many[i].err = err;
    many[i].ends++;
}

static void
add_many(struct blkdev *dev, enum blk_op op)
{
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < 3; k++)
            many[i].seg[k] =
                (struct blk_seg){va_to_pa(many[i].buf + 512 * k), 512};
        many[i].ends = 0;
        many[i].r = (struct blk_request){.op = op,
                                         .sector = i * 4, /* no neighbours */
                                         .segs = many[i].seg,
                                         .nsegs = 3,
                                         .done = ended,
                                         .arg = (void *)(uintptr_t)i};
        blk_submit(dev, &many[i].r);
    }
}

static void
out_of_order(void)
{
    uint64_t state = 7;

    for (unsigned indirect = 0; indirect < 2; indirect++) {
        struct blkdev *dev = plugged(indirect ? ALL : F_SEG_MAX);

        add_many(dev, BLK_READ);
        CHECK(m.nheads == dev->depth);
        for (unsigned n = 0; n < MANY; n++) {
            state = state * 6364136223846793005ull + 1442695040888963407ull;
            answer((unsigned)(state >> 33) % m.nheads);
            if (state >> 63)
                interrupt();
            if (m.nheads == 0)
                interrupt();
        }
        interrupt();
        for (unsigned i = 0; i < MANY; i++) {
            CHECK(many[i].ends == 1 && many[i].err == 0);
            CHECK(memcmp(many[i].buf, contents + i * 4 * 512, 1536) == 0);
        }
    }
}

/* --- what devices do wrong --- */

static void
watch_rings(void)
{
    struct timeout *t = armed;

    armed = NULL;
    fake_time = MAX(fake_time, t->deadline);
    t->fire(t);
}

/* The first may have been set for an older request. */
static void
watch_rings_twice(void)
{
    watch_rings();
    if (armed != NULL)
        watch_rings();
}

static void
errors(void)
{
    static uint8_t buf[1024];
    struct blkdev *dev = plugged(ALL);

    m.bad_sector = 100;
    CHECK(blk_read(dev, 100, buf, 512) == -EIO);
    CHECK(blk_write(dev, 99, buf, 1024) == -EIO);
    CHECK(blk_read(dev, 101, buf, 512) == 0);
    m.silent_status = true; /* it says that it is through, but not how */
    CHECK(blk_read(dev, 1, buf, 512) == -EIO);
    CHECK(m.resets == 2); /* both at set-up */
}

static void
lost_interrupt(void)
{
    struct blkdev *dev = plugged(ALL);

    m.loses_interrupts = true;
    add_many(dev, BLK_READ);
    for (unsigned n = 0; n < 100 && armed != NULL; n++) {
        world();
        watch_rings();
    }
    for (unsigned i = 0; i < MANY; i++)
        CHECK(many[i].ends == 1 && many[i].err == 0);
    CHECK(m.resets == 2 && fake_out_len == 0);
}

static void
deaf(void)
{
    static uint8_t buf[512];
    struct blkdev *dev = plugged(ALL);

    m.deaf = true;
    fake_world = watch_rings_twice;
    CHECK(blk_read(dev, 0, buf, 512) == -ETIMEDOUT);
    CHECK(m.resets == 3 && dev->in_flight == 0 && !dev->broken);
    m.deaf = false;
    fake_world = world;
    CHECK(blk_read(dev, 0, buf, 512) == 0);
    /* It cannot even be reset. */
    m.deaf = m.stuck = true; /* the queue stays ready */
    fake_world = watch_rings_twice;
    CHECK(blk_read(dev, 0, buf, 512) == -ETIMEDOUT);
    CHECK(dev->broken && m.status == FAILED);
    CHECK(blk_read(dev, 0, buf, 512) == -EIO);
}

/* It is through with what it was never given, or twice with the same. */
static void
lies(void)
{
    static const uint32_t ids[] = {1, 63, 16, 255, 256, 0xffff, 0xffffffff};
    static uint8_t buf[512];

    for (unsigned indirect = 0; indirect < 2; indirect++) {
        for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
            struct blkdev *dev = plugged(indirect ? ALL : F_SEG_MAX);

            m.lie = ids[i];
            CHECK(blk_read(dev, 0, buf, 512) == -ETIMEDOUT);
            CHECK(m.resets == 3 && strstr(fake_out, "never given") != NULL);
            m.lie = 0;
            CHECK(blk_read(dev, 0, buf, 512) == 0);
            put_used(0);
            m.pending_irq = 1;
            interrupt();
            CHECK(m.resets == 4 && dev->in_flight == 0);
            CHECK(blk_read(dev, 0, buf, 512) == 0);
        }
    }
}

/* An interrupt of somebody else's, or for a configuration that changed. */
static void
spurious(void)
{
    struct blkdev *dev = plugged(ALL);

    irq_run(irq_arg);
    m.pending_irq = 2;
    irq_run(irq_arg);
    CHECK(m.pending_irq == 0 && dev->in_flight == 0 && m.resets == 2);
}

int
main(void)
{
    for (unsigned i = 0; i < sizeof(contents); i++)
        contents[i] = (uint8_t)(i >> 9 ^ i);
    RUN(negotiation);
    RUN(refusals);
    RUN(all_shapes);
    RUN(out_of_order);
    RUN(errors);
    RUN(lost_interrupt);
    RUN(deaf);
    RUN(lies);
    RUN(spurious);
    return test_summary("test_virtio_blk");
}
