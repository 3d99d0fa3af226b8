/* signal.h: signal numbers and reasons (si_code), Linux's for RISC-V. */
#ifndef LIBS_SIGNAL_H
#define LIBS_SIGNAL_H

#define SIGHUP  1
#define SIGINT  2
#define SIGQUIT 3
#define SIGILL  4
#define SIGTRAP 5
#define SIGBUS  7
#define SIGKILL 9
#define SIGFPE  8
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGALRM 14
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGXFSZ 25

#define SI_USER       0 /* kill() */
#define SI_KERNEL     128
#define SI_TIMER      (-2)
#define SI_TKILL      (-6) /* tgkill() */
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define ILL_ILLOPC  1 /* no such instruction */
#define TRAP_BRKPT  1 /* ebreak */
#define SEGV_MAPERR 1 /* nothing is mapped there */
#define SEGV_ACCERR 2 /* the area forbids it */
#define BUS_ADRALN  1 /* not aligned */
#define BUS_ADRERR  2 /* mapped, but there is nothing behind it */

#endif
