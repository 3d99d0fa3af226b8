/* adprobe.h: does this hart set the A and D bits of an entry, or trap? */
#ifndef KERN_MM_ADPROBE_H
#define KERN_MM_ADPROBE_H

#include "arch/riscv/cpu.h"

/* Try it and remember it in cpu->ad_behaviour.  => one hart at a time, traps
 * work, interrupts off.  Returns -ENOMEM if there is no page to try on. */
int ad_probe(struct cpu *cpu);
const char *ad_behaviour_name(enum ad_behaviour b);

#endif
