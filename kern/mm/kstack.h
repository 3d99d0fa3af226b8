/* kstack.h: kernel stacks, each with a hole below it. */
#ifndef KERN_MM_KSTACK_H
#define KERN_MM_KSTACK_H

#include <stddef.h>
#include <stdint.h>

/* The lowest byte of a stack of KSTACK_SIZE bytes; 0 if there is no memory.
 * => no lock of RANK_KMAP or later */
uintptr_t kstack_alloc(void);
void kstack_free(uintptr_t stack);

/* Take apart the stacks that wait for reuse, so that leaks can be counted.
 * Returns how many. */
size_t kstack_drain(void);

#endif
