/* memlayout.h (host): RAM and the frame descriptors are anonymous memory of
 * the test; shim_memory() sets it up. */
#ifndef KERN_ARCH_RISCV_MEMLAYOUT_H
#define KERN_ARCH_RISCV_MEMLAYOUT_H

#define KERNEL_BASE 0xffffffff80000000
#define MEMMAP_BASE shim_memmap_base

#define KSTACK_SHIFT 14
#define KSTACK_SIZE  (1 << KSTACK_SHIFT)

#include "arch/riscv/pte.h"
#include <util.h>

extern uintptr_t shim_memmap_base;
extern paddr_t kernel_pa;
extern uintptr_t dmap_base;
extern unsigned paging_levels;

static inline void *
pa_to_va(paddr_t pa)
{
    return (void *)(pa + dmap_base);
}

static inline paddr_t
va_to_pa(const void *p)
{
    return (uintptr_t)p - dmap_base;
}

#endif
