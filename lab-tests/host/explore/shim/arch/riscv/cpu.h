/* cpu.h for the explorer: the real one, except that register tp, which it
 * declares, is a function that asks for the virtual hart. */
#ifndef EXPLORE_CPU_H
#define EXPLORE_CPU_H

#include "../../../explore.h"
#include "arch/riscv/csr.h"

static inline struct tcb *
explore_tp()
{
    return explore_tcb[explore_hart];
}

#define tcb_in_tp explore_tp()
#define register
#define __asm__(name)
#include "kern/arch/riscv/cpu.h"
#undef __asm__
#undef register

#endif
