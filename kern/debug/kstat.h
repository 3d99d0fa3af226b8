/* kstat.h: named counters, the numbers every scenario asserts on.
 *
 * Each hart counts in its own row, so counting costs one atomic add on a line
 * nobody else writes; reading sums the rows.  Names are stable: mm.md section 0
 * and docs/abi.md list them. */
#ifndef KERN_DEBUG_KSTAT_H
#define KERN_DEBUG_KSTAT_H

#include "arch/riscv/cpu.h"
#include <atomic.h>

/* X(ENUM, "name"): add here, nowhere else. */
#define KSTAT_LIST(X)                                                      \
    X(STAT_PAGE_ALLOC, "page_alloc") /* frames handed out, in pages */     \
    X(STAT_PAGE_FREE, "page_free")   /* frames given back, in pages */     \
    X(STAT_PCP_REFILL, "pcp_refill") /* batches buddy -> hart cache */     \
    X(STAT_PCP_DRAIN, "pcp_drain")   /* batches hart cache -> buddy */     \
    X(STAT_KMALLOC, "kmalloc")                                             \
    X(STAT_KFREE, "kfree")                                                 \
    X(STAT_ALLOC_FAIL, "alloc_fail") /* refused, injected ones included */ \
    X(STAT_LOCK_SPINS, "lock_spins") /* turns waited for spinlocks */      \
    X(STAT_SWITCH, "switch")         /* context switches */                \
    X(STAT_STEAL, "steal_thread")    /* threads taken from another hart */ \
    X(STAT_TICK, "tick")                                                   \
    X(STAT_TICK_USER, "tick_user")     /* ... in a program */              \
    X(STAT_TICK_KERNEL, "tick_kernel") /* ... in the kernel, not idle */   \
    X(STAT_IRQ, "irq")                                                     \
    X(STAT_IPI, "ipi")                                                     \
    X(STAT_TLB_LOCAL, "tlb_loc")    /* local TLB flushes */                \
    X(STAT_TLB_REMOTE, "tlb_rem")   /* harts told to flush */              \
    X(STAT_TLB_ASLEEP, "tlb_sleep") /* ... of these, while they slept */   \
    X(STAT_ANON, "anon_pages")      /* private pages there are */          \
    X(STAT_LNODE, "layer_nodes")    /* nodes of their trees there are */   \
    X(STAT_CACHE, "cache_pages")    /* pages of objects in memory */       \
    X(STAT_DIRTY, "dirty_pages")    /* of those, to be written back */     \
    X(STAT_WB, "wb")                /* pages given to page_out() */        \
    X(STAT_DROPPED, "steal")        /* clean pages dropped */              \
    X(STAT_REFAULT, "refault")      /* pages of files that came again */   \
    X(STAT_SWPIN, "swpin")          /* pages brought from swap */          \
    X(STAT_SWPOUT, "swpout")        /* pages written to swap */            \
    X(STAT_RESCAN, "rescan")        /* looked at to find a victim */       \
    X(STAT_DIRECT, "direct")        /* rounds of reclaim waited for */     \
    X(STAT_SWAPPED, "swapped")      /* pages only on a slot */             \
    X(STAT_SHMEM, "shmem_pages")    /* of cache_pages: only swap behind */ \
    X(STAT_SLOT_ALLOC, "slot_alloc")                                       \
    X(STAT_SLOT_FREE, "slot_free")

enum kstat_id {
#define X(id, name) id,
    KSTAT_LIST(X)
#undef X
        KSTAT_COUNT
};

struct kstat_row {
    uint64_t v[KSTAT_COUNT];
} CACHE_ALIGNED;

extern struct kstat_row kstat_rows[NCPU_MAX];
extern const char *const kstat_names[KSTAT_COUNT];

/* Also with interrupts on: who changed to another hart meanwhile counts in the
 * row of the one it left. */
static inline void
kstat_add(enum kstat_id id, uint64_t n)
{
    atomic_add(&kstat_rows[this_cpu()->id].v[id], n);
}

static inline void
kstat_inc(enum kstat_id id)
{
    kstat_add(id, 1);
}

/* The sum over all harts, at some moment during the call. */
uint64_t kstat_read(enum kstat_id id);

#endif
