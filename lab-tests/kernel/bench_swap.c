/* bench_swap.c: what it costs that a page leaves memory, on one hart under -icount,
 * without what the disk takes; and how often which policy errs. */
#include "arch/riscv/csr.h"
#include "mm/kmalloc.h"
#include "mm/reclaim.h"
#include "pager_ram.h"
#include "replay.h"
#include "swap_world.h"
#include <printfmt.h>

#define N 500ul

static uint64_t
instret_now(void)
{
    return csr_read(instret);
}

/* A disk that takes no time, and keeps nothing. */
static int
nothing_io(struct swap_dev *dev, bool write, uint64_t slot, struct page **pages,
           unsigned n)
{
    return 0;
}

/* A is 1 in all entries of the N pages. */
static void
use_all(struct mm_struct *mm, uintptr_t at)
{
    for (size_t i = 0; i < N; i++) {
        pte_t *pte;

        gate_enter(&mm->gate);
        pte = get_pte(mm, at + i * PG, false);
        pte_give(pte, PTE_A);
        gate_leave(&mm->gate);
    }
}

static uint64_t
scan(struct mm_struct *mm, size_t pages)
{
    uint64_t start = instret_now();

    CHECK(swap_take_victim(mm->scope, pages) == NULL);
    return instret_now() - start;
}

KBENCH(swap_out)
{
    struct swap_dev dev = {.io = nothing_io, .nslots = 2 * N};
    uint64_t start, used;
    uintptr_t at;
    struct mm_struct *mm = space_of(N, N, "clock", &at);

    CHECK(swap_on(&dev) == 0);
    fill(mm, at, N, 1);
    use_all(mm, at);
    used = scan(mm, N - 1); /* no turn, so nobody is found */
    kbench_report("clock_look_at_used_page", used, N - 1);
    start = instret_now();
    for (size_t i = 0; i < N / 2; i++)
        CHECK(swap_out(mm->scope, 1) == 1);
    kbench_report("swap_out_dirty_page", instret_now() - start, N / 2);
    start = instret_now();
    CHECK(swap_out(mm->scope, N / 2) == N / 2);
    kbench_report("swap_out_dirty_pages_each", instret_now() - start, N / 2);
    mm_put_user(mm);
    CHECK(swap_off(&dev) == 0);
}

KBENCH(evict)
{
    struct ram_pager *rp = ram_pager_create(N, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at =
        (uintptr_t)do_mmap(mm, 0, N * PG, VM_READ, MAP_SHARED, &rp->obj, 0);
    uint64_t took = 0;

    for (size_t i = 0; i < N; i++)
        (void)get(mm, at + i * PG);
    for (size_t i = 0; i < N; i++) {
        struct page *page = object_find(&rp->obj, i);
        uint64_t start = instret_now();

        CHECK(object_evict(&rp->obj, page));
        page_put(page);
        took += instret_now() - start;
    }
    kbench_report("drop_mapped_file_page", took, N);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* Faults, and pages written, by policy and number of frames: "zipf_lru_16". */
static void
tell(const char *kind, const struct access *a, size_t n, unsigned pages)
{
    TABLE_FOR_EACH (swap_manager, struct swap_manager, m) {
        for (unsigned frames = pages / 8; frames <= pages / 2; frames *= 2) {
            struct outcome o = {0};
            char name[48];

            replay((*m)->name, frames, pages, a, n, &o);
            snprintf(name, sizeof(name), "faults_%s_%u_%s", kind, frames,
                     (*m)->name);
            kbench_report(name, o.faults, 1);
            snprintf(name, sizeof(name), "writes_%s_%u_%s", kind, frames,
                     (*m)->name);
            kbench_report(name, o.writes, 1);
        }
    }
}

KBENCH(replacement)
{
    const size_t refs = 2000;
    struct access *a = kmalloc(refs * sizeof(*a));

    trace_zipf(a, refs, 1, 64);
    tell("zipf", a, refs, 64);
    trace_local(a, refs, 1, 64, 30);
    tell("mixed", a, refs, 64);
    kfree(a);
}
