/* asid.h: how many bits of address space numbers are in use; for tests. */
#ifndef KERN_EXT_INIT_ASID_H
#define KERN_EXT_INIT_ASID_H

#include <stdint.h>

/* Use at most BITS of those found at boot (asid=), from now on; 0: no numbers.
 * Returns how many that is. */
unsigned asid_limit(unsigned bits);

/* How often the numbers ran out, and how often a hart forgot one space's
 * translations only. */
uint64_t asid_wraps(void);
uint64_t asid_single_flushes(void);

#endif
