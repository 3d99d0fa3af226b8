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
