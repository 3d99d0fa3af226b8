/* scn_probe.h: what the kernel's own mappings allow. */
#ifndef KERN_EXT_INIT_SCN_PROBE_H
#define KERN_EXT_INIT_SCN_PROBE_H

#include "ext/init/scn.h"

/* WHAT is "PLACE_ACCESS", like text_store or stack_exec.  "ok", "fault", or a panic,
 * which is how a jump to where no code may be ends. */
void scn_probe(const char *what, struct scn_answer *a);

#endif
