/* timer.h: this hart's timer interrupt. */
#ifndef KERN_ARCH_RISCV_TIMER_H
#define KERN_ARCH_RISCV_TIMER_H

#include <stdint.h>

/* Interrupt this hart once time_now() reaches TIME; UINT64_MAX: not at all.
 * The firmware is asked; kern/ext knows a faster way for newer harts.
 * => interrupts off */
void timer_set(uint64_t time);

#endif
