/* syscall_hook.h: how a system call leaves this floor upwards. */
#ifndef KERN_PROCESS_SYSCALL_HOOK_H
#define KERN_PROCESS_SYSCALL_HOOK_H

#include <stdint.h>

/* Serves a call: its arguments, the number last; becomes the user_call of each
 * task.  Set by syscall/, before the first task. */
extern long (*syscall_hook)(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6, uint64_t nr);

#endif
