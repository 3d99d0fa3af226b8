/* ps.c: all processes: number, parent, state, tasks, time, memory, command. */
#include <procs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCS_MAX 4096

/* Field N (from 1) of the line of /proc/PID/stat, behind the name. */
static long
field(const char *line, int n)
{
    const char *p = strstr(line, ") ");

    for (int i = 2; p != NULL && i < n; i++) {
        p = strchr(p, ' ');
        p = p == NULL ? NULL : p + 1;
    }
    return p == NULL ? 0 : (long)strtoul(p, NULL, 10);
}

static void
show(pid_t pid)
{
    char stat[512], command[256], *end;
    ssize_t n;

    if (procs_text(pid, "stat", stat, sizeof(stat)) <= 0)
        return;
    n = procs_text(pid, "cmdline", command, sizeof(command));
    for (ssize_t i = 0; i + 1 < n; i++) {
        if (command[i] == 0)
            command[i] = ' ';
    }
    if (n <= 0) { /* it has ended, or tells nothing */
        end = strstr(stat, ") ");
        if (end != NULL)
            end[1] = 0;
        snprintf(command, sizeof(command), "%s", strchr(stat, '('));
        if (end != NULL)
            end[1] = ' ';
    }
    end = strstr(stat, ") ");
    printf("%5d %5ld %c %4ld %4ld.%02ld %7ld %s\n", pid, field(stat, 4),
           end == NULL ? '?' : end[2], field(stat, 20), field(stat, 14) / 100,
           field(stat, 14) % 100, field(stat, 24) * 4, command);
}

int
main(int argc, char **argv)
{
    static pid_t pids[PROCS_MAX];
    int n = procs_list(pids, PROCS_MAX);

    if (argc > 1) {
        fprintf(stderr,
                "usage: ps\n"
                "all processes: number, parent, state (R runs, S sleeps, T "
                "stopped, Z ended),\nthreads, seconds, KiB of memory, "
                "command\n");
        return 2;
    }
    if (n < 0) {
        perror("ps: /proc");
        return 1;
    }
    printf("  PID  PPID S THRD    TIME     RSS COMMAND\n");
    for (int i = 0; i < n; i++)
        show(pids[i]);
    return 0;
}
