/* signals.h: what siginfo.c and stop.c offer to the calls about signals. */
#ifndef KERN_EXT_PROCESS_SIGNALS_H
#define KERN_EXT_PROCESS_SIGNALS_H

#include "process/impl.h"

#define SA_NOCLDSTOP 1ul
#define SA_NOCLDWAIT 2ul

/* None of SET is pending any more, for nobody in P.  => tree locked */
void signal_forget(struct process *p, uint64_t set);
/* How many signals wait in P with what came with them.  => tree locked */
#define QUEUED_MAX 1024
unsigned signals_queued(const struct process *p);
/* What came with signals of SET, or for the task TO, is forgotten. */
void queued_forget(struct process *p, uint64_t set, const struct task *to);

/* Is nobody there who could continue the group: no member has a parent in
 * another group of its session.  => tree locked */
bool group_orphaned(int pgid);

/* P, the first of its session, has ended.  WEAK, does nothing.
 * => tree locked */
void session_ended(struct process *p);

#endif
