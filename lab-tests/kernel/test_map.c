/* test_map.c: what is mapped, with which rights. */
#include "arch/riscv/memlayout.h"
#include "arch/riscv/probe.h"
#include "arch/riscv/satp.h"
#include "debug/kstat.h"
#include "ktest.h"
#include "mm/bootmem.h"
#include "mm/kmap.h"
#include "mm/kstack.h"
#include "mm/tlb.h"
#include "schedule/timeout.h"

KTEST(map_text_and_rodata_refuse_stores)
{
    CHECK(probe_load((uintptr_t)image_start));
    CHECK(!probe_store((uintptr_t)image_start));
    CHECK(!probe_store((uintptr_t)text_end));
    CHECK(!probe_store((uintptr_t)rodata_end - 8));
    /* ... under their second name in the direct map, too. */
    CHECK(probe_load((uintptr_t)pa_to_va(kernel_pa)));
    CHECK(!probe_store((uintptr_t)pa_to_va(kernel_pa)));
    CHECK(!probe_store((uintptr_t)pa_to_va(va_to_pa(rodata_end)) - 8));
}

KTEST(map_nothing_at_zero_and_above_the_image)
{
    CHECK(!probe_load(0));
    CHECK(!probe_load(8));
    CHECK(!probe_load(KERNEL_BASE - 8));
    CHECK(!probe_load(KERNEL_BASE + KERNEL_MAX_SIZE));
    CHECK(!probe_load(~0ul - 7));
    CHECK(!probe_load(1ul << 40 | 1ul << 62)); /* not canonical */
}

struct leaf_count {
    unsigned wx, a_or_d_missing, user, leaves[5];
};

static void
count_leaves(const pte_t *table, unsigned level, struct leaf_count *n)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        pte_t e = table[i];
        paddr_t pa = pte_pa(e);

        if (pte_is_table(e)) {
            bool image = pa - kernel_pa < (size_t)(image_end - image_start);

            count_leaves(image ? (pte_t *)(pa - kernel_pa + KERNEL_BASE)
                               : pa_to_va(pa),
                         level - 1, n);
        } else if (pte_is_leaf(e)) {
            n->leaves[level]++;
            n->wx += (e & PTE_W) && (e & PTE_X);
            n->user += (e & PTE_U) != 0;
            n->a_or_d_missing += !(e & PTE_A) || ((e & PTE_W) && !(e & PTE_D));
        }
    }
}

KTEST(map_no_leaf_is_writable_and_executable)
{
    struct leaf_count n = {0};

    count_leaves(satp_kernel_root(), paging_levels - 1, &n);
    CHECK(n.leaves[0] > 0 && n.leaves[1] > 0);
    CHECK(n.wx == 0);
    CHECK(n.user == 0);
    /* A hart that traps for A and D must find nothing to trap for. */
    CHECK(n.a_or_d_missing == 0);
}

KTEST(map_direct_map_uses_large_leaves)
{
    const struct pmm_range *ram;
    unsigned n = bootmem_ram(&ram), level;

    for (unsigned i = 0; i < n; i++) {
        paddr_t two_mib = ROUND_UP(ram[i].start, pte_span(1)) + 4 * pte_span(1);
        paddr_t gib = ROUND_UP(ram[i].start + 1, pte_span(2));

        if (two_mib + pte_span(1) <= ram[i].end - pte_span(1)) {
            CHECK(kmap_find((uintptr_t)pa_to_va(two_mib), &level) != NULL);
            CHECK(level >= 1);
        }
        if (gib + pte_span(2) <= ram[i].end) {
            CHECK(kmap_find((uintptr_t)pa_to_va(gib), &level) != NULL);
            CHECK(level == 2);
        }
    }
}

KTEST(map_stack_has_a_hole_below)
{
    uintptr_t stack = kstack_alloc();

    CHECK(stack != 0);
    CHECK(probe_store(stack) && probe_store(stack + KSTACK_SIZE - 8));
    CHECK(!probe_load(stack - 8) && !probe_load(stack - KSTACK_SIZE));
    CHECK(!probe_load(stack + KSTACK_SIZE));
    kstack_free(stack);
}

/* Each hart keeps reading one address while it is mapped to another frame. */
static volatile uint64_t *shared;
static uint64_t ready, go; /* [a] */
static uint64_t stale;     /* [a] */

static void
reader(unsigned i)
{
    if (i == 0)
        return;
    CHECK(*shared == 1);
    atomic_add(&ready, 1ul);
    while (atomic_load_acquire(&go) == 0)
        (void)*shared;
    if (*shared != 2)
        atomic_add(&stale, 1ul);
}

static void
remapper(void *arg)
{
    struct page **p = arg;

    while (atomic_load(&ready) != ncpu - 1)
        sched_yield();
    CHECK(kmap_unmap((uintptr_t)shared) == page_to_pa(p[0]));
    CHECK(kmap_page((uintptr_t)shared, page_to_pa(p[1]), PTE_KERN_RW) == 0);
    tlb_flush_kernel((uintptr_t)shared, PAGE_SIZE);
    atomic_store_release(&go, 1ul);
}

KTEST(tlb_shootdown_reaches_every_hart)
{
    struct page *p[2] = {alloc_zeroed_page(), alloc_zeroed_page()};
    uint64_t asked = kstat_read(STAT_TLB_REMOTE);

    if (ncpu == 1) {
        ktest_skip("one hart");
    } else {
        shared = (uint64_t *)(VMAP_BASE + VMAP_SIZE - 2 * PAGE_SIZE);
        ready = go = stale = 0;
        *(uint64_t *)page_to_va(p[0]) = 1;
        *(uint64_t *)page_to_va(p[1]) = 2;
        CHECK(kmap_page((uintptr_t)shared, page_to_pa(p[0]), PTE_KERN_RW) == 0);
        sched_set_affinity(1);
        CHECK(kthread_run("remap", remapper, p) == 0);
        ktest_parallel(ncpu, true, reader);
        sched_set_affinity(~0ul);
        CHECK(stale == 0);
        CHECK(kstat_read(STAT_TLB_REMOTE) - asked == ncpu - 1);
        kmap_unmap((uintptr_t)shared);
        tlb_flush_kernel((uintptr_t)shared, PAGE_SIZE);
    }
    free_pages(p[0], 0);
    free_pages(p[1], 0);
}

/* While this thread sleeps all harts do, and this one wakes first: sooner or later
 * there is one that is not asked, and what it does next uses the new entry. */
KTEST(tlb_does_not_wait_for_who_sleeps)
{
    struct page *p[2] = {alloc_zeroed_page(), alloc_zeroed_page()};
    uint64_t asleep = kstat_read(STAT_TLB_ASLEEP);
    unsigned n = 0;

    if (ncpu == 1) {
        ktest_skip("one hart");
    } else {
        shared = (uint64_t *)(VMAP_BASE + VMAP_SIZE - 2 * PAGE_SIZE);
        do {
            CHECK(kmap_page((uintptr_t)shared, page_to_pa(p[n++ % 2]),
                            PTE_KERN_RW) == 0);
            sleep_ms(1);
            CHECK(kmap_unmap((uintptr_t)shared) != 0);
            tlb_flush_kernel((uintptr_t)shared, PAGE_SIZE);
        } while (kstat_read(STAT_TLB_ASLEEP) == asleep);
    }
    free_pages(p[0], 0);
    free_pages(p[1], 0);
}
