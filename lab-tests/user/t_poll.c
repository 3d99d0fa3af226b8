/* t_poll.c: ppoll() and pselect6(). */
#include "lib/utest.h"

struct pollfd {
    int fd;
    short events, revents;
};
enum { IN = 1, OUT = 4, ERR = 8, HUP = 16, NVAL = 32 };

static long
poll_for(struct pollfd *p, unsigned n, struct timespec *t)
{
    return syscall(73, p, (long)n, t, 0L, 8L);
}

UTEST(poll_tells_what_is_ready)
{
    struct timespec none = {0, 0}, little = {0, 10000000};
    struct pollfd p[3];
    uint64_t in[1], out[1];
    int fd[2], status;
    char c;

    CHECK(pipe(fd) == 0);
    p[0] = (struct pollfd){fd[0], IN, 0};
    p[1] = (struct pollfd){fd[1], OUT, 0};
    p[2] = (struct pollfd){-1, IN, 77};
    CHECK(poll_for(p, 3, &none) == 1);
    CHECK(p[0].revents == 0 && p[1].revents == OUT && p[2].revents == 0);
    CHECK(poll_for(p, 1, &little) == 0);
    if (fork() == 0) { /* a byte comes while we sleep */
        usleep(20000);
        _exit(write(fd[1], "x", 1) == 1 ? 0 : 1);
    }
    CHECK(poll_for(p, 1, NULL) == 1 && p[0].revents == IN);
    CHECK(wait(&status) > 0 && status == 0);
    in[0] = 1ul << fd[0];
    out[0] = 1ul << fd[1];
    CHECK(syscall(72, 10L, in, out, 0L, &none, 0L) == 2);
    CHECK(in[0] == 1ul << fd[0] && out[0] == 1ul << fd[1]);
    CHECK(read(fd[0], &c, 1) == 1);
    CHECK(syscall(72, 10L, in, 0L, 0L, &little, 0L) == 0 && in[0] == 0);
    close(fd[1]);
    CHECK(poll_for(p, 1, NULL) == 1 && p[0].revents == HUP);
    p[0].fd = 999;
    CHECK(poll_for(p, 1, NULL) == 1 && p[0].revents == NVAL);
    CHECK(poll_for((struct pollfd *)8, 1, NULL) == -1 && errno == EFAULT);
}
