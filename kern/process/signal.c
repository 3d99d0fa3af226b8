/* signal.c: from kill() to the task that shall do something about it.
 *
 *     ignored                  nothing happens
 *     nobody handles it        what it does by default: most end the process,
 *                              some stop it, a few are nothing to it
 *     a handler                pending, until a task that does not block it is
 *                              on its way to user mode: signal_enter()
 *     all tasks block it       pending, until one does not
 *
 * Process 1 only dies of what it did itself.  Stopping, and what comes with a
 * signal, is kern/ext/process. */
#include "process/impl.h"

#include <errno.h>
#include <signal.h>

/* Signals that end nobody by default: CHLD, CONT, URG, WINCH are nothing; STOP,
 * TSTP, TTIN, TTOU stop, if signal_stops(). */
static const uint64_t harmless =
    (1ul << SIGCHLD | 1ul << SIGCONT | 1ul << 23 | 1ul << 28 | 1ul << SIGSTOP |
     1ul << SIGTSTP | 1ul << SIGTTIN | 1ul << SIGTTOU) >>
    1;

/* Sets of signals have bit 0 for number 1, as Linux's. */
static bool
has_signal(uint64_t set, int signo)
{
    return set >> (signo - 1) & 1;
}

static bool
is_deadly(int signo)
{
    return signo > 0 && !has_signal(harmless, signo);
}

/* Some task of P that does not block SIGNO, or NULL. => tree locked */
static struct task *
who_takes(struct process *p, int signo)
{
    struct task *me = current_task();

    if (me != NULL && me->process == p && !has_signal(me->blocked, signo))
        return me;
    list_for_each_entry (t, &p->tasks, struct task, link) {
        if (!has_signal(t->blocked, signo))
            return t;
    }
    return NULL;
}

WEAK void
signal_sent(struct process *p, int signo)
{
}

WEAK bool
signal_stops(const struct process *p, int signo)
{
    return false;
}

WEAK void
signal_noted(struct process *p, struct task *to, int signo,
             const struct sig_info *info)
{
}

WEAK void
stop_begin(struct process *p, int signo)
{
}

WEAK void
stop_here(struct task *me)
{
}

/* The task that could do something about SIGNO now, or NULL. => tree locked */
static struct task *
taker_of(struct process *p, int signo, struct task *to)
{
    if (p->stop_signo != 0 && signo != SIGKILL)
        return NULL; /* when it goes on, it looks */
    if (to == NULL)
        return who_takes(p, signo);
    return has_signal(to->blocked, signo) ? NULL : to;
}

void
signal_send(struct process *p, int signo, struct task *to,
            const struct sig_info *info)
{
    struct task *taker;

    if (signo == 0 || p->state != PROC_LIVE)
        return;
    signal_sent(p, signo);
    taker = taker_of(p, signo, to);
    /* What is blocked may be wanted by sigtimedwait(), ignored or not. */
    if (has_signal(p->ignored, signo) && taker != NULL)
        return;
    if (!has_signal(p->handled, signo)) {
        if (p == init_process)
            return;
        if (is_deadly(signo) && taker != NULL) {
            end_process(p, signo);
            return;
        }
        if (!is_deadly(signo) && taker != NULL && !signal_stops(p, signo))
            return;
    }
    signal_noted(p, to, signo, info);
    *(to == NULL ? &p->pending : &to->pending) |= signal_bit(signo);
    if (taker != NULL)
        thread_interrupt(&taker->thread);
}

static bool
meant(const struct process *p, int pid, const struct process *me)
{
    if (pid == -1)
        return p != me && p != init_process;
    return p->pgid == (pid == 0 ? me->pgid : -pid);
}

long
do_kill(int pid, int signo)
{
    struct process *me = current_process();
    struct sig_info info = {.code = SI_USER, .pid = (uint32_t)me->pid};
    long found = -ESRCH;

    if (signo < 0 || signo > 64)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    spin_lock(&tree_lock);
    if (pid > 0) {
        struct process *p = pid_find(pid);

        if (p != NULL) {
            signal_send(p, signo, NULL, &info);
            found = 0;
        }
    } else {
        list_for_each_entry (p, &all_processes, struct process, all_link) {
            if (meant(p, pid, me)) {
                signal_send(p, signo, NULL, &info);
                found = 0;
            }
        }
    }
    spin_unlock(&tree_lock);
    return found;
}

bool
signal_group(int pgid, int signo)
{
    bool found = false;

    spin_lock(&tree_lock);
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (p->pgid != pgid)
            continue;
        signal_send(p, signo, NULL, NULL);
        found = true;
    }
    spin_unlock(&tree_lock);
    return found;
}

long
do_tgkill(int pid, int tid, int signo)
{
    struct sig_info info = {.code = SI_TKILL,
                            .pid = (uint32_t)current_process()->pid};
    long found = -ESRCH;
    struct process *p;

    if (signo < 0 || signo > 64 || tid <= 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL) {
        list_for_each_entry (t, &p->tasks, struct task, link) {
            if (t->tid != tid)
                continue;
            signal_send(p, signo, t, &info);
            found = 0;
            break;
        }
    }
    spin_unlock(&tree_lock);
    return found;
}

/* What the program did wrong (CODE says what) can be handled, but neither
 * ignored nor put off. */
void
signal_self(int signo, int code, uintptr_t addr)
{
    struct task *me = current_task();
    struct process *p = me->process;
    uint64_t bit = signal_bit(signo);
    bool ends = false;

    spin_lock(&tree_lock);
    if (code == 0 && (p->ignored & bit)) {
        ;
    } else if (code == 0 ? ((p->handled | me->blocked) & bit) != 0
                         : (p->handled & ~me->blocked & bit) != 0) {
        me->hit = (struct sig_cause){signo, code, addr};
        me->pending |= bit;
        thread_interrupt(&me->thread);
    } else {
        ends = is_deadly(signo);
        if (ends && p->cause.signo == 0)
            p->cause = (struct sig_cause){signo, code, addr};
    }
    spin_unlock(&tree_lock);
    if (ends)
        do_exit(signo, true);
}

/* --- on the way to user mode --- */

WEAK bool
signal_enter(struct trapframe *tf, int signo, enum call_again *again)
{
    return false;
}

WEAK int
signal_take(struct task *me, uint64_t set)
{
    struct process *p = me->process;

    set &= me->pending | p->pending;
    set &= -set;
    if (me->pending & set)
        me->pending &= ~set;
    else
        p->pending &= ~set;
    return set == 0 ? 0 : __builtin_ctzl(set) + 1;
}

/* What ME is to do something about now; 0: nothing.  Signals that faults make
 * come first: they have the lower numbers. */
static int
next_signal(struct task *me)
{
    int signo;

    spin_lock(&tree_lock);
    signo = signal_take(me, ~me->blocked);
    if (signo != 0 && has_signal(harmless, signo))
        stop_begin(me->process, signo);
    spin_unlock(&tree_lock);
    return signo;
}

void
signal_mask(uint64_t blocked)
{
    struct task *me = current_task();

    spin_lock(&tree_lock);
    me->blocked = blocked & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    if ((me->pending | me->process->pending) & ~me->blocked)
        thread_interrupt(&me->thread);
    spin_unlock(&tree_lock);
}

/* The call that returned is made again, with its first argument ARG. */
static void
call_again(struct trapframe *tf, uint64_t arg)
{
    tf->x[X_A0] = arg;
    tf->sepc -= 4;
}

static void
deliver(struct task *me, struct trapframe *tf, enum call_again *again)
{
    struct process *p = me->process;
    int signo;

    for (;;) {
        if (unlikely(p->stop_signo != 0))
            stop_here(me);
        signo = next_signal(me);
        if (signo == 0)
            return;
        if (has_signal(p->ignored, signo))
            continue;
        if (has_signal(p->handled, signo)) {
            if (!signal_enter(tf, signo, again))
                do_exit(SIGSEGV, true);
        } else if (is_deadly(signo)) {
            do_exit(signo, true);
        }
    }
}

void
task_work(struct trapframe *tf, const uint64_t *arg)
{
    struct task *me = current_task();
    enum call_again again = NOT_AGAIN;

    atomic_store(&me->thread.interrupted, 0);
    atomic_fence(); /* who kills sets killed first, then interrupted */
    if (atomic_load(&me->killed))
        do_exit(0, false); /* the process has its status, or goes on (exec) */
    if (arg != NULL && tf->x[X_A0] == (uint64_t)-EINTR)
        again = CALL_AGAIN;
    else if (arg != NULL && tf->x[X_A0] == (uint64_t)-ERESTART)
        again = CALL_RESTART;
    if (again != NOT_AGAIN ||
        (arg != NULL && tf->x[X_A0] == (uint64_t)-ERESTARTNOINTR))
        call_again(tf, *arg);
    deliver(me, tf, &again);
    if (again == CALL_RESTART)
        tf->x[X_A7] = NR_restart_syscall;
    if (me->restore_mask) {
        me->restore_mask = false;
        signal_mask(me->saved_mask);
    }
}
