/* asid_bits.h: how wide the ASID field of satp is on this hart. */
#ifndef KERN_EXT_INIT_ASID_BITS_H
#define KERN_EXT_INIT_ASID_BITS_H

#include "arch/riscv/cpu.h"
#include "mm/tlb.h"

/* How many of its bits can be set, 0: no ASIDs.  The kernel's part of the space is the
 * same under every number. */
static inline unsigned
asid_bits(void)
{
    uint64_t old, got;

    irq_off();
    old = csr_read(satp);
    csr_write(satp, old | SATP_ASID_MASK);
    got = csr_read(satp) & SATP_ASID_MASK;
    csr_write(satp, old);
    sfence_vma_all();
    irq_restore();
    return (unsigned)__builtin_popcountl(got);
}

#endif
