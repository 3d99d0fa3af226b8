/* init.c: the first process.  Starts a shell on the console, again when it
 * ends, and takes in the children of others.  With arguments: runs that
 * program instead of a shell, once, and ends with its status. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIOCSCTTY 0x540el

static int
run(char **argv)
{
    static char *const env[] = {"PATH=/bin", "HOME=/", "TERM=vt100", NULL};
    int status = 0;
    pid_t pid = fork(), p;

    if (pid == 0) {
        setsid(); /* the terminal becomes that of its session */
        syscall(29, 0l, TIOCSCTTY, 0l, 0l, 0l, 0l);
        execve(argv[0], argv, env);
        fprintf(stderr, "init: %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    while ((p = wait(&status)) != pid) {
        if (p < 0 && errno == ECHILD)
            return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
    static char *shell[] = {"/bin/sh", NULL};

    if (argc > 1)
        return run(argv + 1);
    for (;;) {
        int status = run(shell);

        if (status == 127)
            return status;
        printf("init: the shell ended with %d\n", status);
    }
}
