/* tsan_mm_core.c: tsan_mm.c, with nothing of kern/ext before
 * the core's allocators. */
#define CORE_ONLY
#include "tsan_mm.c"
