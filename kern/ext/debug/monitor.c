/* monitor.c: adds the monitor of monitor.h; a first reader may skip it.  From a
 * line to the command it names.
 *
 *     "pte  0x1000\n" --> argv {"pte", "0x1000"} --> table "monitor" --> run()
 *
 * A command is an object in the linker's table, next to the code it shows:
 * monitor_debug.c, monitor_sched.c, monitor_mm.c.  Nothing
 * here knows them.  A wrong name gets the nearest right one as a suggestion:
 * the one with the least edit distance (V. Levenshtein, "Binary codes capable
 * of correcting deletions, insertions, and reversals", 1966). */
#include "ext/debug/monitor.h"

#include "debug/printk.h"
#include <errno.h>
#include <string.h>

#define PROMPT   "ucore-sv> "
#define LINE_MAX 256
#define WORDS    16 /* of a line, at most */
#define NAME_MAX 24 /* of a command, with its end */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Cut LINE into words, in place.  Returns how many, or -E2BIG. */
static int
split(char *line, char *words[WORDS])
{
    int n = 0;

    for (;;) {
        while (is_blank(*line))
            *line++ = '\0';
        if (*line == '\0')
            return n;
        if (n == WORDS)
            return -E2BIG;
        words[n++] = line;
        while (*line != '\0' && !is_blank(*line))
            line++;
    }
}

static const struct monitor_command *
find_command(const char *name)
{
    TABLE_FOR_EACH (monitor, struct monitor_command, p) {
        if (strcmp((*p)->name, name) == 0)
            return *p;
    }
    return NULL;
}

/* How many single letters must be inserted, deleted or changed to turn A into
 * B, which is shorter than NAME_MAX. */
static unsigned
distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX]; /* row[j]: from the part of A so far to b[0..j) */
    size_t n = strlen(b);

    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];

        row[0]++;
        for (size_t j = 1; j <= n; j++) {
            unsigned change = diagonal + (a[i] != b[j - 1]);

            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[n];
}

/* The command that was probably meant; NULL if none is near: at most every
 * second letter, and at most two, may be wrong. */
static const struct monitor_command *
nearest_command(const char *name)
{
    const struct monitor_command *best = NULL;
    unsigned least = MIN(2, (unsigned)(strlen(name) + 1) / 2) + 1;

    TABLE_FOR_EACH (monitor, struct monitor_command, p) {
        unsigned d = NAME_MAX;

        if (strlen((*p)->name) < NAME_MAX)
            d = distance(name, (*p)->name);
        if (d < least) {
            least = d;
            best = *p;
        }
    }
    return best;
}

void
monitor_execute(char *line)
{
    char *words[WORDS + 1];
    int n = split(line, words);
    const struct monitor_command *cmd;

    if (n < 0) {
        cprintf("more than %d words\n", WORDS);
        return;
    }
    if (n == 0)
        return;
    words[n] = NULL;
    cmd = find_command(words[0]);
    if (cmd != NULL) {
        cmd->run(n, words);
        return;
    }
    cmd = nearest_command(words[0]);
    if (cmd != NULL)
        cprintf("unknown command '%s'; did you mean '%s'?\n", words[0],
                cmd->name);
    else
        cprintf("unknown command '%s'; 'help' lists all\n", words[0]);
}

bool
monitor_number(const char *word, uint64_t *value)
{
    const char *end;

    *value = strtoull_simple(word, &end);
    return end != word && *end == '\0';
}

void
monitor_usage(const char *name)
{
    const struct monitor_command *cmd = find_command(name);

    if (cmd != NULL)
        cprintf("usage: %s%s%s\n", name, cmd->args[0] != '\0' ? " " : "",
                cmd->args);
}

/* Skip the rest of a line that did not fit. */
static void
skip_line(int (*read)(char *buf, size_t n), char *buf)
{
    int n;

    do
        n = read(buf, LINE_MAX - 1);
    while (n == LINE_MAX - 1 && buf[n - 1] != '\n');
    cprintf("more than %d characters\n", LINE_MAX - 2);
}

void
monitor_loop(int (*read)(char *buf, size_t n))
{
    static char line[LINE_MAX]; /* one monitor; stacks are small */

    for (;;) {
        int n;

        cprintf(PROMPT);
        n = read(line, sizeof(line) - 1);
        if (n < 0) /* Ctrl-C: a new prompt */
            continue;
        if (n == 0) {
            cprintf("\nNothing is behind the monitor; 'poweroff' ends it.\n");
            continue;
        }
        if (n == LINE_MAX - 1 && line[n - 1] != '\n') {
            skip_line(read, line);
            continue;
        }
        line[n] = '\0';
        monitor_execute(line);
    }
}

/* All commands, by name: print the first one after the last one printed. */
static void
run_help(int argc, char **argv)
{
    const struct monitor_command *last = NULL, *next;

    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    for (;;) {
        next = NULL;
        TABLE_FOR_EACH (monitor, struct monitor_command, p) {
            if ((last == NULL || strcmp((*p)->name, last->name) > 0) &&
                (next == NULL || strcmp((*p)->name, next->name) < 0))
                next = *p;
        }
        if (next == NULL)
            return;
        cprintf("  %-10s %-10s %s\n", next->name, next->args, next->help);
        last = next;
    }
}

static const struct monitor_command help_command = {
    .name = "help",
    .args = "",
    .help = "list the commands",
    .run = run_help,
};
TABLE_ADD(monitor, help_command);
