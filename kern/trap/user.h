/* user.h: exceptions on behalf of a user program.  All with interrupts off. */
#ifndef KERN_TRAP_USER_H
#define KERN_TRAP_USER_H

#include "arch/riscv/trapframe.h"
#include <stdbool.h>

/* One from user mode, by trapentry.S, which has not saved s0..s11 yet.  Page
 * faults are served: 0.  Else what to tell user_trouble(). */
unsigned user_exception(struct trapframe *tf);
/* ... which has the whole frame, and tells the thread's user_trap(). */
void user_trouble(struct trapframe *tf, unsigned failed);

/* Before a thread goes back to user mode, when it is wanted (sync/wait.h), which
 * its user_trap() is told without a reason, or another should run. */
void user_leave(struct trapframe *tf);

/* What a page fault wanted, FAULT_READ and its like; 0: it is none. */
unsigned page_fault_rights(uint64_t cause);

/* One from the kernel: is it a page fault of a copy routine (mm/uaccess.h) that
 * could be served?  Then the instruction can run again. */
bool user_copy_fault(struct trapframe *tf);

/* ... or one of a copy routine at the kernel's end: nothing to recover from. */
bool user_copy_bug(const struct trapframe *tf);

#endif
