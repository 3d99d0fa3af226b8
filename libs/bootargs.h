/* bootargs.h: the words of a command line, "NAME" or "NAME=VALUE".
 *
 * Blanks separate words, there are no quotes, and the last of several wins. */
#ifndef LIBS_BOOTARGS_H
#define LIBS_BOOTARGS_H

#include <stdbool.h>
#include <stddef.h>

#define BOOTARG_MAX 64 /* bytes of a word, with its end */

struct bootarg_rule {
    const char *name;
    const char *values; /* "a|b|c", "" for a bare word, "*" for anything,
                         * "#" for a number from 1 */
};

/* Is each word of ARGS one of the N RULES, with a value it allows?  Returns 0,
 * or -EINVAL with WHY (of SIZE bytes) set to one line about the first that is
 * not. */
int bootargs_match(const char *args, const struct bootarg_rule *rules, size_t n,
                   char *why, size_t size);

/* The value of NAME, copied to BUF, cut if need be; false if there is no such
 * word.  A word without '=' gives "". */
bool bootarg_get(const char *args, const char *name, char *buf, size_t size);

/* Is NAME given with this VALUE? */
bool bootarg_is(const char *args, const char *name, const char *value);

#endif
