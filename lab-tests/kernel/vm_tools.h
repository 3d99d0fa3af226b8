/* vm_tools.h: what the tests of the calls that change a space share. */
#ifndef LAB_TESTS_KERNEL_VM_TOOLS_H
#define LAB_TESTS_KERNEL_VM_TOOLS_H

#include "ext/mm/mapcalls.h"
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include <errno.h>

#define PG   PAGE_SIZE
#define RW   (VM_READ | VM_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* The counters of a space when a test began to look. */
struct marks {
    const struct mm_struct *mm;
    uint64_t stat[MMSTAT_COUNT];
};

static inline void
mark(struct marks *m, const struct mm_struct *mm)
{
    m->mm = mm;
    for (unsigned i = 0; i < MMSTAT_COUNT; i++)
        m->stat[i] = atomic_load(&mm->stat[i]);
}

static inline uint64_t
since(const struct marks *m, enum mmstat_id id)
{
    return atomic_load(&m->mm->stat[id]) - m->stat[id];
}

static inline uintptr_t
map_pages(struct mm_struct *mm, uintptr_t hint, size_t pages, uint32_t prot,
          uint32_t flags)
{
    long at = do_mmap(mm, hint, pages * PG, prot, ANON | flags, NULL, 0);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static inline int
put(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    return mm_access(mm, at, &v, sizeof(v), true);
}

/* What is at AT, or ~0 if it cannot be read. */
static inline uint64_t
get(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v;

    return mm_access(mm, at, &v, sizeof(v), false) == 0 ? v : ~0ul;
}

static inline void
fill(struct mm_struct *mm, uintptr_t at, size_t pages, uint64_t first)
{
    for (size_t i = 0; i < pages; i++)
        CHECK(put(mm, at + i * PG, first + i) == 0);
}

static inline bool
filled(struct mm_struct *mm, uintptr_t at, size_t pages, uint64_t first)
{
    for (size_t i = 0; i < pages; i++)
        if (get(mm, at + i * PG) != first + i)
            return false;
    return true;
}

/* The entry that translates AT, or 0. */
static inline pte_t
entry(struct mm_struct *mm, uintptr_t at)
{
    unsigned level;
    pte_t e;

    gate_enter(&mm->gate);
    e = pte_load(pte_lookup(mm, at, &level));
    gate_leave(&mm->gate);
    return e;
}

static inline struct page *
page_at(struct mm_struct *mm, uintptr_t at)
{
    pte_t e = entry(mm, at);

    return e & PTE_V ? pa_to_page(pte_pa(e)) : NULL;
}

/* The flags of the area at AT; 0: there is none. */
static inline uint32_t
flags_at(struct mm_struct *mm, uintptr_t at)
{
    struct vma_struct *v;
    uint32_t flags = 0;

    gate_enter(&mm->gate);
    v = find_vma(mm, at);
    if (v != NULL && v->vm_start <= at)
        flags = v->vm_flags;
    gate_leave(&mm->gate);
    return flags;
}

static inline bool
is_segv(struct mm_struct *mm, uintptr_t at)
{
    return (do_pgfault(mm, FAULT_READ | FAULT_USER, at) & VM_FAULT_ERROR) ==
           VM_FAULT_SIGSEGV;
}

#endif
