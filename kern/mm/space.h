/* space.h: which address space a hart runs, and copies of spaces. */
#ifndef KERN_MM_SPACE_H
#define KERN_MM_SPACE_H

#include "mm/vmm.h"

void space_init(void); /* once, at boot: threads may have spaces */

/* The calling thread runs in MM from now on; NULL: in none, its hart keeps what
 * it has.  The thread is a user of MM, and stays one until it says so.
 * => no spinlock held */
void mm_use(struct mm_struct *mm);
/* This hart lets go of the space that it only keeps because nobody wanted
 * another one since.  => the calling thread runs in none */
void mm_lazy_drop(void);
/* Some hart keeps a space like that. */
bool mm_lazy_any(void);

/* What was stored into MM's pages may be executed: every hart fetches it anew
 * before it runs MM's code again.  => before the entry says X; spinlocks may be
 * held */
void mm_sync_code(struct mm_struct *mm);

/* Load SATP, of MM's root or (NULL) the kernel's, and forget what was remembered
 * of other roots.  WEAK: everything; kern/ext can do with less.  => interrupts
 * off, the hart's bit in mm->harts set, a fence since */
void mm_load_root(struct mm_struct *mm, uint64_t satp);

/* A copy of MM: same areas; private layers are shared until written; shared and
 * read-only pages are left to be faulted in.  NULL: no memory, MM unchanged.
 * => may sleep; closes MM's gate */
struct mm_struct *mm_copy(struct mm_struct *mm);
/* May map in CHILD some of the private pages that MM maps, for reading; does
 * nothing here.  => MM's gate is closed, nobody knows CHILD yet */
void copy_eagerly(struct mm_struct *mm, struct mm_struct *child);

/* MM was copied, and its layers know their twins: a page of MM that somebody relies
 * on (page->pins) is not shared with the copy; does nothing here.  0 or -ENOMEM.
 * => MM's gate is closed, and no hart can write to what MM shares */
MUST_CHECK int pin_copy(struct mm_struct *mm);

/* User memory at ADDR from kernel code, through the tables and the fault path
 * (a debugger, tests).  Returns 0 or -EFAULT.  => may sleep */
int mm_access(struct mm_struct *mm, uintptr_t addr, void *buf, size_t n,
              bool write);

#endif
