/* pte.h: one page-table entry, the same in Sv39, Sv48 and Sv57.
 *
 *    63..54      53 ........ 10     9 8   7 6 5 4 3 2 1 0
 *   must be 0 |  page number    |  RSW | D A G U X W R V
 *
 * V valid; R W X rights (all 0: points to the next table); U user page; G in
 * every address space; A was accessed; D was written; RSW two bits for us.
 * W without R is reserved and faults.
 *
 * Privileged Architecture 1.12, sections 4.3.1, 4.4 and 4.5. */
#ifndef KERN_ARCH_RISCV_PTE_H
#define KERN_ARCH_RISCV_PTE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT     12
#define PAGE_SIZE      (1ul << PAGE_SHIFT)
#define PAGE_MASK      (PAGE_SIZE - 1)
#define PAGE_DOWN(a)   ((a) & ~PAGE_MASK)
#define PAGE_UP(a)     PAGE_DOWN((a) + PAGE_MASK)
#define PTE_INDEX_BITS 9
#define PTES_PER_TABLE (1u << PTE_INDEX_BITS)

typedef uint64_t pte_t;
typedef uint64_t paddr_t; /* a physical address */
typedef uint64_t pfn_t;   /* a physical page number: paddr >> PAGE_SHIFT */

#define PTE_V         (1ul << 0)
#define PTE_R         (1ul << 1)
#define PTE_W         (1ul << 2)
#define PTE_X         (1ul << 3)
#define PTE_U         (1ul << 4)
#define PTE_G         (1ul << 5)
#define PTE_A         (1ul << 6)
#define PTE_D         (1ul << 7)
#define PTE_SOFT0     (1ul << 8)
#define PTE_SOFT1     (1ul << 9)
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  (((1ul << 44) - 1) << PTE_PPN_SHIFT)
#define PTE_RWX       (PTE_R | PTE_W | PTE_X)
#define PTE_FLAGS     ((1ul << PTE_PPN_SHIFT) - 1)

/* Kernel leaves always have A (and D where writable) set: some harts trap
 * instead of setting them, and the kernel must not fault on its own pages. */
#define PTE_KERN_RX (PTE_V | PTE_R | PTE_X | PTE_G | PTE_A)
#define PTE_KERN_R  (PTE_V | PTE_R | PTE_G | PTE_A)
#define PTE_KERN_RW (PTE_V | PTE_R | PTE_W | PTE_G | PTE_A | PTE_D)

static inline pte_t
pte_make(paddr_t pa, uint64_t flags)
{
    return ((pte_t)(pa >> PAGE_SHIFT) << PTE_PPN_SHIFT) | flags;
}

static inline paddr_t
pte_pa(pte_t pte)
{
    return ((pte & PTE_PPN_MASK) >> PTE_PPN_SHIFT) << PAGE_SHIFT;
}

static inline bool
pte_is_leaf(pte_t pte)
{
    return (pte & PTE_V) != 0 && (pte & PTE_RWX) != 0;
}

static inline bool
pte_is_table(pte_t pte)
{
    return (pte & PTE_V) != 0 && (pte & PTE_RWX) == 0;
}

#define PAGING_LEVELS_MAX 5 /* Sv57 */

/* Level 0 holds 4 KiB leaves, 1 holds 2 MiB, 2 holds 1 GiB, 3 holds 512 GiB. */
static inline unsigned
pte_shift(unsigned level)
{
    return PAGE_SHIFT + PTE_INDEX_BITS * level;
}

static inline uint64_t
pte_span(unsigned level)
{
    return 1ul << pte_shift(level);
}

static inline unsigned
pte_index(uintptr_t va, unsigned level)
{
    return (va >> pte_shift(level)) & (PTES_PER_TABLE - 1);
}

#endif
