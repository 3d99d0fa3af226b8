/* adprobe.c: map a page with A and D clear, touch it, and look.
 *
 * Privileged Architecture 1.12, 4.3.1 allows both: the hart sets the bits by
 * itself, or raises a page fault so that the kernel sets them (Svade).  A hart
 * that sets A but traps for D counts as one that traps. */
#include "mm/adprobe.h"

#include "arch/riscv/probe.h"
#include "mm/kmap.h"
#include "mm/pgtable.h"
#include <errno.h>

/* The last page of the stack area is never a stack. */
#define PROBE_VA (VMAP_BASE + VMAP_SIZE - PAGE_SIZE)

int
ad_probe(struct cpu *cpu)
{
    struct page *p = alloc_pages(0);
    bool loaded, stored;
    unsigned level;
    pte_t pte;
    int err;

    if (p == NULL)
        return -ENOMEM;
    err = kmap_page(PROBE_VA, page_to_pa(p), PTE_V | PTE_R | PTE_W | PTE_G);
    if (err != 0) {
        free_pages(p, 0);
        return err;
    }
    loaded = probe_load(PROBE_VA);
    stored = probe_store(PROBE_VA);
    pte = *kmap_find(PROBE_VA, &level);
    cpu->ad_behaviour = loaded && stored && (pte & PTE_A) && (pte & PTE_D)
                            ? AD_HARDWARE
                            : AD_TRAPS;
    if (cpu->ad_behaviour == AD_TRAPS)
        ad_by_software = true; /* on one hart, so on all */
    kmap_unmap(PROBE_VA);
    sfence_vma_page(PROBE_VA);
    free_pages(p, 0);
    return 0;
}

const char *
ad_behaviour_name(enum ad_behaviour b)
{
    return b == AD_HARDWARE ? "hardware" : b == AD_TRAPS ? "traps" : "?";
}
