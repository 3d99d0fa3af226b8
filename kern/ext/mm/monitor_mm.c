/* monitor_mm.c: adds commands about memory to ext/debug/monitor.c; a first reader
 * may skip it. */
#include "arch/riscv/csr.h"
#include "debug/printk.h"
#include "ext/debug/monitor.h"
#include "ext/mm/audit.h"
#include "mm/pmm.h"

static void
run_mem(int argc, char **argv)
{
    size_t blocks[MAX_ORDER + 1];

    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    cprintf("pages of 4 KiB: %lu, free: %lu\n", nr_managed_pages(),
            nr_free_pages());
    pmm_stat(blocks);
    cprintf("free blocks:\n");
    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        if (blocks[order] != 0)
            cprintf("  %8lu KiB x %lu\n", PAGE_SIZE / 1024 << order,
                    blocks[order]);
    }
    cprintf("kmalloc: %lu objects in %lu pages\n", kmalloc_in_use(),
            kmalloc_pages());
    kmalloc_print();
}

static const struct monitor_command mem_command = {
    .name = "mem",
    .args = "",
    .help = "how much memory is free, and in which pieces",
    .run = run_mem,
};
TABLE_ADD(monitor, mem_command);

/* The levels of the page table that SATP names; 0: translation is off. */
static unsigned
satp_levels(uint64_t satp)
{
    switch (satp >> SATP_MODE_SHIFT) {
    case SATP_MODE_SV39:
        return 3;
    case SATP_MODE_SV48:
        return 4;
    case SATP_MODE_SV57:
        return 5;
    default:
        return 0;
    }
}

/* All bits above the highest translated one are copies of it. */
static bool
is_canonical(uintptr_t va, unsigned levels)
{
    unsigned unused = 64 - pte_shift(levels);

    return (uintptr_t)((intptr_t)(va << unused) >> unused) == va;
}

/* "rwxugad" with a dash for each clear bit. */
static void
print_flags(pte_t pte)
{
    static const char letters[] = "rwxugad";

    for (unsigned i = 0; letters[i] != '\0'; i++)
        cprintf("%c", (pte & PTE_R << i) != 0 ? letters[i] : '-');
    cprintf(", soft bits %lu", (pte & (PTE_SOFT0 | PTE_SOFT1)) / PTE_SOFT0);
}

/* What is wrong with an entry that is valid; NULL: nothing. */
static const char *
pte_complaint(pte_t pte, unsigned level)
{
    if (pte >> (PTE_PPN_SHIFT + 44) != 0)
        return "a bit above the page number is set";
    if ((pte & (PTE_R | PTE_W)) == PTE_W)
        return "W without R is reserved";
    if (pte_is_table(pte) && level == 0)
        return "a table below the last level";
    if (pte_is_table(pte) && (pte & (PTE_A | PTE_D | PTE_U)) != 0)
        return "A, D and U are reserved in a table";
    if (pte_is_leaf(pte) && pte_pa(pte) % pte_span(level) != 0)
        return "the address is not aligned to the span";
    return NULL;
}

/* Follow VA from the table at physical ROOT, one line per level. */
static void
print_walk(paddr_t root, unsigned levels, uintptr_t va)
{
    paddr_t table = root;

    for (unsigned level = levels; level-- > 0;) {
        const pte_t *entry = (const pte_t *)pa_to_va(table);
        pte_t pte = entry[pte_index(va, level)];
        const char *complaint;

        cprintf("level %u: table %#lx [%3u] = 0x%016lx ", level, table,
                pte_index(va, level), pte);
        if ((pte & PTE_V) == 0) {
            cprintf("not valid: %#lx is not mapped\n", va);
            return;
        }
        complaint = pte_complaint(pte, level);
        if (complaint != NULL) {
            cprintf("broken: %s\n", complaint);
            return;
        }
        if (pte_is_leaf(pte)) {
            print_flags(pte);
            cprintf("\n%#lx -> %#lx, in a page of %lu KiB\n", va,
                    pte_pa(pte) + va % pte_span(level), pte_span(level) / 1024);
            return;
        }
        cprintf("table\n");
        table = pte_pa(pte);
    }
}

static void
run_pte(int argc, char **argv)
{
    uint64_t satp = csr_read(satp);
    unsigned levels = satp_levels(satp);
    uint64_t va;

    if (argc != 2 || !monitor_number(argv[1], &va)) {
        monitor_usage(argv[0]);
        return;
    }
    if (levels == 0) {
        cprintf("translation is off\n");
        return;
    }
    if (!is_canonical(va, levels)) {
        cprintf("%#lx is no Sv%u address: bits 63..%u must be equal\n", va,
                pte_shift(levels), pte_shift(levels) - 1);
        return;
    }
    print_walk((satp & SATP_PPN_MASK) << PAGE_SHIFT, levels, va);
}

static const struct monitor_command pte_command = {
    .name = "pte",
    .args = "VA",
    .help = "walk the page table for an address",
    .run = run_pte,
};
TABLE_ADD(monitor, pte_command);
