/* t_many.c: very many processes: a chain of forks (row 40), and as many alive
 * as a limit lets live. */
#include "lib/utest.h"

#define CHAIN 64

static char *mine;

/* Generation N writes its page and forks the next, which sees them all. */
static int
generation(void *arg)
{
    uintptr_t n = (uintptr_t)arg;

    mine[n * PAGE] = (char)(n + 1);
    for (uintptr_t i = 0; i <= n; i++)
        CHECK(mine[i * PAGE] == (char)(i + 1));
    if (n + 1 < CHAIN)
        return run_child(generation, (void *)(n + 1)) != 0;
    return 0;
}

UTEST(vm_row_40_sixty_four_generations)
{
    mine = pages(CHAIN, RW);
    CHECK(run_child(generation, NULL) == 0);
    CHECK(mine[0] == 0);
}

UTEST(a_thousand_processes_alive)
{
    enum { MANY = 1000 };
    int fd[2], made = 0, status;
    char c;

    CHECK(pipe(fd) == 0);
    for (; made < MANY; made++) {
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            close(fd[1]);
            _exit(read(fd[0], &c, 1) == 0 ? 0 : 1); /* until the end of it */
        }
    }
    CHECK(waitpid(-1, &status, WNOHANG) == 0); /* all live */
    close(fd[1]);
    for (int i = 0; i < made; i++)
        CHECK(wait(&status) > 0 && status == 0);
    CHECK(wait(&status) == -1 && errno == ECHILD);
}

/* Every process makes two more, for ever; a limit ends it: with EAGAIN, and
 * everybody else lives on. */
static int
bomb(void *arg)
{
    unsigned long few[2] = {200, 200};
    int fd[2];

    /* Those of the same pipe end when its last writer does, that is we. */
    CHECK(pipe(fd) == 0);
    CHECK(syscall(261, 0l, 6l, few, 0l) == 0);
    CHECK(setpgid(0, 0) == 0);
    for (;;) {
        pid_t pid = fork();

        if (pid < 0 && errno != EAGAIN && errno != ENOMEM)
            _exit(9);
        if (pid < 0)
            break;
    }
    for (;;)
        usleep(100000); /* until the group is killed */
}

UTEST(fork_bomb_under_a_limit)
{
    pid_t pid = child(bomb, NULL), other;
    int status, before = 0;

    for (int i = 0; i < 50; i++) { /* we live, with a higher limit */
        usleep(2000);
        other = fork();
        if (other == 0)
            _exit(7);
        CHECK(other > 0 && waitpid(other, &status, 0) == other);
        CHECK(status == 7 << 8);
    }
    while (kill(-pid, SIGKILL) == 0) {
        usleep(1000);
        if (waitpid(pid, &status, WNOHANG) == pid)
            CHECK(status == SIGKILL || status == 0);
        before++;
    }
    CHECK(errno == ESRCH && before > 0);
}
