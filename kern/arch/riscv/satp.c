/* satp.c: try 57, 48, 39; the first that sticks it is. */
#include "arch/riscv/satp.h"

#include "arch/riscv/boot.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/memlayout.h"

#define TABLE __attribute__((aligned(4096), section(".bss.pages")))

static pte_t root48[PTES_PER_TABLE] TABLE;
static pte_t root57[PTES_PER_TABLE] TABLE;

static const struct mode {
    unsigned levels;
    uint64_t number;
    pte_t *root;
    uintptr_t dmap_base;
} modes[] = {
    {5, SATP_MODE_SV57, root57, 0xff00000000000000},
    {4, SATP_MODE_SV48, root48, 0xffff800000000000},
    {3, SATP_MODE_SV39, top_table, 0xffffffc000000000},
};

static const struct mode *mode = &modes[ARRAY_LEN(modes) - 1];
uint64_t kernel_satp;

static uint64_t
satp_of(const struct mode *m)
{
    return (m->number << SATP_MODE_SHIFT) | (va_to_pa(m->root) >> PAGE_SHIFT);
}

void
satp_select(unsigned max_levels)
{
    root57[PTES_PER_TABLE - 1] = pte_make(va_to_pa(root48), PTE_V);
    root48[PTES_PER_TABLE - 1] = pte_make(va_to_pa(top_table), PTE_V);
    for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
        if (modes[i].levels > max_levels)
            continue;
        mode = &modes[i];
        sfence_vma_all();
        csr_write(satp, satp_of(mode));
        sfence_vma_all();
        if (csr_read(satp) == satp_of(mode))
            break;
    }
    kernel_satp = satp_of(mode);
    paging_levels = mode->levels;
    dmap_base = mode->dmap_base;
}

uint64_t
satp_of_root(const pte_t *root)
{
    return (mode->number << SATP_MODE_SHIFT) | va_to_pa(root) >> PAGE_SHIFT;
}

pte_t *
satp_kernel_root(void)
{
    return mode->root;
}
