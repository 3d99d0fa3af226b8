/* mmstat.h: what is counted about faults and mappings, in each address space.
 * kern/ext/mm/mmstat.c reads them by name, of one space or of all. */
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
    X(MM_LSHARE, "lshare")       /* areas with private pages, copied */  \
    X(MM_LUNSHARE, "lunshare")   /* nodes cloned by writes */            \
    X(MM_LCOLLAPSE, "lcollapse") /* reuse of a page that was shared */   \
    X(MM_TLB_LOC, "tlb_loc")                                             \
    X(MM_TLB_REM, "tlb_rem")                                             \
    X(MM_HINT, "hint") /* first touch after a hint_scan() */             \
    X(MM_MIGR, "migr") /* page moved to another frame */                 \
    /* a fault notes what it did in 32 bits: those come above */         \
    X(MM_SWPIN, "swpin")                                                 \
    X(MM_SWPOUT, "swpout")                                               \
    X(MM_SLOT_ALLOC, "slot_alloc")                                       \
    X(MM_SLOT_FREE, "slot_free")                                         \
    X(MM_WB, "wb")         /* pages written back */                      \
    X(MM_RESCAN, "rescan") /* looked at to find a victim */              \
    X(MM_STEAL, "steal")   /* clean pages dropped */                     \
    X(MM_RMAPUN, "rmapun") /* entries cleared from the page's side */    \
    X(MM_OOMK, "oomk")     /* killed for lack of memory */               \
    X(MM_PIN, "pin")       /* pages pinned, ... */                       \
    X(MM_UNPIN, "unpin")   /* ... and let go of */

enum mmstat_id {
#define X(id, name) id,
    MMSTAT_LIST(X)
#undef X
        MMSTAT_COUNT
};

#endif
