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
 * table is made.  Its address is stval as it is, to the byte.
 *
 * The copy routines fault in the kernel, on user addresses, with SUM set, which
 * nobody else sets; so SUM says whose fault it is.  It is served only where
 * do_pgfault() may sleep, else the routine returns what it has not copied. */
#include "trap/user.h"

#include "debug/trace.h"
#include "mm/fault.h"
#include "mm/reclaim.h"
#include "schedule/sched.h"
#include <signal.h>

_Static_assert(offsetof(struct thread, interrupted) == THREAD_INTERRUPT &&
                   offsetof(struct thread, owes_memory) == THREAD_INTERRUPT + 4,
               "trapentry.S");

/* What a page fault wanted; 0: it is none. */
static unsigned
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

/* May the code that TF interrupted wait for a page? */
static bool
may_wait(const struct trapframe *tf)
{
    const struct thread *t = current_thread();

    return (tf->sstatus & SSTATUS_SPIE) && t->tcb.irq_depth == 0 &&
           t->tcb.in_interrupt == 0 && t->tcb.held >> RANK_GATE == 0 &&
           t->nofault == 0;
}

bool
user_copy_fault(struct trapframe *tf)
{
    /* LAB 4.6: a fault of the kernel, while it copies from or to a program.
     *
     * read() and write() copy with copy_to_user() and copy_from_user(), and
     * the program's page may be lazy, shared or on disk, as for the program
     * itself. Serve the fault and return true if the copy can go on. Return
     * false if it cannot: then the copy routine returns early and the system
     * call says -EFAULT. The kernel must survive any pointer.
     *
     * It is such a fault only if SUM is set in TF's sstatus (nobody else sets
     * it), its cause is a page fault (page_fault_rights()), and the address
     * lies in the user's half (user_end()) of a thread that has a space
     * (current_thread()->mm). do_pgfault() may sleep, so the interrupted code
     * must be one that may: may_wait(). Interrupts are on (SSTATUS_SIE) while
     * it is served, and off again afterwards. */
    unsigned rights = page_fault_rights(tf->scause), r;

    if (!(tf->sstatus & SSTATUS_SUM) || rights == 0 || !may_wait(tf) ||
        tf->stval >= user_end() || current_thread()->mm == NULL)
        return false;
    csr_set(sstatus, SSTATUS_SIE);
    r = do_pgfault(current_thread()->mm, rights, tf->stval);
    csr_clear(sstatus, SSTATUS_SIE);
    return (r & VM_FAULT_ERROR) == 0;
    /* STUB: return false; */
    /* END 4.6 */
}

bool
user_copy_bug(const struct trapframe *tf)
{
    return (tf->sstatus & SSTATUS_SUM) && tf->stval >= user_end();
}
