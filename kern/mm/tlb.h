/* tlb.h: make other harts forget translations. */
#ifndef KERN_MM_TLB_H
#define KERN_MM_TLB_H

#include "arch/riscv/cpu.h"
#include <stddef.h>

/* How other harts are told; TABLE_ADD(tlb_method, ...), chosen by tlb=. */
struct tlb_method {
    const char *name;
    void (*start)(void); /* chosen; may be NULL */
    /* The harts in SET, none of them this one and all online, forget
     * [VA, VA+SIZE) before this returns. */
    void (*shootdown)(uint64_t set, uintptr_t va, size_t size);
    void (*sync_code)(uint64_t set); /* the same with fence.i */
};
TABLE_DECLARE(tlb_method, struct tlb_method);

/* Choose the method.  Returns -EINVAL if there is none of that name. */
int tlb_select(const char *name);
const char *tlb_method_name(void);

/* The logical harts in CPUS, but not this one, forget [VA, VA+SIZE) before this
 * returns.  Returns how many had to know, also those asleep.
 * => no lock of RANK_TLB or later; interrupts may be off */
unsigned tlb_shootdown(uint64_t cpus, uintptr_t va, size_t size);

/* The harts in CPUS, but not this one, fetch anew what this one stored. */
void tlb_sync_code(uint64_t cpus);

/* This hart forgets [VA, VA+SIZE). */
void tlb_flush_local(uintptr_t va, size_t size);

/* All harts forget part of the kernel's half. */
void tlb_flush_kernel(uintptr_t va, size_t size);

/* From the software interrupt: what a method without firmware needs; may be
 * NULL. */
extern void (*tlb_interrupt)(void);

#endif
