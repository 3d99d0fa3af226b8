/* virtio_console.c: adds a channel for driver/event.c, through the table
 * "virtio"; a first reader may skip it.  The shortest useful virtio driver.
 *
 * A virtqueue is three tables in memory that driver and device both see:
 *
 *      descriptors            available ring         used ring
 *      (we write)             (we write)             (the device writes)
 *     +---------------+      +-------+---------+    +-------+---------+
 *   0 | address, len  | <--- | index | 0 0 ... |    | index | 0 0 ... |
 *     +---------------+      +-------+---------+    +-------+---------+
 *
 * One buffer and one descriptor are enough when each piece is waited for: copy
 * it into the buffer, put descriptor 0 into the available ring, ring the bell,
 * wait until the used index has caught up.
 *
 * Virtual I/O Device (VIRTIO) Version 1.2: 2.7 split virtqueues, 3.1.1 set-up,
 * 4.2.2 the registers, 5.3 the console. Without VIRTIO_CONSOLE_F_MULTIPORT the
 * device has one port, queue 0 towards us and queue 1 away from us. */
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/mmio.h"
#include "debug/printk.h"
#include "driver/event.h"
#include "driver/virtio.h"
#include "schedule/timeout.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

/* 4.2.2, table 4.1 */
#define REG_MAGIC          0x000
#define REG_VERSION        0x004
#define REG_DEVICE         0x008
#define REG_FEATURES_SEL   0x014 /* which 32 of the device's features ... */
#define REG_FEATURES       0x010 /* ... are read here */
#define REG_ACCEPT         0x020
#define REG_ACCEPT_SEL     0x024
#define REG_QUEUE_SEL      0x030
#define REG_QUEUE_MAX      0x034
#define REG_QUEUE_SIZE     0x038
#define REG_QUEUE_READY    0x044
#define REG_QUEUE_NOTIFY   0x050
#define REG_STATUS         0x070
#define REG_QUEUE_DESC     0x080 /* low word; the high one is 4 further */
#define REG_QUEUE_AVAIL    0x090
#define REG_QUEUE_USED     0x0a0
#define MAGIC              0x74726976 /* "virt" */
#define VERSION_LEGACY     1
#define VERSION_MODERN     2
#define DEVICE_CONSOLE     3
#define FEATURE_1_VERSION1 1u /* bit 32, so bit 0 of the second word */
#define QUEUE_TX           1

/* 2.1 */
enum {
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    FAILED = 128,
};

#define QUEUE_SIZE 2 /* a power of two */
#define PIECE      256
#define PATIENCE_S 10

/* 2.7: little-endian, as we are; alignments 16, 2 and 4. */
static struct {
    struct {
        uint64_t address;
        uint32_t len;
        uint16_t flags, next;
    } desc[QUEUE_SIZE];
    struct {
        uint16_t flags, index, ring[QUEUE_SIZE];
    } avail;
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, len;
        } ring[QUEUE_SIZE];
    } used __attribute__((aligned(4)));
    char piece[PIECE];
} tx CACHE_ALIGNED;

static volatile uint8_t *console_regs; /* NULL: none, or given up */

static uint32_t
reg_get(unsigned reg)
{
    return mmio_read32(console_regs + reg);
}

static void
reg_set(unsigned reg, uint32_t v)
{
    mmio_write32(console_regs + reg, v);
}

static void
reg_set_address(unsigned reg, const void *p)
{
    paddr_t pa = va_to_pa(p);

    reg_set(reg, (uint32_t)pa);
    reg_set(reg + 4, (uint32_t)(pa >> 32));
}

/* 3.1.1, steps 1 to 6: of all features we want only "this is virtio 1". */
static bool
negotiate(void)
{
    reg_set(REG_STATUS, 0);
    reg_set(REG_STATUS, ACKNOWLEDGE);
    reg_set(REG_STATUS, ACKNOWLEDGE | DRIVER);
    reg_set(REG_FEATURES_SEL, 1);
    if ((reg_get(REG_FEATURES) & FEATURE_1_VERSION1) == 0)
        return false;
    reg_set(REG_ACCEPT_SEL, 0);
    reg_set(REG_ACCEPT, 0);
    reg_set(REG_ACCEPT_SEL, 1);
    reg_set(REG_ACCEPT, FEATURE_1_VERSION1);
    reg_set(REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    return (reg_get(REG_STATUS) & FEATURES_OK) != 0;
}

/* Steps 7 and 8, as 4.2.3.2 wants it. */
static bool
set_up_queue(void)
{
    reg_set(REG_QUEUE_SEL, QUEUE_TX);
    if (reg_get(REG_QUEUE_READY) != 0 || reg_get(REG_QUEUE_MAX) < QUEUE_SIZE)
        return false;
    memset(&tx, 0, sizeof(tx));
    tx.desc[0].address = va_to_pa(tx.piece);
    reg_set(REG_QUEUE_SIZE, QUEUE_SIZE);
    reg_set_address(REG_QUEUE_DESC, tx.desc);
    reg_set_address(REG_QUEUE_AVAIL, &tx.avail);
    reg_set_address(REG_QUEUE_USED, &tx.used);
    reg_set(REG_QUEUE_READY, 1);
    reg_set(REG_STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    return true;
}

/* Hand over the N bytes in tx.piece.  Returns false if nobody takes them. */
static bool
send_piece(size_t n)
{
    uint64_t start = time_now();

    tx.desc[0].len = (uint32_t)n;
    /* 2.7.13.1: the ring entries first (all say descriptor 0), then, after a
     * fence, the index; and only then, after a fence, the bell. */
    mmio_fence();
    atomic_store(&tx.avail.index, (uint16_t)(tx.avail.index + 1));
    mmio_fence();
    reg_set(REG_QUEUE_NOTIFY, QUEUE_TX);
    while (atomic_load_acquire(&tx.used.index) != tx.avail.index) {
        if (time_now() - start > PATIENCE_S * timebase_hz)
            return false;
    }
    return true;
}

static void
console_send(const char *s, size_t n)
{
    while (n > 0 && console_regs != NULL) {
        size_t len = MIN(n, sizeof(tx.piece));

        memcpy(tx.piece, s, len);
        if (!send_piece(len)) {
            console_regs = NULL;
            cprintf("virtio: the console does not answer, records are lost\n");
        }
        s += len;
        n -= len;
    }
}

static int
console_probe(volatile void *regs, uint32_t irq)
{
    if (console_regs != NULL)
        return -EBUSY;
    console_regs = regs;
    if (reg_get(REG_MAGIC) == MAGIC && reg_get(REG_DEVICE) == DEVICE_CONSOLE) {
        uint32_t version = reg_get(REG_VERSION);

        if (version == VERSION_LEGACY)
            cprintf("virtio: the console is a legacy device; start QEMU with "
                    "-global virtio-mmio.force-legacy=false\n");
        else if (version == VERSION_MODERN) {
            if (negotiate() && set_up_queue()) {
                event_set_sink(console_send);
                return 0;
            }
            reg_set(REG_STATUS, FAILED);
        }
    }
    console_regs = NULL;
    return -ENODEV;
}

static const struct virtio_driver virtio_console = {"console", console_probe};
TABLE_ADD(virtio, virtio_console);
