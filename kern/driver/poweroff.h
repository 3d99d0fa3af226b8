/* poweroff.h: the "sifive,test" device of QEMU, a power switch with an exit
 * code (SiFive FU540-C000 manual has no chapter on it; QEMU documentation,
 * "virt" board, and hw/misc/sifive_test: a 32-bit register, 0x5555 is success,
 * CODE << 16 | 0x3333 failure). */
#ifndef KERN_DRIVER_POWEROFF_H
#define KERN_DRIVER_POWEROFF_H

#include <stdint.h>

static inline void
test_device_exit(volatile uint32_t *reg, int code)
{
    *reg = code == 0 ? 0x5555 : (uint32_t)code << 16 | 0x3333;
}

#endif
