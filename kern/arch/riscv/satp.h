/* satp.h: which paging modes the hart has, and the root of the kernel's tables.
 *
 *     Sv57  root57 --[511]--> root48 --[511]--> top_table
 *     Sv48                    root48 --[511]--> top_table
 *     Sv39                                      top_table
 *
 * All three reach the same top_table, so trying a wider mode is one write: the
 * running code stays mapped, and a mode the hart lacks leaves satp as it was
 * (Privileged Architecture 1.12, 4.1.11). */
#ifndef KERN_ARCH_RISCV_SATP_H
#define KERN_ARCH_RISCV_SATP_H

#include "arch/riscv/pte.h"

/* Switch to the widest mode the hart has, of at most MAX_LEVELS (3, 4, 5), and
 * set paging_levels and dmap_base.  => once, boot hart, before a direct map */
void satp_select(unsigned max_levels);

/* The root table in use, and the satp that every kernel thread runs with. */
pte_t *satp_kernel_root(void);
extern uint64_t kernel_satp; /* [I] */

/* The satp of another root. */
uint64_t satp_of_root(const pte_t *root);

#endif
