/* utest_range.h: see utest_range.c. */
#ifndef LAB_TESTS_KERNEL_UTEST_RANGE_H
#define LAB_TESTS_KERNEL_UTEST_RANGE_H

#include <stdint.h>

/* ARG: the address of a struct utest_range, filled in.  0 or -EFAULT */
long utest_range(uintptr_t arg);
/* No test runs: what the last one left is given back. */
void utest_range_reset(void);

#endif
