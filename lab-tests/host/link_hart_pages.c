/* link_hart_pages.c: kern/ext/mm/hart_pages.c for explore_pmm.c, and, if the
 * explorer asks for its mutant, one that empties a remote stack without the
 * stack's lock. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "ext/mm/countlock.h"

#define count_lock(count) \
    (explore_mutant() != 0 ? atomic_load(count) : count_lock(count))
#include "kern/ext/mm/hart_pages.c"
