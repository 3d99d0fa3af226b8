/* tracering.h: reading what debug/trace.h has recorded, for tests and tools; adds
 * to it, a first reader may skip it. */
#ifndef KERN_EXT_DEBUG_TRACERING_H
#define KERN_EXT_DEBUG_TRACERING_H

#include "debug/trace.h"

struct trace_event {
    uint64_t time, id, a, b; /* ticks; enum trace_id; its two arguments */
};

/* Event of hart CPU that is AGE events old (0: the latest); false if it is
 * forgotten, or was never. */
bool trace_read(unsigned cpu, unsigned age, struct trace_event *e);

#endif
