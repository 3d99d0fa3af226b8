/* uaccess.h: user memory, as the thread that owns it sees it.
 *
 * Nothing else in the kernel follows a pointer that a program gave.  All work
 * in the space of the calling thread; a range that reaches out of the user's
 * half, or a thread without a space, is a range that faults at once.
 *
 * A page that is not there is brought in, if the caller may sleep: no spinlock,
 * no gate, interrupts on, and not between nofault_begin() and nofault_end().
 * Else the copy stops before it; who holds something copies, lets go, touches
 * the page, and tries again. */
#ifndef KERN_MM_UACCESS_H
#define KERN_MM_UACCESS_H

#include "schedule/thread.h"
#include <util.h>

/* Return how many bytes at the end were not copied: 0 if all were.  What
 * copy_from_user() could not fetch is zeroed in TO. */
MUST_CHECK size_t copy_from_user(void *to, uintptr_t from, size_t n);
/* As copy_from_user(), but what could not be fetched is left in TO as it was. */
MUST_CHECK size_t copy_from_user_part(void *to, uintptr_t from, size_t n);
MUST_CHECK size_t copy_to_user(uintptr_t to, const void *from, size_t n);
/* ... were not zeroed. */
MUST_CHECK size_t clear_user(uintptr_t to, size_t n);

/* Copy a string of less than N bytes and its end.  Returns its length; N if no
 * end is among the first N bytes; -EFAULT.  Reads no page beyond its end. */
MUST_CHECK long strncpy_from_user(char *to, uintptr_t from, size_t n);

/* Faults of copies fail at once; calls nest. */
static inline void
nofault_begin(void)
{
    current_thread()->nofault++;
}

static inline void
nofault_end(void)
{
    current_thread()->nofault--;
}

/* Until uaccess_return() the N bytes of kernel memory at BUF may take the place of
 * user memory in all of these but the string, for the calling thread: so what reads
 * and writes files for programs does so for the kernel, too. */
static inline void
uaccess_lend(void *buf, size_t n)
{
    current_thread()->lent = (uintptr_t)buf;
    current_thread()->lent_end = (uintptr_t)buf + n;
}

static inline void
uaccess_return(void)
{
    uaccess_lend(NULL, 0);
}

/* arch/riscv/uaccess.S: the copies themselves, unchecked; bytes left. */
size_t user_copy(void *to, const void *from, size_t n);
size_t user_zero(void *to, size_t n);
long user_string(char *to, const char *from, size_t n); /* -1: a fault */

#endif
