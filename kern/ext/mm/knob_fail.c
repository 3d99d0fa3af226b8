/* knob_fail.c: adds the knob fail_alloc to ext/mm/knob.c, for mm/failpoint.h; a
 * first reader may skip it. */
#include "ext/mm/knob.h"
#include "mm/failpoint.h"
#include <string.h>

static const char *
set_by_text(const char *text)
{
    char site[16];
    size_t n = 0;
    const char *end;
    uint64_t nth;

    while (text[n] != ',' && text[n] != '\0')
        n++;
    if (text[n] == '\0' || n >= sizeof(site))
        return "wants SITE,NTH";
    memcpy(site, text, n);
    site[n] = '\0';
    nth = strtoull_simple(text + n + 1, &end);
    if (end == text + n + 1 || *end != '\0')
        return "wants SITE,NTH";
    return fail_set(site, nth) == 0 ? NULL : "no such site";
}

static const struct knob fail_knob = {
    .name = "fail_alloc",
    .help = "SITE,NTH: let the NTH allocation of a kind fail; 0: none",
    .set = set_by_text,
};
TABLE_ADD(knob, fail_knob);
