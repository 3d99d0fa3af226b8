/* mmio.h on the host: device registers are made of code.
 *
 * The test that uses a driver defines the two functions; each call says which
 * address was touched and how wide the access was. */
#ifndef KERN_ARCH_RISCV_MMIO_H
#define KERN_ARCH_RISCV_MMIO_H

#include <stdint.h>

uint64_t mock_mmio_read(uintptr_t addr, unsigned bytes);
void mock_mmio_write(uintptr_t addr, unsigned bytes, uint64_t v);

#define MMIO_ACCESSORS(bits)                                                  \
    static inline uint##bits##_t mmio_read##bits(const volatile void *reg)    \
    {                                                                         \
        return (uint##bits##_t)mock_mmio_read((uintptr_t)reg, bits / 8);      \
    }                                                                         \
                                                                              \
    static inline void mmio_write##bits(volatile void *reg, uint##bits##_t v) \
    {                                                                         \
        mock_mmio_write((uintptr_t)reg, bits / 8, v);                         \
    }

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)
MMIO_ACCESSORS(64)

#undef MMIO_ACCESSORS

static inline void
mmio_fence(void)
{
}

#endif
