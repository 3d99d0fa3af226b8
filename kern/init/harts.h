/* harts.h: starting the other harts. */
#ifndef KERN_INIT_HARTS_H
#define KERN_INIT_HARTS_H

#include <machine.h>

/* Give every usable hart of M, at most MAX, its logical id; the boot hart is
 * 0.  => before anything counts harts */
void harts_init(const struct machine *m, unsigned max);

/* Start them one after the other at ENTRY (_start_other; or _start, to have them
 * go astray as some firmware lets them); one that does not come up in time is
 * left out, with a line that says so.  Returns how many harts run threads now. */
unsigned harts_start(const void *entry);

#endif
