/* probe.h: touch memory that may fault, and live. */
#ifndef KERN_ARCH_RISCV_PROBE_H
#define KERN_ARCH_RISCV_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* One 8-byte load, or store of 0.  False: it faulted. */
bool probe_load(uintptr_t va);
bool probe_store(uintptr_t va);

/* The hart has csr stimecmp and the firmware lets us use it. */
bool probe_stimecmp(void);

/* Where to go on after a fault of the kernel at PC; 0: nowhere, it is a bug.
 * The places are pairs in section "extable" (see probe.c). */
uintptr_t extable_find(uintptr_t pc);

#endif
