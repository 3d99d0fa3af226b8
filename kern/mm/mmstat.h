/* mmstat.h: what is counted about faults and mappings, per address space and
 * globally.  The names are the ones scenarios use; docs/abi.md lists them. */
#ifndef KERN_MM_MMSTAT_H
#define KERN_MM_MMSTAT_H

#include "debug/kstat.h"

/* X(ENUM, "name") */
#define MMSTAT_LIST(X)                                                   \
    X(MM_FLT, "flt")     /* passes through do_pgfault */                 \
    X(MM_MIN, "min")     /* completed without I/O */                     \
    X(MM_MAJ, "maj")     /* completed, and this fault started the I/O */ \
    X(MM_SPUR, "spur")   /* nothing to do: served by another hart */     \
    X(MM_RETRY, "retry") /* only waited */                               \
    X(MM_ADFIX, "adfix") /* only A or D was missing */                   \
    X(MM_ZERO, "zero")   /* shared zero page mapped */                   \
    X(MM_ANON, "anon")   /* new zeroed private page */                   \
    X(MM_COW, "cow")     /* private page copied */                       \
    X(MM_REUSE, "reuse") /* last owner writes in place */                \
    X(MM_FREAD, "fread") /* page of an object mapped read-only */        \
    X(MM_FCOW, "fcow")   /* page of an object copied into the layer */   \
    X(MM_FSHARED, "fshared")                                             \
    X(MM_MKWRITE, "mkwrite")                                             \
    X(MM_AROUND, "around")                                               \
    X(MM_SEGV, "segv")                                                   \
    X(MM_SIGBUS, "sigbus")                                               \
    X(MM_OOM, "oom")                                                     \
    X(MM_PT_ALLOC, "pt_alloc")                                           \
    X(MM_PT_FREE, "pt_free")                                             \
    X(MM_HMAP, "hmap")                                                   \
    X(MM_HSPLIT, "hsplit")                                               \
    X(MM_LSHARE, "lshare")                                               \
    X(MM_LUNSHARE, "lunshare")                                           \
    X(MM_LCOLLAPSE, "lcollapse")                                         \
    X(MM_TLB_LOC, "tlb_loc")                                             \
    X(MM_TLB_REM, "tlb_rem")                                             \
    X(MM_HINT, "hint") /* first touch after a hint_scan() */             \
    X(MM_MIGR, "migr") /* page moved to another frame */

enum mmstat_id {
#define X(id, name) id,
    MMSTAT_LIST(X)
#undef X
        MMSTAT_COUNT
};

extern const char *const mmstat_names[MMSTAT_COUNT];

#endif
