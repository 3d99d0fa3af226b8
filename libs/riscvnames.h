/* riscvnames.h: what registers and trap causes are called, for messages. */
#ifndef LIBS_RISCVNAMES_H
#define LIBS_RISCVNAMES_H

#include <stdint.h>

/* Of register x[I], in the words of the calling convention (RISC-V ELF psABI);
 * x[0] is "zero". */
extern const char *const riscv_reg_names[32];

/* "load page fault" and so on, for a scause that is no interrupt (Privileged
 * Architecture 1.12, table 4.2); "?" for numbers that have no name. */
const char *riscv_cause_name(uint64_t cause);

#endif
