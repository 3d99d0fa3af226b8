/* explore_pmm_core.c: explore_pmm.c, with nothing of kern/ext before
 * the core's allocators. */
#define CORE_ONLY
#include "explore_pmm.c"
