/* boot.c: the first page table, built with the MMU off.
 *
 *     satp -> top_table (shape of an Sv39 root)
 *               [510] -> image_l1 -> image_l0[0..3] -> the image, page by page,
 *                                    text RX, rodata R, data RW
 *
 * Nothing else is mapped; everything later hangs itself into top_table, which
 * stays in use in every paging mode (memlayout.h).  This code runs at physical
 * addresses, so it may use no pointer that the linker computed; the
 * compiler's pc-relative addressing makes plain variables and functions safe. */
#include "arch/riscv/boot.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"

paddr_t kernel_pa;
uintptr_t dmap_base;
unsigned paging_levels = 3;

#define TABLE __attribute__((aligned(4096), section(".bss.pages")))

pte_t top_table[PTES_PER_TABLE] TABLE;
static pte_t image_l1[PTES_PER_TABLE] TABLE;
static pte_t image_l0[KERNEL_TABLES][PTES_PER_TABLE] TABLE;

/* Rights of the image page that begins OFFSET bytes into it. */
static uint64_t
rights_at(size_t offset)
{
    if (offset < (size_t)(text_end - image_start))
        return PTE_KERN_RX;
    if (offset < (size_t)(rodata_end - image_start))
        return PTE_KERN_R;
    return PTE_KERN_RW;
}

uint64_t
boot_map(paddr_t pa)
{
    size_t size = (size_t)(image_end - image_start);
    pte_t *l0 = &image_l0[0][0];

    kernel_pa = pa;
    for (size_t offset = 0; offset < size; offset += PAGE_SIZE)
        l0[offset / PAGE_SIZE] = pte_make(pa + offset, rights_at(offset));
    for (unsigned i = 0; i < KERNEL_TABLES; i++)
        image_l1[pte_index(KERNEL_BASE, 1) + i] =
            pte_make((paddr_t)image_l0[i], PTE_V);
    top_table[pte_index(KERNEL_BASE, 2)] = pte_make((paddr_t)image_l1, PTE_V);
    return (SATP_MODE_SV39 << SATP_MODE_SHIFT) |
           ((paddr_t)top_table >> PAGE_SHIFT);
}
