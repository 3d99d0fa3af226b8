/* cpu.h for the explorer: the real one, except that register tp is the
 * variable of the virtual hart.  The header has one line of assembly, in
 * current_tcb(); it becomes an assignment here. */
#ifndef EXPLORE_CPU_H
#define EXPLORE_CPU_H

#include "../../../explore.h"
#include "arch/riscv/csr.h"

#define __asm__(...) t = explore_tcb[explore_hart]
#include "kern/arch/riscv/cpu.h"
#undef __asm__

#endif
