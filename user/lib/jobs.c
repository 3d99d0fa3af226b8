/* jobs.c: whose terminal it is, and which signals are nothing to us. */
#include "call.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#define NR_rt_sigaction   134
#define NR_rt_sigprocmask 135
#define NR_getpgid        155
#define NR_setsid         157
#define NR_ppoll          73
#define TIOCGPGRP         0x540fl
#define TIOCSPGRP         0x5410l

sighandler_t
signal(int number, sighandler_t handler)
{
    long new[3] = {(long)handler, 0, 0}, old[3];
    long r = call4(NR_rt_sigaction, number, new, old, 8);

    return result_of(r) < 0 ? SIG_ERR : (sighandler_t)old[0];
}

pid_t
setsid(void)
{
    return (pid_t)result_of(call0(NR_setsid));
}

pid_t
getpgrp(void)
{
    return (pid_t)result_of(call1(NR_getpgid, 0));
}

pid_t
tcgetpgrp(int fd)
{
    int group = -1;

    return result_of(call3(NR_ioctl, fd, TIOCGPGRP, &group)) < 0 ? -1 : group;
}

/* Wait until FD can be read, with all signals let through that are blocked
 * otherwise.  -1 and EINTR if one had a handler. */
int
wait_readable(int fd)
{
    struct {
        int fd;
        short events, revents;
    } p = {fd, 1, 0};
    uint64_t none = 0;

    return (int)result_of(
        call6(NR_ppoll, (long)&p, 1, 0, (long)&none, sizeof(none), 0));
}

void
block_signal(int number, bool block)
{
    uint64_t set = 1ul << (number - 1);

    (void)call4(NR_rt_sigprocmask, block ? 0 : 1, &set, 0, 8);
}

int
tcsetpgrp(int fd, pid_t group)
{
    return (int)result_of(call3(NR_ioctl, fd, TIOCSPGRP, &group));
}
