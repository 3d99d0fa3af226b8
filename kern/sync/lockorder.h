/* lockorder.h: in which order locks are taken, checked while the kernel runs.
 *
 * Every lock has a rank.  A lock may be taken only if its rank comes after the
 * ranks of all locks the thread already holds; anything else could become a
 * dead-lock, and panics at the first try, not at the unlucky one.  The ranks a
 * thread holds are the bits of tcb.held, so the check is one comparison.
 *
 * Ranks up to RANK_LAST_SLEEPING belong to locks a thread may sleep with; the
 * rest are spinlocks.  docs/locks.md names the path that needs each edge. */
#ifndef KERN_SYNC_LOCKORDER_H
#define KERN_SYNC_LOCKORDER_H

#include "arch/riscv/cpu.h"
#include "debug/panic.h"

enum lock_rank {
    RANK_TEST_SLEEPING, /* first: self-tests only */
    RANK_INODE,         /* size, directory contents, truncate */
    RANK_GATE,          /* an address space's areas */
    RANK_PAGE,          /* "this page is busy" */
    RANK_JOURNAL,       /* inode map, journal handle */
    RANK_DEVICE,        /* a device used by one thread at a time */
    RANK_LAST_SLEEPING = RANK_DEVICE,
    RANK_PROCESS, /* process table, file tables */
    RANK_OBJECT,  /* vm_object: tree, size, areas */
    RANK_LAYER,   /* a private layer's tree */
    RANK_ANON,
    RANK_PTE,     /* one page-table page */
    RANK_RMAP,    /* the mappings of one page */
    RANK_LRU,     /* a replacement scope */
    RANK_SWAP,    /* slots of a swap device */
    RANK_BLOCK,   /* a disk's request queue */
    RANK_KMAP,    /* kernel page tables, stack slots */
    RANK_SLAB,    /* one kmalloc cache */
    RANK_BUDDY,   /* the frames of the machine */
    RANK_TLB,     /* shootdown mailbox */
    RANK_TTY,     /* terminal input */
    RANK_WAIT,    /* a wait queue */
    RANK_RUNQ,    /* a hart's run queue */
    RANK_TIMER,   /* a hart's deadlines */
    RANK_CONSOLE, /* last: anything may print */
    RANK_COUNT,
};

_Static_assert(RANK_COUNT <= 64, "ranks are bits of one word");

/* The name of a rank, for the monitor and for panics. */
const char *lock_rank_name(enum lock_rank rank);

/* Say which ranks clash, and panic.  Out of line: it is never reached. */
NORETURN void lock_order_broken(enum lock_rank rank, uint64_t held);

static inline void
lock_order_check(enum lock_rank rank)
{
    uint64_t held = current_tcb()->held;

    if (unlikely(held >> rank != 0))
        lock_order_broken(rank, held);
}

static inline void
lock_order_add(enum lock_rank rank)
{
    current_tcb()->held |= 1ul << rank;
}

static inline void
lock_order_remove(enum lock_rank rank)
{
    current_tcb()->held &= ~(1ul << rank);
}

#endif
