/* probe.h: instructions that are allowed to fault.
 *
 * Each has an entry in section "extable": its own address, and the address to
 * go on at if it faults.  The trap handler looks there before it calls a fault
 * of the kernel a bug. */
#ifndef KERN_ARCH_RISCV_PROBE_H
#define KERN_ARCH_RISCV_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/* Run INSTRUCTION, which may write %1 and read %2, and say if it got through:
 * then the next one sets the answer, which a fault skips. */
#define GETS_THROUGH(instruction, operand)               \
    ({                                                   \
        uint64_t ok_ = 0, v_;                            \
        __asm__ volatile("1: " instruction "\n"          \
                         "li %0, 1\n"                    \
                         "2:\n"                          \
                         ".pushsection extable, \"a\"\n" \
                         ".balign 8\n"                   \
                         ".dword 1b, 2b\n"               \
                         ".popsection\n"                 \
                         : "+r"(ok_), "=&r"(v_)          \
                         : "r"(operand)                  \
                         : "memory");                    \
        ok_ != 0;                                        \
    })

/* Store VALUE with INSTRUCTION, "sd" or "sw", at P, in user memory if SUM is set.  If it
 * faults, go on at FAULT. */
#define STORE_OR_GO(instruction, p, value, fault) \
    __asm__ goto("1: " instruction " %z1, %0\n"   \
                 ".pushsection extable, \"a\"\n"  \
                 ".balign 8\n"                    \
                 ".dword 1b, %l2\n"               \
                 ".popsection\n"                  \
                 :                                \
                 : "m"(*(p)), "rJ"(value)         \
                 : "memory"                       \
                 : fault)

/* One 8-byte load, or store of 0.  False: it faulted. */
bool probe_load(uintptr_t va);
bool probe_store(uintptr_t va);

/* Where to go on after a fault of the kernel at PC; 0: nowhere, it is a bug. */
uintptr_t extable_find(uintptr_t pc);

#endif
