/* fuzz_uncounted.h: the build counts branches for fuzz_fdt; who includes this does not ask. */
#ifndef LAB_TESTS_HOST_FUZZ_UNCOUNTED_H
#define LAB_TESTS_HOST_FUZZ_UNCOUNTED_H

#include <stdint.h>

void __sanitizer_cov_trace_pc_guard_init(uint32_t *guard, uint32_t *stop);
void __sanitizer_cov_trace_pc_guard(uint32_t *guard);
void __sanitizer_cov_trace_pc(void);
void
__sanitizer_cov_trace_pc_guard_init(uint32_t *guard, uint32_t *stop)
{
}
void
__sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
}
void
__sanitizer_cov_trace_pc(void)
{
}

#endif
