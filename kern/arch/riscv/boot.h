/* boot.h: what the assembly of the boot and the first C code share. */
#ifndef KERN_ARCH_RISCV_BOOT_H
#define KERN_ARCH_RISCV_BOOT_H

#include "arch/riscv/cpu.h"
#include "arch/riscv/pte.h"

/* The table of the kernel's top 512 GiB, in every paging mode. */
extern pte_t top_table[PTES_PER_TABLE];

/* Map the image loaded at PA; returns the satp that does so.  => MMU off */
uint64_t boot_map(paddr_t pa);

/* What _start_other reads, with the MMU off; four words in this order. */
struct hart_start {
    uint64_t satp;      /* [a] stored last: the rest is valid */
    struct tcb *thread; /* its idle thread */
    uintptr_t sp;
    uint64_t hartid;
};
_Static_assert(sizeof(struct hart_start) == 32, "entry.S");

/* By logical id; a hart that got lost finds its own here (entry.S). */
extern struct hart_start hart_starts[NCPU_MAX];

extern char _start[], _start_other[], trap_entry[], boot_stack_end[];

/* Refuse an image that was not loaded at a multiple of 2 MiB; in the core, just
 * stop.  => MMU off, bss not cleared */
void boot_refuse_unaligned(paddr_t pa, const void *dtb);

/* Where entry.S goes on, above KERNEL_BASE.  ENTRY_TIME: time_now() of the
 * first instructions. */
void kern_init(uint64_t hartid, paddr_t dtb, uint64_t entry_time);
void kern_init_other(void);

#endif
