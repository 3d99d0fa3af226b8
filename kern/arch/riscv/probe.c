/* probe.c: where to go on after a fault that was expected. */
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
