/* virtqueue.h: what drivers for virtio devices share: the registers of the
 * transport, the set-up, and the split virtqueue.
 *
 * A virtqueue is three tables in memory that driver and device both see:
 *
 *      descriptors            available ring         used ring
 *      (we write)             (we write)             (the device writes)
 *     +---------------+      +-------+---------+    +-------+---------+
 *   0 | address, len  | <--- | index | 0 3 ... |    | index | 3 0 ... |
 *   1 | address, len  |      +-------+---------+    +-------+---------+
 *     +---------------+
 *
 * A buffer is a chain of descriptors.  We put the number of its first one into
 * the available ring and ring the bell; the device puts it into the used ring
 * when it is through with it.  Who uses which descriptors is the driver's
 * business.
 *
 * Virtual I/O Device (VIRTIO) Version 1.2: 2.7 split virtqueues, 3.1.1 set-up,
 * 4.2.2 the registers. */
#ifndef KERN_DRIVER_VIRTQUEUE_H
#define KERN_DRIVER_VIRTQUEUE_H

#include "arch/riscv/memlayout.h"
#include <util.h>

/* 4.2.2, table 4.1: those that drivers touch themselves. */
#define VIRTIO_REG_IRQ_STATUS 0x060 /* 1: used ring, 2: configuration */
#define VIRTIO_REG_IRQ_ACK    0x064
#define VIRTIO_REG_CONFIG     0x100

/* Bits of the features that belong to no device type. */
#define VIRTIO_F_INDIRECT_DESC (1ul << 28)
#define VIRTIO_F_VERSION_1     (1ul << 32)

/* 2.7: little-endian, as we are; alignments 16, 2 and 4. */
struct vring_desc {
    uint64_t address;
    uint32_t len;
    uint16_t flags, next;
};
#define VRING_NEXT     1u /* goes on at next */
#define VRING_WRITE    2u /* the device writes */
#define VRING_INDIRECT 4u /* is a table of descriptors */

struct vring_avail {
    uint16_t flags, index, ring[];
};
#define VRING_NO_INTERRUPT 1u

struct vring_used {
    uint16_t flags, index;
    struct {
        uint32_t id, len;
    } ring[];
};
#define VRING_NO_NOTIFY 1u

struct virtqueue {
    volatile uint8_t *regs;
    unsigned index; /* of the queue */
    unsigned size;  /* a power of two */
    struct vring_desc *desc;
    struct vring_avail *avail;
    struct vring_used *used;
    uint16_t seen; /* entries of the used ring */
};

/* Memory for the rings of up to N entries, as members of a structure. */
#define VIRTQUEUE_RINGS(n)                                  \
    struct vring_desc desc[n] __attribute__((aligned(16))); \
    uint16_t avail[2 + (n)];                                \
    uint32_t used[1 + 2 * (n)] __attribute__((aligned(4)))

uint32_t virtio_get(volatile uint8_t *regs, unsigned reg);
void virtio_set(volatile uint8_t *regs, unsigned reg, uint32_t v);

/* Is it a modern device of type DEVICE?  A legacy one gets a line that calls it
 * WHAT.  -ENODEV */
int virtio_is(volatile uint8_t *regs, unsigned device, const char *what);
/* Reset it, and agree on those of the features WANTED that it has.  Returns them,
 * or 0 if it does not do without others, or is no virtio 1. */
uint64_t virtio_negotiate(volatile uint8_t *regs, uint64_t wanted);
/* The device may go to work: all queues are set up. */
void virtio_ready(volatile uint8_t *regs);
void virtio_failed(volatile uint8_t *regs); /* we give it up */
/* It forgets everything; true when it has. */
bool virtio_reset(volatile uint8_t *regs);

/* How many entries queue INDEX may have, at most; 0: there is none. */
unsigned virtqueue_max(volatile uint8_t *regs, unsigned index);
/* Q has regs, index, size, desc, avail and used: the tables are cleared, and
 * shown to the device. */
void virtqueue_set_up(struct virtqueue *q);
/* The chain that begins with descriptor HEAD is the device's. */
void virtqueue_push(struct virtqueue *q, unsigned head);
/* Ring the bell, if the device wants to hear it. */
void virtqueue_kick(struct virtqueue *q);
/* The next chain it is through with: its first descriptor, as the device says,
 * so any number.  False: none. */
bool virtqueue_pop(struct virtqueue *q, uint32_t *head);

#endif
