/* jobs.h: what a shell has started: pipes of programs, each a group. */
#ifndef USER_JOBS_H
#define USER_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define JOB_PIDS 16 /* programs of a pipe */

/* The terminal is ours, and jobs are groups that can be stopped. */
void jobs_begin(void);
/* A child of the shell joins GROUP (0: its own), whose terminal it is if
 * FOREGROUND.  Both child and shell do it: nobody knows who is first. */
void jobs_join(pid_t pid, pid_t group, bool foreground);

/* Those N processes are a job, TEXT (of N2 bytes) what the user typed; its number
 * from 1, or 0: too many. */
int job_add(const pid_t *pids, int n, const char *text, size_t n2);
/* Wait until it has ended or stopped: the status of its last process, as
 * waitpid() gives it. */
int job_wait(int job);
/* It goes on, in the foreground (then wait for it) or behind. */
int job_continue(int job, bool foreground);
/* "%2", "%%" or NULL: the last one.  0: there is no such job. */
int job_named(const char *name);
pid_t job_group(int job);
/* Say what became of those in the background since; with ALL, list them. */
void jobs_report(bool all);
/* Wait for all that run. */
void jobs_wait(void);

#endif
