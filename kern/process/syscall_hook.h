/* syscall_hook.h: how a system call leaves this floor upwards. */
#ifndef KERN_PROCESS_SYSCALL_HOOK_H
#define KERN_PROCESS_SYSCALL_HOOK_H

#include "arch/riscv/trapframe.h"

/* Serve the call in TF; set by syscall/, before the first task. */
extern void (*syscall_hook)(struct trapframe *tf);

#endif
