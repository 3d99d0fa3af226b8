/* mmcheck_impl.h: one check on its way, shared by mmcheck*.c; a first reader may
 * skip it. */
#ifndef KERN_EXT_MM_MMCHECK_IMPL_H
#define KERN_EXT_MM_MMCHECK_IMPL_H

#include "ext/mm/tally.h"
#include "mm/vmm.h"

struct check {
    /* Count a complaint, and say it.  Begins with the space, if there is one.
     */
    void (*complain)(struct check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
    void (*say)(const char *line);
    unsigned complaints;
    struct mm_struct *mm; /* whose turn it is; NULL: the world's */
    struct tally seen;
};

/* One part of the check; any of the functions may be NULL. */
struct mmcheck_part {
    void (*space)(struct check *c, struct mm_struct *mm);  /* gate closed */
    void (*entry)(struct check *c, struct tally_entry *e); /* once for each */
    void (*world)(struct check *c);                        /* at the end */
};
TABLE_DECLARE(mmcheck, struct mmcheck_part);

#endif
