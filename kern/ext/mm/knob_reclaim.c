/* knob_reclaim.c: adds the knob reclaim to mm/reclaim.c; a first reader may skip
 * it.
 *
 *     reclaim=64      have 64 pages thrown out, however much memory is free */
#include "ext/mm/knob.h"
#include "mm/reclaim.h"
#include <string.h>

static const char *
reclaim_pages(const char *text)
{
    size_t n = 0;

    if (*text == '\0')
        return "how many pages?";
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || n > SIZE_MAX / 100)
            return "not a number of pages";
        n = 10 * n + (size_t)(*text - '0');
    }
    (void)reclaim(n);
    return NULL;
}

static const struct knob reclaim_knob = {
    .name = "reclaim",
    .help = "have so many pages thrown out of memory, dirty ones written first",
    .set = reclaim_pages,
};
TABLE_ADD(knob, reclaim_knob);
