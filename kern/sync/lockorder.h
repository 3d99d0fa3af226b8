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

/* First in the list is taken first.  X(RANK, "name") */
#define LOCK_RANKS(X)                                                         \
    X(RANK_TEST_SLEEPING, "test") /* first: self-tests only */                \
    X(RANK_FILE, "file")          /* the position of an open file */          \
    X(RANK_RENAME, "rename")      /* who lies in whom, of a file system */    \
    X(RANK_INODE, "inode")        /* size, directory contents, truncate */    \
    X(RANK_OOM, "oom")            /* who ends, for lack of memory */          \
    X(RANK_GATE, "gate")          /* an address space's areas */              \
    X(RANK_PAGE, "page")          /* "this page is busy" */                   \
    X(RANK_JOURNAL, "journal")    /* inode map, journal handle */             \
    X(RANK_DEVICE, "device")      /* a device used by one thread at a time */ \
    X(RANK_PROCESS, "process")    /* process table, file tables */            \
    X(RANK_MOUNT, "mount")        /* the list of mounted file systems */      \
    X(RANK_NAMES, "names")        /* a set of the name cache */               \
    X(RANK_ICACHE, "icache")      /* inodes in memory, parents, mounts */     \
    X(RANK_MAP, "map")            /* the block map of one file */             \
    X(RANK_FREEMAP, "freemap")    /* which blocks and inodes are free */      \
    X(RANK_OBJECT, "object")      /* vm_object: tree, size, areas */          \
    X(RANK_DIRTY, "dirty")        /* the list of dirty objects */             \
    X(RANK_LAYER, "layer")        /* a private layer's tree */                \
    X(RANK_ANON, "anon")                                                      \
    X(RANK_SCOPE, "scope")     /* pages that may be swapped out */            \
    X(RANK_PTE, "pte")         /* one page-table page */                      \
    X(RANK_RMAP, "rmap")       /* the mappings of one page */                 \
    X(RANK_TOUCH, "touch")     /* pages touched on another node */            \
    X(RANK_SWAP, "swap")       /* slots of a swap device */                   \
    X(RANK_BLOCK, "block")     /* a disk's request queue */                   \
    X(RANK_KMAP, "kmap")       /* kernel page tables, stack slots */          \
    X(RANK_SPACES, "spaces")   /* the list of all address spaces */           \
    X(RANK_SLAB, "slab")       /* one kmalloc cache */                        \
    X(RANK_BUDDY, "buddy")     /* the frames of the machine */                \
    X(RANK_TLB, "tlb")         /* shootdown mailbox */                        \
    X(RANK_TTY, "tty")         /* terminal input */                           \
    X(RANK_WAIT, "wait")       /* a wait queue */                             \
    X(RANK_RUNQ, "runq")       /* a hart's run queue */                       \
    X(RANK_TIMER, "timer")     /* a hart's deadlines */                       \
    X(RANK_ASID, "asid")       /* address space numbers */                    \
    X(RANK_CONSOLE, "console") /* last: anything may print */

enum lock_rank {
#define X(rank, name) rank,
    LOCK_RANKS(X)
#undef X
        RANK_COUNT,
    RANK_LAST_SLEEPING = RANK_DEVICE,
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
    current_tcb()->held ^= 1ul << rank; /* it is held */
}

#endif
