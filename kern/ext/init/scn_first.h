/* scn_first.h: what scn_first.c leaves to files that may be missing; a first reader
 * may skip it. */
#ifndef KERN_EXT_INIT_SCN_FIRST_H
#define KERN_EXT_INIT_SCN_FIRST_H

#include "ext/init/scn.h"

#define CHAIN_SPARE 8

/* scn_frames.c: print a backtrace as if FRAME were damaged as HOW says; the words at
 * ABOVE lie above all frames that are to be printed. */
void frames_damaged(uintptr_t *frame, uintptr_t *above, const char *how);

/* scn_tree.c: is ST one of its steps?  NULL: forget the tree. */
bool tree_step(const struct scn_step *st);
/* The machine of the tree that was made by such steps, without memory if it was
 * refused; OWN if there were none. */
const struct machine *tree_machine(const struct machine *own);

#endif
