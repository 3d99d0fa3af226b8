/* mmcheck.c: adds the check of all address spaces, and the monitor's command for
 * it; a first reader may skip it.
 *
 * The same truth is kept in two places on purpose: an entry maps a page, and
 * the page knows the entry; a slot points to an anon, and the anon counts the
 * slots.  The check walks all spaces from their roots, tallies what it meets,
 * and then compares each thing's own count with its tally:
 *
 *     for each space     part->space()     walk it, compare, tally
 *     for each thing     part->entry()     its count is the tally?
 *     once               part->world()     did we miss any?
 *
 * The parts are a table: mmcheck_area.c, mmcheck_table.c, mmcheck_layer.c. */
#include "ext/mm/mmcheck.h"
#include "debug/printk.h"
#include "ext/debug/monitor.h"
#include "ext/mm/mmcheck_impl.h"
#include "ext/mm/spaces.h"
#include <printfmt.h>

/* Lines that are said; more are only counted. */
#define LINES_MAX 20

static void
complain(struct check *c, const char *fmt, ...)
{
    char line[160];
    int n = 0;
    va_list ap;

    if (c->complaints++ >= LINES_MAX)
        return;
    if (c->mm != NULL)
        n = snprintf(line, sizeof(line), "space %lu: ", c->mm->id);
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    va_end(ap);
    c->say(line);
}

static void
check_space(struct check *c, struct mm_struct *mm)
{
    c->mm = mm;
    gate_close(&mm->gate);
    TABLE_FOR_EACH (mmcheck, struct mmcheck_part, p) {
        if ((*p)->space != NULL)
            (*p)->space(c, mm);
    }
    gate_open(&mm->gate);
    c->mm = NULL;
}

static void
check_tally(struct check *c)
{
    for (size_t i = 0; i < tally_size(&c->seen); i++) {
        struct tally_entry *e = &c->seen.entry[i];

        if (e->kind == TALLY_NONE)
            continue;
        TABLE_FOR_EACH (mmcheck, struct mmcheck_part, p) {
            if ((*p)->entry != NULL)
                (*p)->entry(c, e);
        }
    }
}

unsigned
mmcheck_report(void (*say)(const char *line))
{
    struct check c = {.complain = complain, .say = say};
    struct mm_struct *mm = NULL;

    while ((mm = space_next(mm)) != NULL)
        check_space(&c, mm);
    if (c.seen.full) {
        c.complain(&c, "no memory to count in: not all is checked");
    } else {
        check_tally(&c);
        TABLE_FOR_EACH (mmcheck, struct mmcheck_part, p) {
            if ((*p)->world != NULL)
                (*p)->world(&c);
        }
    }
    tally_free(&c.seen);
    return c.complaints;
}

static void
print(const char *line)
{
    cprintf("mmcheck: %s\n", line);
}

unsigned
mmcheck(void)
{
    return mmcheck_report(print);
}

static void
run_mmcheck(int argc, char **argv)
{
    unsigned spaces = 0, n;

    if (argc != 1) {
        monitor_usage(argv[0]);
        return;
    }
    for (struct mm_struct *mm = NULL; (mm = space_next(mm)) != NULL;)
        spaces++;
    n = mmcheck();
    cprintf("%u spaces, %u complaints\n", spaces, n);
}

static const struct monitor_command mmcheck_command = {
    .name = "mmcheck",
    .args = "",
    .help = "are all address spaces sound? (while nobody works in them)",
    .run = run_mmcheck,
};
TABLE_ADD(monitor, mmcheck_command);
