/* random.h: numbers nobody outside can guess well enough for stack guards. */
#ifndef KERN_PROCESS_RANDOM_H
#define KERN_PROCESS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* 64 bits: a seed from the device tree, the clock and all that was asked,
 * mixed.  Not for cryptography. */
uint64_t random64(void);
void random_bytes(void *buf, size_t n);
/* To user memory: how many, as read() has it, or -EFAULT.  => may sleep */
long random_to_user(uintptr_t buf, size_t n);
void random_stir(const void *seed, size_t n); /* at boot */

#endif
