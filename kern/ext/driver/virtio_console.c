/* virtio_console.c: adds a channel for driver/event.c, through the table
 * "virtio"; a first reader may skip it.  The shortest useful virtio driver.
 *
 * One buffer and one descriptor are enough when each piece is waited for: copy
 * it into the buffer, put descriptor 0 into the available ring, ring the bell,
 * wait until the device has put it into the used ring.
 *
 * Virtual I/O Device (VIRTIO) Version 1.2, 5.3.  Without
 * VIRTIO_CONSOLE_F_MULTIPORT the device has one port, queue 0 towards us and
 * queue 1 away from us. */
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"
#include "debug/printk.h"
#include "driver/event.h"
#include "driver/virtio.h"
#include "driver/virtqueue.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

#define DEVICE_CONSOLE 3
#define QUEUE_TX       1
#define QUEUE_SIZE     2 /* a power of two */
#define PIECE          256
#define PATIENCE_S     10

static struct {
    VIRTQUEUE_RINGS(QUEUE_SIZE);
    char piece[PIECE];
} tx CACHE_ALIGNED;

static struct virtqueue queue = {.index = QUEUE_TX,
                                 .size = QUEUE_SIZE,
                                 .desc = tx.desc,
                                 .avail = (void *)tx.avail,
                                 .used = (void *)tx.used};
static bool given_up;

/* Hand over the N bytes in tx.piece.  Returns false if nobody takes them. */
static bool
send_piece(size_t n)
{
    uint64_t start = time_now();
    uint32_t head;

    queue.desc[0].address = va_to_pa(tx.piece);
    queue.desc[0].len = (uint32_t)n;
    virtqueue_push(&queue, 0);
    virtqueue_kick(&queue);
    while (!virtqueue_pop(&queue, &head)) {
        if (time_now() - start > PATIENCE_S * timebase_hz)
            return false;
    }
    return true;
}

static void
console_send(const char *s, size_t n)
{
    while (n > 0 && !given_up) {
        size_t len = MIN(n, sizeof(tx.piece));

        memcpy(tx.piece, s, len);
        if (!send_piece(len)) {
            given_up = true;
            cprintf("virtio: the console does not answer, records are lost\n");
        }
        s += len;
        n -= len;
    }
}

static int
console_probe(volatile void *regs, uint32_t irq)
{
    if (queue.regs != NULL || virtio_is(regs, DEVICE_CONSOLE, "console") != 0)
        return -ENODEV;
    if (virtio_negotiate(regs, 0) == 0 ||
        virtqueue_max(regs, QUEUE_TX) < QUEUE_SIZE) {
        virtio_failed(regs);
        return -ENODEV;
    }
    queue.regs = regs;
    virtqueue_set_up(&queue);
    queue.avail->flags = VRING_NO_INTERRUPT; /* we look ourselves */
    virtio_ready(regs);
    event_set_sink(console_send);
    return 0;
}

static const struct virtio_driver virtio_console = {
    .name = "console", .early = true, .probe = console_probe};
TABLE_ADD(virtio, virtio_console);
