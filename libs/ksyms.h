/* ksyms.h: the table of function names that tools/ksyms.py writes into the
 * kernel: a header, COUNT code offsets in ascending order, COUNT offsets into
 * the names, the names. */
#ifndef LIBS_KSYMS_H
#define LIBS_KSYMS_H

#include <stdint.h>

#define KSYMS_MAGIC 0x4d59534b

struct ksyms {
    uint32_t magic, count, names_size;
    uint32_t offset[]; /* [count] of the code, then [count] of the names */
};

/* The function that contains the byte AT of the code: its name, and how far
 * into it AT is.  NULL: there is none. */
const char *ksyms_find(const struct ksyms *t, uint32_t at, uint32_t *into);

#endif
