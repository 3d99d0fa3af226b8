/* plic.h: the platform-level interrupt controller, which carries device
 * interrupts to the harts.  RISC-V PLIC Specification 1.0.0. */
#ifndef KERN_DRIVER_PLIC_H
#define KERN_DRIVER_PLIC_H

#include <machine.h>

/* REGS: plic_base mapped, plic_size bytes (NULL: there is none); logical hart I
 * is m->harts[I].  => once, before other harts */
void plic_init(const struct machine *m, volatile void *regs);
/* This hart takes interrupts from now on.  => interrupts off */
void plic_init_cpu(void);

/* Call HANDLER(ARG) for interrupt IRQ, on the boot hart, no locks held.
 * Returns -EINVAL for a number out of range, -EBUSY if it is taken. */
int plic_register(uint32_t irq, void (*handler)(void *arg), void *arg);
/* From the trap: serve what is pending on this hart. */
void plic_interrupt(void);

#endif
