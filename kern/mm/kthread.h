/* kthread.h: kernel threads with memory of their own. */
#ifndef KERN_MM_KTHREAD_H
#define KERN_MM_KTHREAD_H

#include "schedule/sched.h"

/* Start a thread that runs ENTRY(ARG) and goes away when that returns.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int kthread_run(const char *name, void (*entry)(void *), void *arg);

/* The same for a thread that stays, and is not counted. */
MUST_CHECK int kthread_serve(const char *name, void (*entry)(void *),
                             void *arg);

/* Threads started by kthread_run() that are not gone yet. */
unsigned kthread_count(void);

#endif
