/* proc_swap.c: adds /proc/swaps to ext/fs/procfs.c; a first reader may skip it.
 * Linux's columns, in kilobytes: proc_swaps(5). */
#include "ext/fs/procfs.h"
#include "ext/mm/swap_space.h"
#include <string.h>

#define NAME_WIDTH 40

static void
add_number(struct proc_text *t, uint64_t kilobytes)
{
    proc_print(t, "\t%lu%s", kilobytes, kilobytes < 10000000 ? "\t" : "");
}

static void
add_space(const struct swap_space *s, void *arg)
{
    struct proc_text *t = arg;
    size_t n = strlen(s->name);

    proc_print(t, "%s ", s->name);
    for (n++; n < NAME_WIDTH; n++)
        proc_add(t, " ", 1);
    proc_print(t, "%s%s", s->type, strlen(s->type) < 8 ? "\t" : "");
    add_number(t, s->dev.nslots * (PAGE_SIZE / 1024));
    add_number(t, atomic_load(&s->dev.used) * (PAGE_SIZE / 1024));
    proc_print(t, "\t%d\n", s->dev.priority);
}

static int
show_swaps(struct proc_text *t, int pid)
{
    proc_print(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    swap_space_each(add_space, t);
    return 0;
}
PROC_FILE(swaps, .name = "swaps", .show = show_swaps);
