/* utest.c: runs the test programs, all of /bin/t_* or those it is told, one
 * after another, and says how many tests failed. */
#include "lib/utest_abi.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS 64

static char *names[PROGRAMS];
static int nnames;

static void
find_programs(void)
{
    char **all;
    int n = dir_names("/bin", &all);

    for (int i = 0; i < n; i++) {
        if (strncmp(all[i], "t_", 2) == 0 && nnames < PROGRAMS)
            names[nnames++] = all[i];
    }
}

/* How many of its tests failed. */
static unsigned
run(const char *name, char *option)
{
    char path[64];
    char *argv[] = {path, option, NULL};
    int status;
    pid_t pid;

    snprintf(path, sizeof(path), "/bin/%s", name);
    pid = fork();
    if (pid == 0) {
        execve(path, argv, environ);
        _exit(126);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 1;
    return (unsigned)WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
    unsigned failed = 0;
    char *option = NULL;
    int channel = open("/dev/utest", O_RDWR);

    for (int i = 1; i < argc && nnames < PROGRAMS; i++) {
        if (strchr(argv[i], '=') != NULL)
            option = argv[i];
        else
            names[nnames++] = argv[i];
    }
    if (nnames == 0)
        find_programs();
    for (int i = 0; i < nnames; i++)
        failed += run(names[i], option);
    if (syscall(29, (long)channel, (long)UTEST_DONE, (long)failed, 0l, 0l, 0l) <
        0)
        return 2;
    printf("utest: %d programs, %u failed\n", nnames, failed);
    return failed != 0;
}
