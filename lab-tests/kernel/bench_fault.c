/* bench_fault.c: instructions per fault, from do_pgfault() to the stored entry,
 * on one hart under -icount. */
#include "ext/mm/hint.h"
#include "ktest.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm/swap.h"

#define N 256ul

static uint64_t
fault_all(struct mm_struct *mm, unsigned code, uintptr_t at)
{
    uint64_t start = csr_read(instret);

    for (size_t i = 0; i < N; i++) {
        unsigned r = do_pgfault(mm, code, at + i * PAGE_SIZE);

        assert((r & VM_FAULT_ERROR) == 0);
    }
    return csr_read(instret) - start;
}

KBENCH(fault)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = (uintptr_t)do_mmap(mm, 0, N * PAGE_SIZE, VM_READ | VM_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    kbench_report("fault_zero_page", fault_all(mm, FAULT_READ, at), N);
    kbench_report("fault_anon_write", fault_all(mm, FAULT_WRITE, at), N);
    kbench_report("fault_spurious", fault_all(mm, FAULT_WRITE, at), N);
    hint_scan(mm, at, at + N * PAGE_SIZE);
    hint_hook = NULL;
    kbench_report("fault_private_read", fault_all(mm, FAULT_READ, at), N);
    kbench_report("fault_reuse", fault_all(mm, FAULT_WRITE, at), N);
    mm_put_user(mm);
}

/* Row 40: 64 generations, all alive, each with a page of its own; what copying
 * one more shared page costs the first child and the last. */
KBENCH(generations)
{
    enum { GENERATIONS = 64, PAGES = 96 };
    static struct mm_struct *mm[GENERATIONS];
    uintptr_t at;

    mm[0] = mm_create();
    at = (uintptr_t)do_mmap(mm[0], 0, PAGES * PAGE_SIZE, VM_READ | VM_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
    for (size_t i = 0; i < PAGES; i++)
        (void)do_pgfault(mm[0], FAULT_WRITE, at + i * PAGE_SIZE);
    for (size_t i = 1; i < GENERATIONS; i++) {
        uint64_t start;

        mm[i] = mm_copy(mm[i - 1]);
        assert(mm[i] != NULL);
        (void)do_pgfault(mm[i], FAULT_WRITE, at + i * PAGE_SIZE);
        if (i != 1 && i != GENERATIONS - 1)
            continue;
        start = csr_read(instret);
        for (size_t k = GENERATIONS; k < PAGES; k++)
            (void)do_pgfault(mm[i], FAULT_WRITE, at + k * PAGE_SIZE);
        kbench_report(i == 1 ? "generation_1" : "generation_63",
                      csr_read(instret) - start, PAGES - GENERATIONS);
    }
    for (size_t i = 0; i < GENERATIONS; i++)
        mm_put_user(mm[i]);
}
