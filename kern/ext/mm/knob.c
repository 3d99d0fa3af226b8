/* knob.c: adds the table of knobs, a way to turn them by a line of text, and the
 * monitor's command; a first reader may skip it. */
#include "ext/mm/knob.h"
#include "debug/printk.h"
#include "ext/debug/monitor.h"
#include <atomic.h>
#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define WORD_MAX 64

/* Of ext/mm/fault_around.c, if that is there. */
WEAK unsigned fault_around_pages = 16;

static const struct knob around_knob = {
    .name = "fault_around",
    .help = "pages that one read fault of a file maps at most",
    .value = &fault_around_pages,
    .min = 1,
    .max = 512,
};
TABLE_ADD(knob, around_knob);

static const struct knob *
find(const char *name)
{
    TABLE_FOR_EACH (knob, struct knob, k) {
        if (strcmp((*k)->name, name) == 0)
            return *k;
    }
    return NULL;
}

int
knob_set(const char *name, uint64_t value)
{
    const struct knob *k = find(name);

    if (k == NULL)
        return -ENOENT;
    if (k->value == NULL || value < k->min || value > k->max)
        return -EINVAL;
    atomic_store(k->value, (unsigned)value);
    return 0;
}

int
knob_get(const char *name, uint64_t *value)
{
    const struct knob *k = find(name);

    if (k == NULL)
        return -ENOENT;
    if (k->value == NULL)
        return -EINVAL;
    *value = atomic_load(k->value);
    return 0;
}

/* --- a line --- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copy [FROM, TO) without the blanks at its ends; false if it is empty or too
 * long. */
static bool
take_word(const char *from, const char *to, char word[WORD_MAX])
{
    while (from < to && is_blank(*from))
        from++;
    while (from < to && is_blank(to[-1]))
        to--;
    if (from == to || to - from >= WORD_MAX)
        return false;
    memcpy(word, from, (size_t)(to - from));
    word[to - from] = '\0';
    return true;
}

static bool
parse_number(const char *text, uint64_t *value)
{
    const char *end;

    *value = strtoull_simple(text, &end);
    return end != text && *end == '\0';
}

static int
turn(const struct knob *k, const char *text, char *why, size_t n)
{
    const char *wrong;
    uint64_t value;

    if (k->set != NULL) {
        wrong = k->set(text);
        if (wrong != NULL)
            snprintf(why, n, "%s: %s", k->name, wrong);
        return wrong == NULL ? 0 : -EINVAL;
    }
    if (!parse_number(text, &value)) {
        snprintf(why, n, "%s: '%s' is no number", k->name, text);
        return -EINVAL;
    }
    if (knob_set(k->name, value) == 0)
        return 0;
    snprintf(why, n, "%s: %lu is not from %u to %u", k->name, value, k->min,
             k->max);
    return -EINVAL;
}

int
knob_line(const char *line, char *why, size_t n)
{
    const char *end = line + strlen(line), *eq = line;
    char name[WORD_MAX], text[WORD_MAX];
    const struct knob *k;

    while (eq < end && *eq != '=')
        eq++;
    if (eq == end || !take_word(line, eq, name) ||
        !take_word(eq + 1, end, text)) {
        snprintf(why, n, "not of the form name=value");
        return -EINVAL;
    }
    k = find(name);
    if (k != NULL)
        return turn(k, text, why, n);
    snprintf(why, n, "no knob is called %s", name);
    return -ENOENT;
}

/* --- the command --- */

static void
print_knobs(void)
{
    TABLE_FOR_EACH (knob, struct knob, k) {
        if ((*k)->value != NULL)
            cprintf("  %s=%u  %s\n", (*k)->name, atomic_load((*k)->value),
                    (*k)->help);
        else
            cprintf("  %s  %s\n", (*k)->name, (*k)->help);
    }
}

static void
run_knob(int argc, char **argv)
{
    char why[2 * WORD_MAX];

    if (argc == 1)
        print_knobs();
    else if (argc != 2)
        monitor_usage(argv[0]);
    else if (knob_line(argv[1], why, sizeof(why)) != 0)
        cprintf("%s\n", why);
}

static const struct monitor_command knob_command = {
    .name = "knob",
    .args = "[NAME=VALUE]",
    .help = "what can be turned in memory management, or turn it",
    .run = run_knob,
};
TABLE_ADD(monitor, knob_command);
