/* sleep.h: a hart with nothing to do. */
#ifndef KERN_ARCH_RISCV_SLEEP_H
#define KERN_ARCH_RISCV_SLEEP_H

#include <stdbool.h>

/* Wait for an interrupt, which is taken when they are on again.
 * => idle thread, interrupts off */
void cpu_sleep(void);

/* True: logical hart I sleeps, and before it does anything else it forgets all
 * translations and instructions that it knows now.  False: it has to be asked.
 * => the caller has cleared the entries and made that seen (atomic_fence) */
bool cpu_forgets_when_it_wakes(unsigned i);

#endif
