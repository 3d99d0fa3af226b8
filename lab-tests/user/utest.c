/* utest.c: runs the test programs, all of /bin/t_* or those it is told, one
 * after another, and says how many tests failed. */
#include "lib/utest_abi.h"
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

struct entry { /* linux_dirent64 */
    uint64_t ino;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
} __attribute__((packed));

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
find_programs(void)
{
    static char buf[1024];
    int dir = open("/bin", O_RDONLY | O_DIRECTORY);
    long n;

    while ((n = syscall(61, (long)dir, buf, sizeof(buf), 0l, 0l, 0l)) > 0) {
        for (long at = 0; at < n;) {
            struct entry *e = (struct entry *)(buf + at);

            if (strncmp(e->name, "t_", 2) == 0 && nnames < PROGRAMS)
                names[nnames++] = strdup(e->name);
            at += e->size;
        }
    }
    close(dir);
    qsort(names, (size_t)nnames, sizeof(names[0]), by_name);
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
