/* scn_others.h: what other harts do in scenarios of lab 3; see scn_others.c. */
#ifndef KERN_EXT_INIT_SCN_OTHERS_H
#define KERN_EXT_INIT_SCN_OTHERS_H

#include "ext/init/scn.h"
#include "mm/pgtable.h"

/* A scenario begins, in the space MM; there is nobody else. */
void others_begin(struct mm_struct *mm);
/* The harts of SET are there, and run the space, too. */
void others_share(uint64_t set);

/* gather_flush_page() of that space, and after others_share() whom it asked: counters "asked" (the set), "tlb_loc",
 * "tlb_rem"; "no_gen", "gen_late", "elsewhere" if something is wrong. */
void others_flush_page(struct mm_struct *mm, uintptr_t va,
                       struct scn_answer *a);

/* Between these two another hart makes the first table that is missing on the way to VA,
 * at the same time.  Counter "no_wait": its lock was not waited for. */
void others_rival_begin(uintptr_t va);
void others_rival_end(struct scn_answer *a);

#endif
