/* start.c: from the stack the kernel made to main(), and out again.
 *
 *     sp -> argc | argv[0] ... NULL | envp[0] ... NULL | auxv            */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_EXIT_MAX 8

char **environ;
static void (*at_exit[AT_EXIT_MAX])(void);
static int at_exit_count;

int main(int argc, char **argv, char **envp);
void start_c(long *sp);

void
start_c(long *sp)
{
    int argc = (int)sp[0];
    char **argv = (char **)(sp + 1);

    environ = argv + argc + 1;
    exit(main(argc, argv, environ));
}

int
atexit(void (*fn)(void))
{
    if (at_exit_count == AT_EXIT_MAX)
        return -1;
    at_exit[at_exit_count++] = fn;
    return 0;
}

void
exit(int code)
{
    while (at_exit_count > 0)
        at_exit[--at_exit_count]();
    fflush(NULL);
    _exit(code);
}

char *
getenv(const char *name)
{
    size_t n = strlen(name);

    for (char **e = environ; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    }
    return NULL;
}
