/* test_kmalloc_core.c: test_kmalloc.c, with nothing of kern/ext before
 * the core's allocators. */
#define CORE_ONLY
#include "test_kmalloc.c"
