/* test_swap_huge.c: leaves of 2 MiB, when memory is short or a quota comes: page by
 * page, as all others; rows of docs/design/mm.md. */
#include "ext/mm/quota.h"
#include "huge_world.h"
#include "mm/reclaim.h"
#include "swap_ram.h"

/* How many of the N pages at AT no entry shows. */
static size_t
gone(struct mm_struct *mm, uintptr_t at)
{
    size_t n = 0;

    for (size_t i = 0; i < N; i++)
        n += level_at(mm, at + i * P) != 0;
    return n;
}

KTEST(vm_row_26_reclaim_takes_pages_of_a_leaf)
{
    struct swap_ram *r;
    struct mm_struct *mm;
    uint64_t before_out;
    uintptr_t at;

    if (!blocks(2))
        return;
    r = swap_ram_on(2 * N);
    mm = one_leaf(&at);
    before_out = kstat_read(STAT_SWPOUT);
    for (unsigned i = 0; i < 8 && kstat_read(STAT_SWPOUT) - before_out < N; i++)
        (void)reclaim(N);
    CHECK(since(mm, MM_HSPLIT) == 1);
    CHECK(gone(mm, at) == N && swap_slots_used() >= N);
    CHECK(filled(mm, at, 0, N) && since(mm, MM_SWPIN) == N);
    mm_put_user(mm);
    swap_ram_off(r);
}

KTEST(vm_row_26_a_quota_counts_the_pages_of_a_leaf)
{
    struct swap_ram *r;
    struct mm_struct *mm;
    uintptr_t at, more;

    if (!blocks(2))
        return;
    r = swap_ram_on(2 * N);
    mm = one_leaf(&at);
    CHECK(quota_set(mm, 0, UINTPTR_MAX, 16, NULL) == 0);
    CHECK(since(mm, MM_HSPLIT) == 1 && mm->scope->nr == 16);
    CHECK(gone(mm, at) == N - 16 && mm->rss == 16);
    CHECK(filled(mm, at, 0, N) && mm->rss == 16);
    more = map_at(mm, 4 * N, N); /* and no leaf comes from now on */
    fill(mm, more, N);
    CHECK(since(mm, MM_HMAP) == 0 && mm->rss == 16);
    CHECK(filled(mm, at, 0, N) && filled(mm, more, 0, N));
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}
