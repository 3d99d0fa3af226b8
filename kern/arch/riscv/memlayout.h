/* memlayout.h: who lives where in the kernel's half of the address space.
 *
 *   ffffffff_c0000000   last GiB     nothing; small negative numbers fault
 *   ffffffff_80000000   KERNEL_BASE  the kernel image, linked here
 *   fffffff4_00000000   DEVICE_BASE  device registers, boot windows
 *   fffffff0_00000000   MEMMAP_BASE  struct page of every frame (16 GiB)
 *   ffffffe0_00000000   VMAP_BASE    kernel stacks and the holes below them (1 GiB)
 *   dmap_base           all of RAM, at RAM address + dmap_base
 *                       Sv39: -256 GiB   Sv48: -2^47   Sv57: -2^56
 *
 * All but the direct map lie in the top 128 GiB, in every paging mode: one
 * "top table", shaped like an Sv39 root, serves all of them.  Sv39 uses it as
 * its root; in Sv48 and Sv57 it hangs below the last entry of the wider root.
 *
 * The user half is 0 .. 2^38 / 2^47 / 2^56.  The kernel half begins at the
 * sign-extended middle of the space. */
#ifndef KERN_ARCH_RISCV_MEMLAYOUT_H
#define KERN_ARCH_RISCV_MEMLAYOUT_H

#define KERNEL_BASE 0xffffffff80000000
#define DEVICE_BASE 0xfffffff400000000
#define MEMMAP_BASE 0xfffffff000000000
#define MEMMAP_SIZE 0x0000000400000000
#define VMAP_BASE   0xffffffe000000000
#define VMAP_SIZE   0x0000000040000000

/* The image is mapped by this many last-level tables (2 MiB each). */
#define KERNEL_TABLES   4
#define KERNEL_MAX_SIZE (KERNEL_TABLES << 21)

/* Kernel stacks have a hole below them; trapentry.S also compares sp with the
 * thread's stack before it stores anything. */
#define KSTACK_SHIFT 14
#define KSTACK_SIZE  (1 << KSTACK_SHIFT)

#ifndef __ASSEMBLER__

#include "arch/riscv/pte.h"
#include <util.h>

/* Set once by arch/riscv/boot.c, before any C code runs above KERNEL_BASE. */
extern paddr_t kernel_pa; /* where the image was loaded */

/* Set once when the final page tables are switched on. */
extern uintptr_t dmap_base;
extern unsigned paging_levels; /* 3, 4 or 5 */

/* From kernel.ld. */
extern char image_start[], text_end[], rodata_end[], data_end[], image_end[];

/* A physical address, as seen through the direct map.  Only RAM is there. */
static inline void *
pa_to_va(paddr_t pa)
{
    return (void *)(pa + dmap_base);
}

/* The physical address of a byte of the image or of the direct map. */
static inline paddr_t
va_to_pa(const void *p)
{
    uintptr_t va = (uintptr_t)p;

    if (va >= KERNEL_BASE)
        return va - KERNEL_BASE + kernel_pa;
    return va - dmap_base;
}

#endif
#endif
