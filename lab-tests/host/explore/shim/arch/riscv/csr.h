/* csr.h for the explorer: the names of the real one, and the registers of a
 * virtual hart. */
#ifndef EXPLORE_CSR_H
#define EXPLORE_CSR_H

#define __ASSEMBLER__
#include "kern/arch/riscv/csr.h"
#undef __ASSEMBLER__

#include "../../../explore.h"
#include <stdbool.h>
#include <stdint.h>

#define csr_read(name)             explore_csr_read(#name)
#define csr_write(name, v)         explore_csr_write(#name, v)
#define csr_set(name, bits)        explore_csr_set(#name, bits)
#define csr_clear(name, bits)      ((void)explore_csr_clear(#name, bits))
#define csr_read_clear(name, bits) explore_csr_clear(#name, bits)

static inline uint64_t
time_now(void)
{
    return explore_time();
}

static inline uint64_t
instret_now(void)
{
    return 0;
}

static inline void
wfi(void)
{
    explore_wfi();
}

static inline void
cpu_relax(void)
{
    explore_spin();
}

#endif
