/* mmtrace.c: adds a log of faults to mm/fault.c, in the ring of debug/trace.h; a
 * first reader may skip it.
 *
 * Two events for each pass, if tracing is on (boot argument trace=on, monitor
 * command "trace on"):
 *
 *     pgfault   kind, address     kind: what was done (MM_ANON, MM_COW, ...), or
 *                                 how it ended; numbers of mm/mmstat.h
 *     pgdone    frame, ticks      the frame mapped now, 0 if none; the time since
 *                                 the pass began
 *
 * Off, it costs the fault path two loads and branches. */
#include "debug/trace.h"
#include "mm/fault_impl.h"

static enum mmstat_id
kind_of(const struct fault *f, unsigned result)
{
    if (result & VM_FAULT_SIGSEGV)
        return MM_SEGV;
    if (result & VM_FAULT_SIGBUS)
        return MM_SIGBUS;
    if (result & VM_FAULT_OOM)
        return MM_OOM;
    if (result & VM_FAULT_RETRY)
        return MM_RETRY;
    if (f->end != 0)
        return (enum mmstat_id)f->end;
    return f->kind == 0 ? MM_MIN : (enum mmstat_id)f->kind;
}

void
trace_fault(const struct fault *f, unsigned result, uint64_t start)
{
    uint64_t ticks = start == 0 ? 0 : time_now() - start;
    unsigned level = 0;
    pte_t e = 0;

    gate_enter(&f->mm->gate);
    if (f->va < user_end())
        e = pte_load(pte_lookup(f->mm, f->va, &level));
    gate_leave(&f->mm->gate);
    trace(TRACE_PGFAULT, kind_of(f, result), f->va);
    trace(TRACE_PGDONE, pte_is_leaf(e) ? pte_pa(e) >> PAGE_SHIFT : 0, ticks);
}
