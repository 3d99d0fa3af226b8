/* knob.h: numbers that a scenario may turn, by name; adds a table to mm/.  A
 * first reader may skip it.
 *
 *     static const struct knob mine = {.name = "read_ahead", .help = "...",
 *                                      .value = &read_ahead, .max = 64};
 *     TABLE_ADD(knob, mine); */
#ifndef KERN_EXT_MM_KNOB_H
#define KERN_EXT_MM_KNOB_H

#include <stddef.h>
#include <util.h>

struct knob {
    const char *name, *help;
    /* Either a number from MIN to MAX ... */
    unsigned *value; /* [a] */
    unsigned min, max;
    /* ... or a text.  Returns NULL, or what is wrong with it. */
    const char *(*set)(const char *text);
};
TABLE_DECLARE(knob, struct knob);

/* Turn one: LINE is "name=value", blanks around it and its newline are
 * ignored; numbers may be decimal or begin with 0x.  Returns 0, or -ENOENT (no
 * such knob) or -EINVAL, and then says in one line what is wrong, in WHY (N
 * bytes; may be NULL with 0). */
int knob_line(const char *line, char *why, size_t n);
int knob_set(const char *name, uint64_t value);  /* -ENOENT, -EINVAL */
int knob_get(const char *name, uint64_t *value); /* -EINVAL: it has none */

/* Private pages of each area that mm_copy() maps in the copy at once. */
extern unsigned fork_eager;
/* Pages that a read fault of an object maps at most, with its own. */
extern unsigned fault_around_pages;

#endif
