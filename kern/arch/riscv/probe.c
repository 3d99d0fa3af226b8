/* probe.c: instructions that are allowed to fault.
 *
 * Each has an entry in section "extable": its own address, and the address to
 * go on at if it faults.  The trap handler looks there before it calls a fault
 * of the kernel a bug. */
#include "arch/riscv/probe.h"

struct extable_entry {
    uintptr_t pc, go_on;
};

extern const struct extable_entry extable_start[], extable_end[];

uintptr_t
extable_find(uintptr_t pc)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
        if (e->pc == pc)
            return e->go_on;
    }
    return 0;
}

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

bool
probe_load(uintptr_t va)
{
    return GETS_THROUGH("ld %1, (%2)", va);
}

bool
probe_store(uintptr_t va)
{
    return GETS_THROUGH("sd zero, (%2)", va);
}

bool
probe_stimecmp(void)
{
    return GETS_THROUGH("csrr %1, 0x14d", 0);
}
