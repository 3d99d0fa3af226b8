/* space_world.h: what explore_space.c plays to kern/mm/space.c and
 * kern/ext/init/asid.c: a TLB and an instruction cache per hart. */
#ifndef HOST_SPACE_WORLD_H
#define HOST_SPACE_WORLD_H

#include "arch/riscv/csr.h"

/* The explorer's csr.h has those of the assembler, which are ints in C. */
#undef BITS
#define BITS(v, shift) ((uint64_t)(v) << (shift))

void world_write_satp(uint64_t satp);
#undef csr_write
#define csr_write(name, v) world_write_satp(v)
void sfence_vma_all(void);
void sfence_vma_page(uintptr_t va);
void sfence_vma_asid(uint64_t asid);
void fence_i(void);

/* libs/string.h hides behind the C library's. */
unsigned long long strtoull_simple(const char *s, const char **end);

/* Harts have BITS of address space numbers. */
void world_asid_bits(unsigned bits);

#endif
