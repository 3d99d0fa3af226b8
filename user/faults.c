/* faults.c: what page faults each process had: faults [SECONDS [TIMES]] shows how
 * many came in each interval, else since each began. */
#include <procs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCS_MAX 512
#define NAMES     8

static const char *const names[NAMES] = {"flt", "maj",   "zero",  "anon",
                                         "cow", "reuse", "fread", "fcow"};

struct row {
    pid_t pid;
    long value[NAMES];
};
static struct row before[PROCS_MAX], now[PROCS_MAX];
static int nbefore;

static void
take(struct row *r, pid_t pid)
{
    static char text[4096];
    char name[16];

    r->pid = pid;
    memset(r->value, 0, sizeof(r->value));
    if (procs_text(pid, "mmstat", text, sizeof(text)) <= 0)
        return;
    for (int i = 0; i < NAMES; i++) {
        const char *p;

        snprintf(name, sizeof(name), "\n%s ", names[i]);
        p = i == 0 ? text - 1 : strstr(text, name); /* flt comes first */
        if (p != NULL)
            r->value[i] = (long)strtoul(p + strlen(name), NULL, 10);
    }
}

static void
show(const struct row *r)
{
    static const struct row none;
    const struct row *old = &none;
    char name[32];

    for (int i = 0; i < nbefore; i++) {
        if (before[i].pid == r->pid)
            old = &before[i];
    }
    if (procs_text(r->pid, "cmdline", name, sizeof(name)) <= 0)
        return;
    printf("%5d", r->pid);
    for (int i = 0; i < NAMES; i++)
        printf(" %8ld", r->value[i] - old->value[i]);
    printf("  %s\n", name);
}

int
main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 0;
    int times = argc > 2 ? atoi(argv[2]) : seconds ? 1 << 30 : 1;
    static pid_t pids[PROCS_MAX];

    if (argc > 3 || (argc > 1 && seconds <= 0) || (argc > 2 && times <= 0)) {
        fprintf(stderr,
                "usage: faults [SECONDS [TIMES]]\n"
                "page faults of each process: since it began, or in each "
                "interval\n"
                "  flt all, maj with I/O, zero zero page, anon new page,\n"
                "  cow copied, reuse last owner, fread of a file, fcow copied "
                "from one\n");
        return 2;
    }
    while (times-- > 0) {
        int n = procs_list(pids, PROCS_MAX);

        if (n < 0) {
            perror("faults: /proc");
            return 1;
        }

        printf("  PID");
        for (int i = 0; i < NAMES; i++)
            printf(" %8s", names[i]);
        printf("  COMMAND\n");
        for (int i = 0; i < n; i++) {
            take(&now[i], pids[i]);
            show(&now[i]);
        }
        nbefore = n < 0 ? 0 : n;
        memcpy(before, now, sizeof(before));
        if (seconds && times > 0)
            sleep((unsigned)seconds);
    }
    return 0;
}
