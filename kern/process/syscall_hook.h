/* syscall_hook.h: how a system call leaves this floor upwards. */
#ifndef KERN_PROCESS_SYSCALL_HOOK_H
#define KERN_PROCESS_SYSCALL_HOOK_H

#include "arch/riscv/trapframe.h"

/* tcb.calls of each task that is not traced. */
extern call_fn user_calls[CALLS_MAX];
/* What those of traced ones come to: makes the call TF asks for. */
void traced_call(struct trapframe *tf);

#endif
