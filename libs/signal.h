/* signal.h: signal numbers and reasons (si_code), Linux's for RISC-V. */
#ifndef LIBS_SIGNAL_H
#define LIBS_SIGNAL_H

#define SIGINT  2
#define SIGILL  4
#define SIGTRAP 5
#define SIGBUS  7
#define SIGKILL 9
#define SIGFPE  8
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGCHLD 17
#define SIGSTOP 19

#define ILL_ILLOPC  1 /* no such instruction */
#define TRAP_BRKPT  1 /* ebreak */
#define SEGV_MAPERR 1 /* nothing is mapped there */
#define SEGV_ACCERR 2 /* the area forbids it */
#define BUS_ADRALN  1 /* not aligned */
#define BUS_ADRERR  2 /* mapped, but there is nothing behind it */

#endif
