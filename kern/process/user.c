/* user.c: a task on its way into and out of user mode, and the floating-point
 * registers, which belong to user mode alone.
 *
 * sstatus.FS of the task's trap frame says what they are:
 *
 *     Off       the task has not used them; its first instruction traps
 *     Clean     as in task->fp
 *     Dirty     changed since; saved when the task leaves the hart
 *
 * So a task that never computes with fractions pays nothing, and one that did
 * pays once per switch. */
#include "process/impl.h"

#include "arch/riscv/fp.h"
#include "process/syscall_hook.h"
#include <signal.h>
#include <string.h>

#define FS_MASK    (3ul << 13)
#define FS_INITIAL (1ul << 13)
#define FS_CLEAN   (2ul << 13)
#define FS_DIRTY   (3ul << 13)

/* Whose registers each hart has.  [own hart, interrupts off] */
static struct task *fp_owner[NCPU_MAX];

static void
save(struct task *t, struct trapframe *tf)
{
    csr_set(sstatus, FS_CLEAN);
    fp_store(&t->fp);
    csr_clear(sstatus, FS_MASK);
    tf->sstatus = (tf->sstatus & ~FS_MASK) | FS_CLEAN;
}

static void
load(struct task *t)
{
    csr_set(sstatus, FS_CLEAN);
    fp_load(&t->fp);
    csr_clear(sstatus, FS_MASK);
    fp_owner[this_cpu()->id] = t;
    t->fp_hart = this_cpu()->id;
}

/* The task that T is, if it ever used the registers. */
static inline struct task *
fp_user(struct thread *t)
{
    struct task *task = container_of(t, struct task, thread);

    return t->user_trap == task_trap && task->fp_used ? task : NULL;
}

static __attribute__((noinline)) void
exchange(struct task *prev, struct task *next)
{
    unsigned me = this_cpu()->id;

    if (prev != NULL && (task_frame(prev)->sstatus & FS_MASK) == FS_DIRTY)
        save(prev, task_frame(prev));
    if (next != NULL && (fp_owner[me] != next || next->fp_hart != me))
        load(next);
}

/* From the scheduler, before a switch. */
static void
fp_switch(struct thread *prev, struct thread *next)
{
    struct task *p = fp_user(prev), *n = fp_user(next);

    if (unlikely(p != NULL || n != NULL))
        exchange(p, n);
}

void
fp_init(void)
{
    sched_fp_hook = fp_switch;
}

void
fp_save(struct task *t)
{
    irq_off();
    if ((task_frame(t)->sstatus & FS_MASK) == FS_DIRTY)
        save(t, task_frame(t));
    irq_restore();
}

void
fp_forget(struct task *t, struct trapframe *tf)
{
    irq_off();
    memset(&t->fp, 0, sizeof(t->fp));
    t->fp_used = false;
    if (fp_owner[this_cpu()->id] == t)
        fp_owner[this_cpu()->id] = NULL;
    tf->sstatus &= ~FS_MASK;
    irq_restore();
}

void
fp_gone(struct task *t)
{
    for (unsigned i = 0; i < ncpu; i++) {
        struct task *expected = t;

        if (atomic_load(&fp_owner[i]) == t)
            atomic_cas(&fp_owner[i], &expected, NULL);
    }
}

/* An illegal instruction: the first that needs the registers?  */
static bool
fp_first_use(struct task *t, struct trapframe *tf)
{
    if ((tf->sstatus & FS_MASK) != 0 || !fp_present())
        return false;
    irq_off();
    t->fp_used = true;
    load(t);
    tf->sstatus |= FS_INITIAL;
    irq_restore();
    return true;
}

/* What a task did wrong, or a call of one that is traced; others go another way
 * (tcb.calls).  With WHY NULL, it is about to go back to user mode while somebody
 * wants something of it; after a call, the frame still has its cause and, in
 * x[0], its first argument. */
void
task_trap(struct trapframe *tf, const struct user_trap *why)
{
    struct task *t = current_task();

    if (why == NULL)
        task_work(tf, tf->scause == CAUSE_USER_ECALL ? &tf->x[0] : NULL);
    else if (why->signo == 0)
        traced_call(tf);
    else if (why->signo != SIGILL || !fp_first_use(t, tf))
        signal_self(why->signo, why->code, why->addr);
}
