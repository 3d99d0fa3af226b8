/* signal.c: what ends processes.
 *
 * There are no handlers yet, so a signal that is not ignored does what it does
 * by default: most end the process, a few are nothing to it.  Process 1 only dies of what it did
 * itself. */
#include "process/impl.h"

#include <errno.h>
#include <signal.h>

/* Signals that are nothing by default: CHLD, CONT, URG, WINCH; and, as long as
 * nobody can be stopped, STOP, TSTP, TTIN, TTOU. */
static const uint64_t ignored =
    (1ul << SIGCHLD | 1ul << 18 | 1ul << 23 | 1ul << 28 | 1ul << 19 |
     1ul << 20 | 1ul << 21 | 1ul << 22) >>
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
    return signo > 0 && !has_signal(ignored, signo);
}

/* => tree locked */
static void
send(struct process *p, int signo)
{
    if (is_deadly(signo) && !has_signal(p->ignored, signo) &&
        p->state == PROC_LIVE && p != init_process)
        end_process(p, signo);
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
    long found = -ESRCH;

    if (signo < 0 || signo > 64)
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH;
    spin_lock(&tree_lock);
    if (pid > 0) {
        struct process *p = pid_find(pid);

        if (p != NULL) {
            send(p, signo);
            found = 0;
        }
    } else {
        list_for_each_entry (p, &all_processes, struct process, all_link) {
            if (meant(p, pid, me)) {
                send(p, signo);
                found = 0;
            }
        }
    }
    spin_unlock(&tree_lock);
    return found;
}

void
signal_group(int pgid, int signo)
{
    spin_lock(&tree_lock);
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (p->pgid == pgid)
            send(p, signo);
    }
    spin_unlock(&tree_lock);
}

void
signal_self(int signo, int code, uintptr_t addr)
{
    struct process *p = current_process();

    /* What the program did wrong (CODE says what) cannot be ignored. */
    if (!is_deadly(signo) || (code == 0 && has_signal(p->ignored, signo)))
        return;
    spin_lock(&tree_lock);
    if (p->cause.signo == 0)
        p->cause = (struct sig_cause){signo, code, addr};
    spin_unlock(&tree_lock);
    do_exit(signo, true);
}
