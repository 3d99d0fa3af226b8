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

#define EXTABLE                     \
    ".pushsection extable, \"a\"\n" \
    ".balign 8\n"                   \
    ".dword 1b, 2b\n"               \
    ".popsection\n"

bool
probe_load(uintptr_t va)
{
    uint64_t ok = 0, v;

    __asm__ volatile("1: ld %1, (%2)\n"
                     "li %0, 1\n"
                     "2:\n" EXTABLE
                     : "+r"(ok), "=&r"(v)
                     : "r"(va)
                     : "memory");
    return ok != 0;
}

bool
probe_store(uintptr_t va)
{
    uint64_t ok = 0;

    __asm__ volatile("1: sd zero, (%1)\n"
                     "li %0, 1\n"
                     "2:\n" EXTABLE
                     : "+r"(ok)
                     : "r"(va)
                     : "memory");
    return ok != 0;
}

bool
probe_stimecmp(void)
{
    uint64_t ok = 0, v;

    __asm__ volatile("1: csrr %1, 0x14d\n"
                     "li %0, 1\n"
                     "2:\n" EXTABLE
                     : "+r"(ok), "=&r"(v)
                     :
                     : "memory");
    return ok != 0;
}
