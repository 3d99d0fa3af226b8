/* timer.h: this hart's timer interrupt. */
#ifndef KERN_ARCH_RISCV_TIMER_H
#define KERN_ARCH_RISCV_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* All harts have the Sstc extension (csr stimecmp); else the firmware is
 * asked.  Set once, before the first timer_set(). */
extern bool timer_has_sstc;

/* Interrupt this hart once time_now() reaches TIME; UINT64_MAX: not at all.
 * => interrupts off */
void timer_set(uint64_t time);

#endif
