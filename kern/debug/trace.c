/* trace.c: nobody keeps events, unless kern/ext does. */
#include "debug/trace.h"

bool trace_enabled;

__attribute__((weak)) void
trace_record(enum trace_id id, uint64_t a, uint64_t b)
{
}

__attribute__((weak)) void
trace_dump(unsigned n)
{
}
