/* swap_world.h: a space with a quota, for the tests of swap. */
#ifndef LAB_TESTS_KERNEL_SWAP_WORLD_H
#define LAB_TESTS_KERNEL_SWAP_WORLD_H

#include "mm/swap.h"
#include "vm_tools.h"
#include <string.h>

/* FRAMES of the PAGES pages at AT may be in memory, chosen by POLICY. */
static inline void
set_quota(struct mm_struct *mm, uintptr_t at, size_t pages, size_t frames,
          const char *policy)
{
    gate_close(&mm->gate);
    CHECK(swap_quota(mm, at, at + pages * PG, frames,
                     swap_manager_find(policy, strlen(policy))) == 0);
    gate_open(&mm->gate);
}

/* A space with PAGES private pages at *AT, FRAMES of which may be in memory. */
static inline struct mm_struct *
space_of(size_t pages, size_t frames, const char *policy, uintptr_t *at)
{
    struct mm_struct *mm = mm_create();

    *at = map_pages(mm, 0, pages, RW, 0);
    set_quota(mm, *at, pages, frames, policy);
    return mm;
}

/* All pages of MM that can go. */
static inline void
all_out(struct mm_struct *mm)
{
    size_t n = mm->scope->nr;

    CHECK(swap_out(mm->scope, n) == n && mm->scope->nr == 0);
}

static inline unsigned
resident(struct mm_struct *mm, uintptr_t at, size_t pages)
{
    unsigned n = 0;

    for (size_t i = 0; i < pages; i++)
        n += page_at(mm, at + i * PG) != NULL;
    return n;
}

#endif
