/* user.h: exceptions on behalf of a user program.  All with interrupts off. */
#ifndef KERN_TRAP_USER_H
#define KERN_TRAP_USER_H

#include "arch/riscv/trapframe.h"
#include <stdbool.h>

/* One from user mode, by trapentry.S.  Page faults are served; everything else
 * is told to the thread's user_trap(). */
void user_exception(struct trapframe *tf);
/* Before such a thread goes back to user mode, when it was interrupted or
 * another should run. */
void user_leave(struct trapframe *tf);

/* Back to user mode after an interrupt: does somebody want something of the
 * thread (sync/wait.h)?  Then its user_trap() is told, without a reason. */
void user_leave(struct trapframe *tf);

/* One from the kernel: is it a page fault of a copy routine (mm/uaccess.h) that
 * could be served?  Then the instruction can run again. */
bool user_copy_fault(struct trapframe *tf);

/* ... or one of a copy routine at the kernel's end: nothing to recover from. */
bool user_copy_bug(const struct trapframe *tf);

#endif
