/* trap.h: where interrupts and faults come in. */
#ifndef KERN_TRAP_TRAP_H
#define KERN_TRAP_TRAP_H

#include "arch/riscv/trapframe.h"

/* This hart sends its traps to trap_entry from now on. */
void trap_init_cpu(void);

/* From trapentry.S, interrupts off, on the thread's kernel stack.  The second
 * one: sp was not on that stack. */
void trap_handler(struct trapframe *tf);
__attribute__((noreturn)) void trap_bad_stack(struct trapframe *tf);

void print_trapframe(const struct trapframe *tf);

#endif
