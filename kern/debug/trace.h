/* trace.h: the last things each hart did, kept in a ring.
 *
 * An event is four words: when, what, two arguments.  Recording is a few
 * stores; with tracing off it is one load and a branch.  panic() prints the
 * tail, the monitor prints more. */
#ifndef KERN_DEBUG_TRACE_H
#define KERN_DEBUG_TRACE_H

#include "arch/riscv/cpu.h"
#include <stdint.h>

/* X(ENUM, "name", "format of the two arguments") */
#define TRACE_LIST(X)                                    \
    X(TRACE_SWITCH, "switch", "from tid %lu to tid %lu") \
    X(TRACE_WAKE, "wake", "tid %lu on hart %lu")         \
    X(TRACE_IRQ, "irq", "cause %lu sepc %#lx")           \
    X(TRACE_FAULT, "fault", "cause %lu at %#lx")         \
    X(TRACE_ALLOC, "alloc", "pfn %#lx order %lu")        \
    X(TRACE_FREE, "free", "pfn %#lx order %lu")          \
    X(TRACE_PGFAULT, "pgfault", "kind %lu at %#lx")      \
    X(TRACE_PGDONE, "pgdone", "frame %#lx, %lu ticks")   \
    X(TRACE_THREAD, "thread", "tid %lu state %lu")       \
    X(TRACE_TEST, "test", "%lu %lu")

enum trace_id {
#define X(id, name, fmt) id,
    TRACE_LIST(X)
#undef X
        TRACE_COUNT
};

extern bool trace_enabled; /* boot argument trace=on */

/* Keep an event, and print the last N of all harts, oldest first.  Both do
 * nothing here; kern/ext/debug/trace.c replaces them. */
void trace_record(enum trace_id id, uint64_t a, uint64_t b);
void trace_dump(unsigned n);

static inline void
trace(enum trace_id id, uint64_t a, uint64_t b)
{
    if (unlikely(trace_enabled))
        trace_record(id, a, b);
}

#endif
