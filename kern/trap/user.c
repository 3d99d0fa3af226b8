/* user.c: what a user program may do wrong, and what becomes of it.
 *
 *     page fault        do_pgfault(); if that fails   SIGSEGV, SIGBUS, or
 *                                                     SIGKILL without memory
 *     access fault      SIGSEGV ACCERR (no such place in the machine)
 *     misaligned        SIGBUS ADRALN
 *     illegal, ebreak   SIGILL, SIGTRAP
 *     ecall             no signal: it asks for something
 *
 * The fault path itself says no to addresses above the user's half, before any
 * table is made.  Its address is stval as it is, to the byte. */
#include "trap/user.h"

#include "debug/trace.h"
#include "mm/fault.h"
#include "mm/reclaim.h"
#include "schedule/sched.h"
#include <signal.h>

_Static_assert(offsetof(struct thread, interrupted) == THREAD_INTERRUPT &&
                   offsetof(struct thread, owes_memory) == THREAD_INTERRUPT + 4,
               "trapentry.S");

unsigned
page_fault_rights(uint64_t cause)
{
    switch (cause) {
    case CAUSE_FETCH_PAGE:
        return FAULT_EXEC;
    case CAUSE_LOAD_PAGE:
        return FAULT_READ;
    case CAUSE_STORE_PAGE:
        return FAULT_WRITE;
    }
    return 0;
}

/* What signal a fault deserves that failed with R. */
static void
fault_reason(unsigned r, struct user_trap *why)
{
    if (r & VM_FAULT_OOM) {
        why->signo = SIGKILL;
    } else if (r & VM_FAULT_SIGBUS) {
        why->signo = SIGBUS;
        why->code = BUS_ADRERR;
    } else {
        why->signo = SIGSEGV;
        why->code = r & VM_FAULT_ACCERR ? SEGV_ACCERR : SEGV_MAPERR;
    }
}

/* What user_exception() says of everything but page faults. */
#define NO_PAGE_FAULT 0x400u
_Static_assert(USER_FAILED ==
                   (NO_PAGE_FAULT | VM_FAULT_ERROR | VM_FAULT_ACCERR),
               "trapentry.S");

/* Everything but page faults; ecall stays 0. */
static void
other_reason(const struct trapframe *tf, struct user_trap *why)
{
    switch (tf->scause) {
    case CAUSE_USER_ECALL:
        break;
    case CAUSE_ILLEGAL:
        *why = (struct user_trap){SIGILL, ILL_ILLOPC, tf->sepc};
        break;
    case CAUSE_BREAKPOINT:
        *why = (struct user_trap){SIGTRAP, TRAP_BRKPT, tf->sepc};
        break;
    case CAUSE_FETCH_MISALIGNED:
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_STORE_MISALIGNED:
        why->signo = SIGBUS;
        why->code = BUS_ADRALN;
        break;
    default:
        why->signo = SIGSEGV;
        why->code = SEGV_ACCERR;
    }
}

void
user_trouble(struct trapframe *tf, unsigned failed)
{
    struct user_trap why = {.addr = tf->stval};

    if (failed & VM_FAULT_ERROR)
        fault_reason(failed, &why);
    else
        other_reason(tf, &why);
    csr_set(sstatus, SSTATUS_SIE);
    current_thread()->user_trap(tf, &why);
    csr_clear(sstatus, SSTATUS_SIE);
}

static inline unsigned
serve(const struct trapframe *tf, unsigned rights)
{
    csr_set(sstatus, SSTATUS_SIE);
    return do_pgfault(current_thread()->mm,
                      rights | FAULT_USER | FAULT_KILLABLE, tf->stval);
}

static NOINLINE unsigned
serve_traced(const struct trapframe *tf, unsigned rights)
{
    trace(TRACE_FAULT, tf->scause, tf->stval);
    return rights == 0 ? NO_PAGE_FAULT : serve(tf, rights);
}

unsigned
user_exception(struct trapframe *tf)
{
    unsigned rights = page_fault_rights(tf->scause);

    if (unlikely(rights == 0) || unlikely(trace_enabled))
        return serve_traced(tf, rights);
    return serve(tf, rights);
}

void
user_leave(struct trapframe *tf)
{
    struct thread *t = current_thread();

    if (unlikely(atomic_load(&t->owes_memory) != 0)) {
        csr_set(sstatus, SSTATUS_SIE);
        atomic_store(&t->owes_memory, 0);
        memory_wait();
        csr_clear(sstatus, SSTATUS_SIE);
    }
    if (atomic_load(&t->interrupted) != 0 && t->user_trap != NULL) {
        csr_set(sstatus, SSTATUS_SIE);
        t->user_trap(tf, NULL);
        csr_clear(sstatus, SSTATUS_SIE);
    }
    sched_preempt_point();
}
