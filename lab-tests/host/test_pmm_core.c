/* test_pmm_core.c: test_pmm.c, with nothing of kern/ext before mm/pmm.c. */
#define CORE_ONLY
#include "test_pmm.c"
