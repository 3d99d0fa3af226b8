/* trapframe.h: the registers of an interrupted program, as trapentry.S lays
 * them down on the kernel stack, and the registers a thread keeps while it
 * does not run, as switch.S does. */
#ifndef KERN_ARCH_RISCV_TRAPFRAME_H
#define KERN_ARCH_RISCV_TRAPFRAME_H

/* Offsets for the assembly; the assertions below check them. */
#define TF_SEPC    256
#define TF_SSTATUS 264
#define TF_SCAUSE  272
#define TF_STVAL   280
#define TF_SIZE    288

/* What of user_exception()'s result says that it did not help. */
#define USER_FAILED 0x40f

#ifndef __ASSEMBLER__

#include "arch/riscv/csr.h"
#include <stdbool.h>
#include <stdint.h>

/* Index into trapframe.x: the ABI names of some registers. */
enum { X_RA = 1, X_SP = 2, X_TP = 4, X_FP = 8, X_A0 = 10, X_A7 = 17 };

struct trapframe {
    uint64_t x[32]; /* x[0]: the first argument of a call */
    uint64_t sepc;
    uint64_t sstatus;
    uint64_t scause;
    uint64_t stval;
};

_Static_assert(__builtin_offsetof(struct trapframe, sepc) == TF_SEPC &&
                   __builtin_offsetof(struct trapframe, sstatus) ==
                       TF_SSTATUS &&
                   __builtin_offsetof(struct trapframe, scause) == TF_SCAUSE &&
                   __builtin_offsetof(struct trapframe, stval) == TF_STVAL &&
                   sizeof(struct trapframe) == TF_SIZE,
               "trapentry.S");

static inline bool
trap_from_user(const struct trapframe *tf)
{
    return (tf->sstatus & SSTATUS_SPP) == 0;
}

/* Leave for user mode with the registers of TF, whose sstatus is 0 but for
 * SPIE; the kernel stack is empty afterwards.  => no lock held */
__attribute__((noreturn)) void trap_enter_user(const struct trapframe *tf);

struct context {
    uint64_t ra, sp, s[12];
};

struct tcb;

/* Save into FROM, load TO, and let tp be NEXT.  Returns when somebody switches
 * back to FROM. */
void context_switch(struct context *from, struct context *to, struct tcb *next);

#endif
#endif
