/* swap.h: swap space of its own for a test: what tests of swap share.  The disk vdb
 * has two partitions for it, of 8 and of 4 MiB (tools/ktest_prepare.py). */
#ifndef LAB_TESTS_USER_SWAP_H
#define LAB_TESTS_USER_SWAP_H

#include "files.h"

#define SWAPON(p, f) sys(224, (long)(p), f, 0, 0, 0)
#define SWAPOFF(p)   sys(225, (long)(p), 0, 0, 0, 0)
#define PREFER       0x8000l

#define BIG       "/dev/vdb1"
#define SMALL     "/dev/vdb2"
#define BIG_SLOTS (2048u - 1)

/* BIG is swap space from now on, and nothing comes from there but what is wanted.  Skips the test where there is no such disk. */
void swap_begin(void);
void swap_end(void);
void need_swap_disk(void); /* ... only the skipping */

/* The page at P is on a slot, and not in memory. */
bool is_out(const void *p);
/* What counting needs of this program is in memory; so is PAGE, filled with 1. */
void warm_up(const char *page);
/* The N pages at P leave memory. */
void push_out(const char *p, size_t n);

/* Column N (0: size, 1: used, 2: priority) of NAME in /proc/swaps; -1000: no such. */
long swaps_column(const char *name, unsigned n);
/* The number behind NAME in the file PATH; -1: none. */
long number_in(const char *path, const char *name);

#endif
