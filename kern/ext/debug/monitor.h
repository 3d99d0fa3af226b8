/* monitor.h: adds a prompt for looking around, the kernel monitor, to
 * init/main.c, through the table "initcall"; a first reader may skip it.
 *
 * Commands are a table (TABLE_ADD(monitor, cmd)), so any file adds its own. */
#ifndef KERN_DEBUG_MONITOR_H
#define KERN_DEBUG_MONITOR_H

#include <util.h>

struct monitor_command {
    const char *name;
    const char *args;                   /* "" or e.g. "VA" */
    const char *help;                   /* one line */
    void (*run)(int argc, char **argv); /* argv[0] is the name */
};
TABLE_DECLARE(monitor, struct monitor_command);

/* Run one line; unknown commands say so.  LINE is cut into words in place. */
void monitor_execute(char *line);

/* For commands.  The whole of WORD is a number (decimal, or hexadecimal after
 * "0x"): store it and return true. */
bool monitor_number(const char *word, uint64_t *value);
/* Say how the command NAME is used, in one line. */
void monitor_usage(const char *name);

/* Prompt, read with READ (returns as tty_read), execute, for ever. */
NORETURN void monitor_loop(int (*read)(char *buf, size_t n));

#endif
