/* fp.h: the floating-point registers, which only user programs use.
 * => sstatus.FS is not Off */
#ifndef KERN_ARCH_RISCV_FP_H
#define KERN_ARCH_RISCV_FP_H

#include <stdbool.h>
#include <stdint.h>

struct fp_state {
    uint64_t f[32];
    uint32_t fcsr;
};

void fp_store(struct fp_state *to);
void fp_load(const struct fp_state *from);
/* Can sstatus.FS be set at all?  => interrupts off; leaves it Off */
bool fp_present(void);

#endif
