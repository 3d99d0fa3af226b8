/* link_around_mutants.c: kern/ext/mm/fault_around.c for explore_fault.c, with the
 * holes of two mutants. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "mm/fault_impl.h"
#include "mm_mutant.h"

/* Has the area another layer than we saw? */
#undef atomic_load_acquire
#define atomic_load_acquire(p)                  \
    (explore_mutant() == MUTANT_AROUND_NO_LAYER \
         ? f->layer                             \
         : (ATOMIC_POINT(p), __atomic_load_n(p, __ATOMIC_ACQUIRE)))
#define layer_find(l, index) \
    (explore_mutant() == MUTANT_AROUND_PRIVATE ? NULL : layer_find(l, index))
#include "kern/ext/mm/fault_around.c"
