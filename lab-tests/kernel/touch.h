/* touch.h: accesses by this hart to a space that it runs, so that it sets A and D
 * (or traps, where it does not). */
#ifndef LAB_TESTS_KERNEL_TOUCH_H
#define LAB_TESTS_KERNEL_TOUCH_H

#include "ktest.h"
#include "mm/vmm.h"

enum touch { LOAD, STORE, AMO };

/* One access to the word at AT.  True: it got through. */
bool try_touch(struct mm_struct *mm, uintptr_t at, enum touch how);
/* The same, with faults served.  Returns how many there were. */
unsigned touch(struct mm_struct *mm, uintptr_t at, enum touch how);

#endif
