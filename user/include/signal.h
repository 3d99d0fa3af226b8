/* signal.h: names of what ends a process.  Linux's numbers. */
#ifndef USER_SIGNAL_H
#define USER_SIGNAL_H

#include <stdbool.h>
#include <sys/types.h>

#define SIGHUP  1
#define SIGINT  2
#define SIGQUIT 3
#define SIGILL  4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS  7
#define SIGFPE  8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGXFSZ 25

typedef void (*sighandler_t)(int);
#define SIG_DFL ((sighandler_t)0)
#define SIG_IGN ((sighandler_t)1)
#define SIG_ERR ((sighandler_t)-1)

/* A handler stays, and ends calls that sleep: EINTR.  SIG_ERR */
sighandler_t signal(int number, sighandler_t handler);
int kill(pid_t pid, int signal);
int raise(int signal);
/* NUMBER waits from now on, or does not. */
void block_signal(int number, bool block);
/* "Segmentation fault" and the like. */
const char *strsignal(int signal);

#endif
