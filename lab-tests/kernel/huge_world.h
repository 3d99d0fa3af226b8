/* huge_world.h: what the tests of huge leaves share. */
#ifndef LAB_TESTS_KERNEL_HUGE_WORLD_H
#define LAB_TESTS_KERNEL_HUGE_WORLD_H

#include "ext/mm/huge.h"
#include "ext/mm/mapcalls.h"
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/rmap.h"
#include "mm/space.h"
#include "mm_words.h"
#include <errno.h>

#define P    PAGE_SIZE
#define HUGE (2ul << 20)
#define N    512ul /* pages of one leaf */

/* PAGES of zeros OFFSET pages behind a multiple of 2 MiB, huge if possible. */
static inline uintptr_t
map_at(struct mm_struct *mm, size_t offset, size_t pages)
{
    uintptr_t at = 0x40000000 + offset * P;

    CHECK(do_mmap(mm, at, pages * P, VM_READ | VM_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
                  0) == (long)at);
    CHECK(do_madvise(mm, at, pages * P, MADV_HUGEPAGE) == 0);
    return at;
}

static inline void
fill(struct mm_struct *mm, uintptr_t at, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        CHECK(put(mm, at + i * P, 1000 + i) == 0);
}

/* Do pages FROM to TO - 1 of AT hold what fill() wrote? */
static inline bool
filled(struct mm_struct *mm, uintptr_t at, size_t from, size_t to)
{
    while (from < to && get(mm, at + from * P) == 1000 + from)
        from++;
    return from == to;
}

static inline pte_t
entry(struct mm_struct *mm, uintptr_t at, unsigned *level)
{
    pte_t e;

    gate_enter(&mm->gate);
    e = pte_load(pte_lookup(mm, at, level));
    gate_leave(&mm->gate);
    return e;
}

static inline unsigned
level_at(struct mm_struct *mm, uintptr_t at)
{
    unsigned level;

    return pte_is_leaf(entry(mm, at, &level)) ? level : ~0u;
}

/* Are there N free blocks of 2 MiB?  Else the test is skipped. */
static inline bool
blocks(unsigned n)
{
    struct page *block[8];
    unsigned got = 0;

    pmm_drain();
    while (got < n && (block[got] = alloc_pages(9)) != NULL)
        got++;
    for (unsigned i = 0; i < got; i++)
        free_pages(block[i], 9);
    if (got < n)
        ktest_skip("not enough free blocks of 2 MiB");
    return got == n;
}

/* One leaf, filled. */
static inline struct mm_struct *
one_leaf(uintptr_t *at)
{
    struct mm_struct *mm = mm_create();

    *at = map_at(mm, 0, N);
    fill(mm, *at, N);
    CHECK(mm->stat[MM_HMAP] == 1 && level_at(mm, *at) == 1);
    mark(mm);
    return mm;
}

/* For rmap_walk(): what reclaim would do to an entry; counts. */
static inline bool
take_entry(struct page *page, pte_t *pte, void *arg)
{
    *(unsigned *)arg += 1;
    CHECK(pte_level(pte) == 0);
    pte_clear(pte);
    atomic_add(&pte_mm(pte)->rss, -1l);
    return true;
}

#endif
