/* mm_words.h: words of a space by their address, which fault as those of a user program
 * do, and what its counters grew by since it was marked. */
#ifndef LAB_TESTS_KERNEL_MM_WORDS_H
#define LAB_TESTS_KERNEL_MM_WORDS_H

#include "ktest.h"
#include "mm/fault.h"
#include "mm/space.h"

/* The counters of the space that was marked last. */
static uint64_t before[MMSTAT_COUNT];

static inline void
mark(struct mm_struct *mm)
{
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        before[i] = mm->stat[i];
}

static inline uint64_t
since(struct mm_struct *mm, enum mmstat_id id)
{
    return mm->stat[id] - before[id];
}

static inline int
put(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    return mm_access(mm, at, &v, sizeof(v), true);
}

static inline uint64_t
get(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v = ~0ul;

    CHECK(mm_access(mm, at, &v, sizeof(v), false) == 0);
    return v;
}

#endif
