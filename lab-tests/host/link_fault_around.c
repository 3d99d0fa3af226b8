/* link_fault_around.c: kern/ext/mm/fault_around.c for the tests of mm_world.h. */
#include "shim.h"

#define sched_yield world_yield /* the C library has one, too */
#include "kern/ext/mm/fault_around.c"
