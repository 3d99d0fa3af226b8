/* stop.c: adds stopping and continuing of processes to process/signal.c and
 * exit.c, and what follows from it for parents; a first reader may skip it.
 *
 *     a task takes SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU   stop_signo is set, all
 *                                                       tasks are interrupted
 *     each, on its way to user mode                     sleeps
 *     the last one                                      tells the parent
 *     somebody sends SIGCONT                            all go on; the parent
 *                                                       is told
 *
 * The three of the terminal do not stop a group that nobody could continue: one
 * that is orphaned.  When a group with stopped members becomes so, they get
 * SIGHUP and SIGCONT.  POSIX.1-2017, 2.4 and 3.264. */
#include "ext/process/signals.h"
#include <signal.h>

#define STOPPED(signo) ((signo) << 8 | 0x7f)
#define CONTINUED      0xffff

static unsigned nstopped; /* [tree_lock] processes that stop or are stopped */

static const uint64_t stops =
    (1ul << SIGSTOP | 1ul << SIGTSTP | 1ul << SIGTTIN | 1ul << SIGTTOU) >> 1;

/* --- telling the parent --- */

/* What the parent of a child has said about SIGCHLD. */
static bool
sigchld_flag(const struct process *parent, uint64_t flag)
{
    return (parent->handled & signal_bit(SIGCHLD)) &&
           (parent->actions[SIGCHLD - 1].flags & flag);
}

static void
tell(struct process *p, int news, int code, int value)
{
    struct sig_info info = {
        .code = code, .pid = (uint32_t)p->pid, .value = (uint64_t)value};

    p->news = news;
    if (p->parent == NULL)
        return;
    wake_waiters(p->parent);
    if (!sigchld_flag(p->parent, SA_NOCLDSTOP))
        signal_send(p->parent, SIGCHLD, NULL, &info);
}

int
child_news(struct process *c, unsigned options, bool take)
{
    int news = c->news;

    if (!(options & (news == CONTINUED ? WCONTINUED : WUNTRACED)))
        return 0;
    if (take)
        c->news = 0;
    return news;
}

/* --- stopping --- */

bool
signal_stops(const struct process *p, int signo)
{
    return (stops & signal_bit(signo)) != 0;
}

bool
group_orphaned(int pgid)
{
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        const struct process *parent = p->parent;

        if (p->pgid == pgid && p->state == PROC_LIVE && parent != NULL &&
            parent != init_process && parent->pgid != pgid &&
            parent->sid == p->sid)
            return false;
    }
    return true;
}

void
stop_begin(struct process *p, int signo)
{
    uint64_t bit = signal_bit(signo);

    if (!(stops & bit) || ((p->handled | p->ignored) & bit) ||
        p->stop_signo != 0 || p->exiting ||
        (signo != SIGSTOP && group_orphaned(p->pgid)))
        return;
    p->stop_signo = signo;
    p->stop_gen++;
    p->nstopped = 0;
    nstopped++;
    list_for_each_entry (t, &p->tasks, struct task, link)
        thread_interrupt(&t->thread);
}

/* All tasks of P have stopped, now that another one did or left? */
static void
check_stopped(struct process *p)
{
    if (p->stop_signo != 0 && p->ntasks > 0 && p->nstopped == p->ntasks)
        tell(p, STOPPED(p->stop_signo), CLD_STOPPED, p->stop_signo);
}

void
stop_here(struct task *me)
{
    struct process *p = me->process;
    unsigned seen;
    bool killed;

    spin_lock(&tree_lock);
    seen = p->stop_gen - 1;
    while (p->stop_signo != 0 && !me->killed) {
        if (seen != p->stop_gen) {
            seen = p->stop_gen;
            p->nstopped++;
            check_stopped(p);
        }
        /* Whoever kills us does it under the lock of the tree. */
        atomic_store(&me->thread.interrupted, 0);
        spin_lock(&p->wait_children.lock);
        spin_unlock(&tree_lock);
        (void)wait_sleep_intr(&p->wait_children);
        spin_unlock(&p->wait_children.lock);
        spin_lock(&tree_lock);
    }
    killed = me->killed != 0;
    spin_unlock(&tree_lock);
    if (killed)
        do_exit(0, false); /* the process has its status */
}

static void
go_on(struct process *p, bool told)
{
    bool was_told = p->nstopped == p->ntasks;

    p->stop_signo = 0;
    p->nstopped = 0;
    nstopped--;
    wake_waiters(p);
    if (told && was_told)
        tell(p, CONTINUED, CLD_CONTINUED, SIGCONT);
}

void
signal_sent(struct process *p, int signo)
{
    if (p == init_process)
        return;
    if (stops & signal_bit(signo))
        signal_forget(p, signal_bit(SIGCONT));
    if (signo == SIGCONT)
        signal_forget(p, stops);
    if (p->stop_signo != 0 && (signo == SIGCONT || signo == SIGKILL))
        go_on(p, signo == SIGCONT);
}

/* --- ends --- */

void
task_left(struct process *p, struct task *t)
{
    queued_forget(p, 0, t);
    check_stopped(p);
}

/* Does the group have a stopped member? */
static bool
group_stopped(int pgid)
{
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (p->pgid == pgid && p->stop_signo != 0)
            return true;
    }
    return false;
}

static void
free_orphans(int pgid)
{
    if (!group_stopped(pgid) || !group_orphaned(pgid))
        return;
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (p->pgid == pgid) {
            signal_send(p, SIGHUP, NULL, NULL);
            signal_send(p, SIGCONT, NULL, NULL);
        }
    }
}

/* P does not count any more, as a member of its group, nor as the parent of
 * members of others. */
static void
leave_groups(struct process *p)
{
    int pgid = p->pgid, sid = p->sid;

    p->pgid = p->sid = 0;
    list_for_each_entry (c, &p->children, struct process, sibling) {
        if (c->sid == sid && c->pgid != pgid)
            free_orphans(c->pgid);
    }
    if (p->parent->sid == sid && p->parent->pgid != pgid)
        free_orphans(pgid);
    p->pgid = pgid;
    p->sid = sid;
}

WEAK void
session_ended(struct process *p)
{
}

bool
process_ended(struct process *p)
{
    const struct process *parent = p->parent;

    queued_forget(p, ~0ul, NULL);
    if (p->stop_signo != 0)
        go_on(p, false);
    p->news = 0;
    if (p->sid == p->pid)
        session_ended(p);
    if (nstopped != 0)
        leave_groups(p);
    return p->exit_signal == SIGCHLD &&
           ((parent->ignored & signal_bit(SIGCHLD)) ||
            sigchld_flag(parent, SA_NOCLDWAIT));
}
