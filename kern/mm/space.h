/* space.h: which address space a hart runs, and copies of spaces. */
#ifndef KERN_MM_SPACE_H
#define KERN_MM_SPACE_H

#include "mm/vmm.h"

/* This hart runs MM from now on (NULL: only the kernel), and no longer PREV.
 * The bit in mm->harts is set before the first translation and cleared after
 * the last.  => interrupts off */
void mm_activate(struct mm_struct *prev, struct mm_struct *mm);

/* A copy of MM: same areas; private layers are shared until written; shared and
 * read-only pages are left to be faulted in.  NULL: no memory, MM unchanged.
 * => may sleep; closes MM's gate */
struct mm_struct *mm_copy(struct mm_struct *mm);
/* May map in CHILD some of the private pages that MM maps, for reading; does
 * nothing here.  => MM's gate is closed, nobody knows CHILD yet */
void copy_eagerly(struct mm_struct *mm, struct mm_struct *child);

/* User memory at ADDR from kernel code, through the tables and the fault path
 * (a debugger, tests).  Returns 0 or -EFAULT.  => may sleep */
int mm_access(struct mm_struct *mm, uintptr_t addr, void *buf, size_t n,
              bool write);

#endif
