/* lockorder.c: the words for a broken lock order. */
#include "sync/lockorder.h"

static const char *const names[RANK_COUNT] = {
    [RANK_TEST_SLEEPING] = "test",
    [RANK_INODE] = "inode",
    [RANK_GATE] = "gate",
    [RANK_PAGE] = "page",
    [RANK_JOURNAL] = "journal",
    [RANK_DEVICE] = "device",
    [RANK_PROCESS] = "process",
    [RANK_OBJECT] = "object",
    [RANK_LAYER] = "layer",
    [RANK_ANON] = "anon",
    [RANK_PTE] = "pte",
    [RANK_RMAP] = "rmap",
    [RANK_LRU] = "lru",
    [RANK_SWAP] = "swap",
    [RANK_BLOCK] = "block",
    [RANK_SLAB] = "slab",
    [RANK_BUDDY] = "buddy",
    [RANK_KMAP] = "kmap",
    [RANK_TLB] = "tlb",
    [RANK_TTY] = "tty",
    [RANK_WAIT] = "wait",
    [RANK_RUNQ] = "runq",
    [RANK_TIMER] = "timer",
    [RANK_CONSOLE] = "console",
};

const char *
lock_rank_name(enum lock_rank rank)
{
    return rank < RANK_COUNT ? names[rank] : "?";
}

void
lock_order_broken(enum lock_rank rank, uint64_t held)
{
    panic("lock order: \"%s\" taken while \"%s\" is held (ranks held %#lx)",
          lock_rank_name(rank), lock_rank_name(log2_floor(held)), held);
}
