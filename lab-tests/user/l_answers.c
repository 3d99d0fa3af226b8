/* l_answers.c: while programs use three times the memory there is, a shell answers
 * soon.  rounds=N: for so many tenths of a second of the machine's time. */
#include "lib/pressure.h"

#define SOON_US 100000u

static uint64_t
now_us(void)
{
    struct timespec t;

    CHECK(syscall(113, 1l, &t) == 0); /* clock_gettime, monotonic */
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What a shell does with a command. */
static uint64_t
answer_us(void)
{
    uint64_t start = now_us();
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        char *argv[] = {"true", NULL};

        execve("/bin/true", argv, argv + 1);
        _exit(9);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    return now_us() - start;
}

static void
stop(const pid_t *pid)
{
    int status;

    for (unsigned i = 0; i < PRESSURE_PROCS; i++) {
        CHECK(kill(pid[i], SIGKILL) == 0);
        CHECK(waitpid(pid[i], &status, 0) == pid[i]);
        CHECK((status & 127) == SIGKILL); /* none found anything wrong */
    }
}

UTEST(pressure_leaves_time_for_others)
{
    pid_t pid[PRESSURE_PROCS];
    uint64_t end = now_us() + utest_rounds * 100000ul, longest = 0;
    uint64_t in = stat_all("swpin");
    unsigned answers = 0;

    pressure_start(pid, PRESSURE_SIZE, 0);
    for (; now_us() < end; answers++) {
        uint64_t us = answer_us();

        longest = us > longest ? us : longest;
        usleep(20000);
    }
    stop(pid);
    in = stat_all("swpin") - in;
    dprintf(2, "%u answers, the latest after %lu us; %lu pages in\n", answers,
            longest, in);
    CHECK(longest < SOON_US);
    CHECK(in > PRESSURE_SIZE / PAGE);
}
