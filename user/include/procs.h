/* procs.h: all processes there are, for ps and its like. */
#ifndef USER_PROCS_H
#define USER_PROCS_H

#include <stddef.h>
#include <sys/types.h>

/* The numbers of at most N processes, in order; how many, or -1. */
int procs_list(pid_t *pids, int n);
/* The text of /proc/PID/NAME, at most SIZE - 1 bytes and an end.  Its length, or
 * -1: the process is gone. */
ssize_t procs_text(pid_t pid, const char *name, char *buf, size_t size);

#endif
