/* trace.c: from the event to whoever keeps it (a table; at most one does). */
#include "debug/trace.h"

bool trace_enabled;

void
trace_enable(bool on)
{
    trace_enabled = on;
}

void
trace_record(enum trace_id id, uint64_t a, uint64_t b)
{
    TABLE_FOR_EACH (trace, struct trace_ops, t)
        (*t)->record(id, a, b);
}

void
trace_dump(unsigned n)
{
    TABLE_FOR_EACH (trace, struct trace_ops, t)
        (*t)->dump(n);
}
