/* virtqueue.c: the part of a virtio driver that does not know what the device
 * is for. */
#include "driver/virtqueue.h"

#include "arch/riscv/mmio.h"
#include "debug/printk.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

/* 4.2.2, table 4.1 */
#define REG_MAGIC        0x000
#define REG_VERSION      0x004
#define REG_DEVICE       0x008
#define REG_FEATURES     0x010
#define REG_FEATURES_SEL 0x014 /* which 32 of the features are read there */
#define REG_ACCEPT       0x020
#define REG_ACCEPT_SEL   0x024
#define REG_QUEUE_SEL    0x030
#define REG_QUEUE_MAX    0x034
#define REG_QUEUE_SIZE   0x038
#define REG_QUEUE_READY  0x044
#define REG_QUEUE_NOTIFY 0x050
#define REG_STATUS       0x070
#define REG_QUEUE_DESC   0x080 /* low word; the high one is 4 further */
#define REG_QUEUE_AVAIL  0x090
#define REG_QUEUE_USED   0x0a0
#define MAGIC            0x74726976 /* "virt" */
#define VERSION_LEGACY   1
#define VERSION_MODERN   2

/* 2.1 */
enum {
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    FAILED = 128,
};

uint32_t
virtio_get(volatile uint8_t *regs, unsigned reg)
{
    return mmio_read32(regs + reg);
}

void
virtio_set(volatile uint8_t *regs, unsigned reg, uint32_t v)
{
    mmio_write32(regs + reg, v);
}

int
virtio_is(volatile uint8_t *regs, unsigned device, const char *what)
{
    if (virtio_get(regs, REG_MAGIC) != MAGIC ||
        virtio_get(regs, REG_DEVICE) != device)
        return -ENODEV;
    if (virtio_get(regs, REG_VERSION) == VERSION_LEGACY)
        cprintf("virtio: the %s is a legacy device; start QEMU with -global "
                "virtio-mmio.force-legacy=false\n",
                what);
    return virtio_get(regs, REG_VERSION) == VERSION_MODERN ? 0 : -ENODEV;
}

bool
virtio_reset(volatile uint8_t *regs)
{
    virtio_set(regs, REG_STATUS, 0);
    return virtio_get(regs, REG_STATUS) == 0;
}

/* 3.1.1, steps 1 to 6. */
uint64_t
virtio_negotiate(volatile uint8_t *regs, uint64_t wanted)
{
    uint64_t features = 0;

    if (!virtio_reset(regs))
        return 0;
    virtio_set(regs, REG_STATUS, ACKNOWLEDGE);
    virtio_set(regs, REG_STATUS, ACKNOWLEDGE | DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        virtio_set(regs, REG_FEATURES_SEL, i);
        features |= (uint64_t)virtio_get(regs, REG_FEATURES) << 32 * i;
    }
    features &= wanted | VIRTIO_F_VERSION_1;
    if (!(features & VIRTIO_F_VERSION_1))
        return 0;
    for (unsigned i = 0; i < 2; i++) {
        virtio_set(regs, REG_ACCEPT_SEL, i);
        virtio_set(regs, REG_ACCEPT, (uint32_t)(features >> 32 * i));
    }
    virtio_set(regs, REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return virtio_get(regs, REG_STATUS) & FEATURES_OK ? features : 0;
}

void
virtio_ready(volatile uint8_t *regs)
{
    virtio_set(regs, REG_STATUS,
               ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

void
virtio_failed(volatile uint8_t *regs)
{
    virtio_set(regs, REG_STATUS, FAILED);
}

/* --- the queue --- */

unsigned
virtqueue_max(volatile uint8_t *regs, unsigned index)
{
    virtio_set(regs, REG_QUEUE_SEL, index);
    if (virtio_get(regs, REG_QUEUE_READY) != 0)
        return 0;
    return virtio_get(regs, REG_QUEUE_MAX);
}

static void
set_address(volatile uint8_t *regs, unsigned reg, const void *p)
{
    paddr_t pa = va_to_pa(p);

    virtio_set(regs, reg, (uint32_t)pa);
    virtio_set(regs, reg + 4, (uint32_t)(pa >> 32));
}

/* 3.1.1, step 7, as 4.2.3.2 wants it. */
void
virtqueue_set_up(struct virtqueue *q)
{
    memset(q->desc, 0, q->size * sizeof(q->desc[0]));
    memset(q->avail, 0, sizeof(*q->avail) + q->size * sizeof(uint16_t));
    memset(q->used, 0, sizeof(*q->used) + q->size * sizeof(q->used->ring[0]));
    q->seen = 0;
    virtio_set(q->regs, REG_QUEUE_SEL, q->index);
    virtio_set(q->regs, REG_QUEUE_SIZE, q->size);
    set_address(q->regs, REG_QUEUE_DESC, q->desc);
    set_address(q->regs, REG_QUEUE_AVAIL, q->avail);
    set_address(q->regs, REG_QUEUE_USED, q->used);
    virtio_set(q->regs, REG_QUEUE_READY, 1);
}

/* 2.7.13: the descriptors and the ring first, then, after a fence, the index. */
void
virtqueue_push(struct virtqueue *q, unsigned head)
{
    q->avail->ring[q->avail->index % q->size] = (uint16_t)head;
    mmio_fence();
    atomic_store(&q->avail->index, (uint16_t)(q->avail->index + 1));
}

/* The fence: either it sees our index, or we see that it wants the bell. */
void
virtqueue_kick(struct virtqueue *q)
{
    mmio_fence();
    if (!(atomic_load(&q->used->flags) & VRING_NO_NOTIFY))
        virtio_set(q->regs, REG_QUEUE_NOTIFY, q->index);
}

bool
virtqueue_pop(struct virtqueue *q, uint32_t *head)
{
    if (atomic_load_acquire(&q->used->index) == q->seen)
        return false;
    mmio_fence();
    *head = q->used->ring[q->seen % q->size].id;
    q->seen++;
    return true;
}
