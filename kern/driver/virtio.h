/* virtio.h: the table of drivers for devices on a virtio-mmio transport.
 * Virtual I/O Device (VIRTIO) Version 1.2, chapter 4.2. */
#ifndef KERN_DRIVER_VIRTIO_H
#define KERN_DRIVER_VIRTIO_H

#include <util.h>

#define VIRTIO_MMIO_SIZE 0x200 /* bytes of registers every transport has */

struct virtio_driver {
    const char *name;
    bool early; /* before there are memory and interrupts */
    /* If the device whose registers are mapped at REGS is one of ours, set it
     * up and return 0; else -ENODEV.  => boot hart, once per device */
    int (*probe)(volatile void *regs, uint32_t irq);
};
TABLE_DECLARE(virtio, struct virtio_driver);

#endif
