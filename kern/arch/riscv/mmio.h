/* mmio.h: read and write the registers of a device.
 *
 * A register access is one access of exactly that width, and the fences order
 * it against ordinary memory: what was stored before a register is written is
 * visible to the device, and what is loaded after a register was read is not
 * older than the answer.  Accesses to one device keep their order by
 * themselves.  The RISC-V Instruction Set Manual, volume I: FENCE (its I and
 * O bits stand for device input and output).
 *
 * Host tests replace this file by a device made of code. */
#ifndef KERN_ARCH_RISCV_MMIO_H
#define KERN_ARCH_RISCV_MMIO_H

#include <stdint.h>

/* mmio_read8(p), mmio_write8(p, v), and the same for 32 bits. */
#define MMIO_ACCESSORS(bits)                                                  \
    static inline uint##bits##_t mmio_read##bits(const volatile void *reg)    \
    {                                                                         \
        uint##bits##_t v = *(const volatile uint##bits##_t *)reg;             \
                                                                              \
        __asm__ volatile("fence i, ir" : : : "memory");                       \
        return v;                                                             \
    }                                                                         \
                                                                              \
    static inline void mmio_write##bits(volatile void *reg, uint##bits##_t v) \
    {                                                                         \
        __asm__ volatile("fence w, o" : : : "memory");                        \
        *(volatile uint##bits##_t *)reg = v;                                  \
    }

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(32)

#undef MMIO_ACCESSORS

/* Order everything before against everything after, memory and devices. */
static inline void
mmio_fence(void)
{
    __asm__ volatile("fence iorw, iorw" : : : "memory");
}

#endif
