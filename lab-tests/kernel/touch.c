/* touch.c: accesses by this hart to a space that it runs. */
#include "touch.h"

#include "arch/riscv/csr.h"
#include "arch/riscv/probe.h"
#include "mm/fault.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "ublob.h"

/* Interrupts are off, so that the trap handler does not serve the fault: we want
 * to see it. */
bool
try_touch(struct mm_struct *mm, uintptr_t at, enum touch how)
{
    bool through;

    irq_off();
    mm_use(mm);
    csr_set(sstatus, SSTATUS_SUM);
    if (how == LOAD)
        through = probe_load(at);
    else if (how == STORE)
        through = probe_store(at);
    else
        through = GETS_THROUGH("amoadd.d %1, zero, (%2)", at);
    csr_clear(sstatus, SSTATUS_SUM);
    mm_use(NULL);
    mm_lazy_drop();
    irq_restore();
    return through;
}

unsigned
touch(struct mm_struct *mm, uintptr_t at, enum touch how)
{
    unsigned faults = 0;

    while (!try_touch(mm, at, how)) {
        unsigned r = do_pgfault(
            mm, (how == LOAD ? FAULT_READ : FAULT_WRITE) | FAULT_USER, at);

        CHECK((r & VM_FAULT_ERROR) == 0);
        if (++faults > 4)
            break;
    }
    return faults;
}
