/* t_mutants.c: the damaged programs in /mutants (tools/mutelf.py): each is
 * refused, ends, or is killed, and nothing is lost; without the folder there is
 * nothing to do. */
#include "lib/utest.h"

static unsigned nrefused, nended, nkilled, nlate;

/* What it does before it fails is its own affair, but not to our files. */
static int
exec_it(void *arg)
{
    static char *argv[] = {"mutant", NULL};
    unsigned long few[2] = {100, 100};

    for (int fd = 0; fd < 8; fd++)
        close(fd);
    syscall(261, 0, 6, few, 0);
    execve(arg, argv, argv + 1);
    /* ENOENT: of an interpreter's name */
    return errno == ENOEXEC || errno == ENOMEM || errno == EPERM ||
                   errno == ENOENT
               ? 100
               : 101;
}

static void
run(char *path)
{
    pid_t pid = child(exec_it, path);
    int status = -1;

    for (int i = 0; i < 60 && waitpid(pid, &status, WNOHANG) != pid; i++) {
        if (i < 30)
            sched_yield();
        else
            usleep(1000);
    }
    if (status == -1) {
        nlate++;
        CHECK(kill(pid, SIGKILL) == 0);
        CHECK(waitpid(pid, &status, 0) == pid);
    }
    if (status == 101 << 8)
        dprintf(2, "%s: a strange errno\n", path);
    CHECK(status != 101 << 8);
    if (status == 100 << 8)
        nrefused++;
    else if (WIFEXITED(status))
        nended++;
    else
        nkilled++;
}

UTEST(mutants_are_refused_or_die)
{
    char path[32];
    unsigned n = 0;

    for (;; n++) {
        snprintf(path, sizeof(path), "/mutants/m%u%u%u", n / 100, n / 10 % 10,
                 n % 10);
        if (syscall(48, -100, path, 0) != 0)
            break;
        run(path);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    if (n == 0)
        utest_skip("no /mutants");
    dprintf(2, "%u mutants: %u refused, %u ended, %u killed, %u of them late\n",
            n, nrefused, nended, nkilled, nlate);
    CHECK(nrefused > n / 10 && nkilled > n / 20);
}
