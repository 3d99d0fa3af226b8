/* lockorder.c: the words for a broken lock order. */
#include "sync/lockorder.h"

static const char *const names[RANK_COUNT] = {
#define X(rank, name) [rank] = name,
    LOCK_RANKS(X)
#undef X
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
