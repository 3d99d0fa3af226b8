/* discover.h: the steps of machine_discover(), which are spread over three
 * files; for machine.c and discover_*.c alone. */
#ifndef LIBS_DISCOVER_H
#define LIBS_DISCOVER_H

#include <machine.h>
#include <util.h>

struct discovery {
    struct machine *m; /* to be filled */
    const struct fdt *f;
    uint64_t boot_hartid;
    char *why; /* of why_size bytes, the sentence if we refuse */
    size_t why_size;
};

/* Write the sentence and return ERR.  FMT prints numbers and our own words,
 * never text of the tree, which may hold anything. */
int discover_refuse(struct discovery *d, int err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* => the boot hart becomes harts[0] */
int discover_harts(struct discovery *d);
int discover_timebase(struct discovery *d);
/* First of all: who has to refuse the rest wants to switch off with a code. */
void discover_power(struct discovery *d);
/* => after discover_harts(), whose interrupt contexts it fills in */
void discover_devices(struct discovery *d);

#endif
