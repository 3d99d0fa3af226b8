/* copy.c: a fault of the kernel, on an address of a program.
 *
 *     copy_from_user()  --> load at a user address --> no entry --> here
 *                                                                    |
 *        goes on  <--- the page is there now <--- do_pgfault() <-----'
 *        returns what it has not copied  <--- it cannot be, or not here
 *
 * The copy routines fault with SUM set, which nobody else sets; so SUM says whose
 * fault it is.  It is served only where do_pgfault() may sleep. */
#include "mm/fault.h"

#include "debug/panic.h"
#include "schedule/sched.h"
#include "trap/user.h"

/* May the code that TF interrupted wait for a page? */
static bool
may_wait(const struct trapframe *tf)
{
    const struct thread *t = current_thread();

    return (tf->sstatus & SSTATUS_SPIE) && t->tcb.irq_depth == 0 &&
           t->tcb.in_interrupt == 0 && t->tcb.held >> RANK_GATE == 0 &&
           t->nofault == 0;
}

static bool
serve_copy_fault(struct trapframe *tf)
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
     * (current_thread()->mm). No test can see the former, since the copies are
     * never given another address. do_pgfault() may sleep, so the interrupted code
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
    /* STUB: (void)may_wait; */
    /* STUB: return false; */
    /* END 4.6 */
}

bool
user_copy_fault(struct trapframe *tf)
{
    bool served = serve_copy_fault(tf);

    /* The way back restores sepc and sstatus: no interrupt may come between. */
    assert(!(csr_read(sstatus) & SSTATUS_SIE));
    return served;
}

bool
user_copy_bug(const struct trapframe *tf)
{
    return (tf->sstatus & SSTATUS_SUM) && tf->stval >= user_end();
}
