/* sleep.c: a hart that sleeps need not be woken to forget a translation, and nobody
 * waits until it has: it forgets everything when it wakes.
 *
 *     sender:   entries cleared | owes = 1   | asleep?  yes: done, no: ask it
 *     sleeper:  asleep = 1, wfi | asleep = 0 | owes?    yes: forget everything
 *
 * With a full fence at both bars, at least one of the two sees the other.  It sleeps
 * with the kernel's root: a walker that looks ahead must find no table of the space
 * it left, which may be freed meanwhile (Privileged Architecture, 4.2.1: entries may
 * be cached and walked at any time).  Interrupts are off until all this is done. */
#include "arch/riscv/sleep.h"

#include "arch/riscv/cpu.h"
#include "arch/riscv/satp.h"
#include <atomic.h>

static struct {
    uint32_t asleep; /* [a] */
    uint32_t owes;   /* [a] it was told something meanwhile */
} CACHE_ALIGNED sleepers[NCPU_MAX];

void
cpu_sleep(void)
{
    unsigned me = this_cpu()->id;
    uint64_t satp = csr_read(satp);

    csr_write(satp, kernel_satp);
    atomic_store(&sleepers[me].asleep, 1);
    wfi();
    atomic_store(&sleepers[me].asleep, 0);
    atomic_fence();
    if (atomic_load(&sleepers[me].owes) != 0) {
        atomic_swap_acquire(&sleepers[me].owes, 0);
        sfence_vma_all();
        fence_i();
    }
    csr_write(satp, satp);
}

bool
cpu_forgets_when_it_wakes(unsigned i)
{
    if (atomic_load(&sleepers[i].asleep) == 0)
        return false;
    atomic_store(&sleepers[i].owes, 1);
    atomic_fence();
    return atomic_load(&sleepers[i].asleep) != 0;
}
