/* test_huge.c: leaves of 2 MiB and 1 GiB are made, with the counts of rows 10,
 * 17, 24 and 25 of docs/design/mm.md. */
#include "ext/mm/observe.h"
#include "huge_world.h"

static inline uint64_t
instret_now(void)
{
    return csr_read(instret);
}

KTEST(vm_row_10_every_huge_request_completes)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_at(mm, 0, 4 * N);

    if (blocks(4)) {
        for (unsigned i = 0; i < 4; i++) {
            CHECK(!(do_pgfault(mm, FAULT_WRITE, at + i * HUGE + i * P) &
                    (VM_FAULT_ERROR | VM_FAULT_RETRY)));
            CHECK(level_at(mm, at + i * HUGE) == 1);
        }
        CHECK(mm->stat[MM_FLT] == 4 && mm->stat[MM_HMAP] == 4);
        CHECK(mm->stat[MM_RETRY] == 0);
        /* Again: there is nothing left to do. */
        CHECK(!(do_pgfault(mm, FAULT_WRITE, at) & VM_FAULT_ERROR));
        CHECK(mm->stat[MM_SPUR] == 1);
    }
    mm_put_user(mm);
}

KTEST(vm_row_17_walk_across_a_leaf)
{
    uintptr_t at;
    struct mm_struct *mm;
    struct pginfo info;
    struct page *first;
    unsigned level;
    pte_t e;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    e = entry(mm, at, &level);
    first = pa_to_page(pte_pa(e));
    for (size_t i = 0; i < N; i++) {
        pte_t *pte;

        CHECK(entry(mm, at + i * P, &level) == e && level == 1);
        gate_enter(&mm->gate);
        CHECK(get_pte(mm, at + i * P, true) == NULL);
        pte = pte_lookup(mm, at + i * P, &level);
        CHECK(pte_va(pte) == at && pte_level(pte) == 1 && pte_mm(pte) == mm);
        CHECK(first[i].mapcount == 1 && first[i].rmap == (uintptr_t)pte);
        gate_leave(&mm->gate);
        CHECK(((struct anon *)first[i].owner)->page == &first[i]);
        CHECK(pginfo(mm, at + i * P, &info) == 0 && info.level == 1);
        CHECK((info.flags & PGINFO_PRESENT) && (info.flags & PGINFO_WRITE));
        CHECK(info.frame == page_to_pfn(&first[i]) && info.mapcount == 1);
    }
    CHECK(filled(mm, at, 0, N));
    CHECK(since(mm, MM_FLT) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_24_two_stores_two_leaves)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_at(mm, 0, 2 * N);

    if (blocks(2)) {
        CHECK(put(mm, at + 5, 1) == 0 && put(mm, at + HUGE + 7 * P, 2) == 0);
        CHECK(mm->stat[MM_HMAP] == 2 && mm->stat[MM_FLT] == 2);
        CHECK(mm->stat[MM_ANON] == 0 && mm->rss == 1024);
        CHECK(get(mm, at + 5) == 1 && get(mm, at + HUGE + 7 * P) == 2);
        for (size_t i = 8; i < N; i++)
            CHECK(get(mm, at + HUGE + i * P) == 0);
        CHECK(mm->stat[MM_FLT] == 2);
    }
    mm_put_user(mm);
}

KTEST(vm_row_24_only_where_a_whole_leaf_fits)
{
    /* The area's first page and length in pages, and the leaf that fits. */
    static const struct {
        size_t start, pages, leaf;
    } row[] = {{1, 3 * N, 1}, {N - 1, N + 1, 1}, {0, N - 1, 9},
               {1, N, 9},     {0, N + 1, 0},     {300, 2 * N, 1}};

    if (!blocks(2))
        return;
    for (unsigned r = 0; r < ARRAY_LEN(row); r++) {
        struct mm_struct *mm = mm_create();
        size_t offset = row[r].start, pages = row[r].pages;
        uintptr_t at = map_at(mm, offset, pages);
        unsigned fits = 0;

        fill(mm, at, pages);
        for (size_t u = 0; u <= (offset + pages) / N; u++) {
            bool whole = u * N >= offset && (u + 1) * N <= offset + pages;
            size_t any = MAX(u * N, offset);

            fits += whole;
            if (any < offset + pages)
                CHECK(level_at(mm, at + (any - offset) * P) == whole);
        }
        CHECK(mm->stat[MM_HMAP] == fits && (row[r].leaf == 9) == (fits == 0));
        CHECK(mm->rss == (int64_t)pages && filled(mm, at, 0, pages));
        mm_put_user(mm);
    }
}

KTEST(vm_row_24_only_if_asked_for)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_at(mm, 0, 2 * N);

    CHECK(do_madvise(mm, at, HUGE, MADV_NOHUGEPAGE) == 0);
    CHECK(put(mm, at, 1) == 0 && level_at(mm, at) == 0);
    CHECK(mm->stat[MM_HMAP] == 0 && mm->rss == 1);
    /* Where something was read first, it stays small. */
    CHECK(get(mm, at + HUGE) == 0 && put(mm, at + HUGE, 1) == 0);
    CHECK(mm->stat[MM_HMAP] == 0 && mm->stat[MM_ANON] == 2);
    mm_put_user(mm);
}

KTEST(vm_row_24_thp_always)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = 0x40000000;
    uint32_t flags = huge_flags;

    CHECK(do_mmap(mm, at, 2 * HUGE, VM_READ | VM_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
                  0) == (long)at);
    if (blocks(1)) {
        huge_flags |= VM_RWX; /* as the boot argument does */
        CHECK(put(mm, at, 1) == 0 && level_at(mm, at) == 1);
        CHECK(do_madvise(mm, at + HUGE, HUGE, MADV_NOHUGEPAGE) == 0);
        CHECK(put(mm, at + HUGE, 1) == 0 && level_at(mm, at + HUGE) == 0);
        CHECK(mm->stat[MM_HMAP] == 1 && mm->rss == 513);
        huge_flags = flags;
    }
    mm_put_user(mm);
}

KTEST(vm_row_24_fail_alloc_of_the_fault)
{
    unsigned small = 0, huge = 0;
    uint64_t n = 1;

    if (!blocks(1))
        return;
    for (bool failed = true; failed; n += n < 24 ? 1 : 97) {
        struct mm_struct *mm = mm_create();
        uintptr_t at = map_at(mm, 0, N);

        fail_set("any", n);
        CHECK(!(do_pgfault(mm, FAULT_WRITE, at + 3 * P) & VM_FAULT_ERROR));
        failed = fail_left(FAIL_ANY) == 0;
        fail_set("any", 0);
        if (failed && level_at(mm, at + 3 * P) == 0)
            small++;
        else
            huge++;
        CHECK(mm->rss == (level_at(mm, at + 3 * P) == 1 ? 512 : 1));
        fill(mm, at, N);
        CHECK(filled(mm, at, 0, N) && mm->rss == 512);
        mm_put_user(mm);
    }
    CHECK(small > 20 && huge > 0);
}

/* --- 1 GiB --- */

#define GIB (1ul << 30)

KTEST(vm_row_25_a_gib_or_less)
{
    struct mm_struct *mm = mm_create(), *child;
    size_t step = GIB / 16 + 3 * P;
    bool huge;
    long r;

    CHECK(do_mmap_1g(mm, 0, VM_READ) == -EINVAL);
    CHECK(do_mmap_1g(mm, 1ul << 60, VM_READ) == -ENOMEM);
    r = do_mmap_1g(mm, GIB - 5, VM_READ | VM_WRITE);
    CHECK(r > 0 && r % (long)GIB == 0);
    if (r <= 0)
        return;
    huge = level_at(mm, (uintptr_t)r) == 2;
    CHECK(mm->stat[MM_HMAP] == huge && mm->map_count == 1);
    CHECK(mm->rss == (huge ? 1l << 18 : 0));
    if (!huge && !blocks(8)) {
        mm_put_user(mm);
        return;
    }
    mark(mm);
    for (uintptr_t at = 0, i = 0; i < 8; i++, at += step) {
        CHECK(put(mm, (uintptr_t)r + at, i + 1) == 0);
        CHECK(level_at(mm, (uintptr_t)r + at) == (huge ? 2 : 1));
    }
    CHECK(since(mm, MM_FLT) == (huge ? 0 : 8));
    for (uintptr_t at = 0, i = 0; i < 8; i++, at += step)
        CHECK(get(mm, (uintptr_t)r + at) == i + 1);
    child = mm_copy(mm);
    CHECK(child != NULL && get(child, (uintptr_t)r + step) == 2);
    CHECK(put(mm, (uintptr_t)r + step, 20) == 0);
    CHECK(since(mm, MM_COW) == 1 && since(mm, MM_HSPLIT) == (huge ? 2 : 1));
    CHECK(get(child, (uintptr_t)r + step) == 2);
    CHECK(get(mm, (uintptr_t)r + 2 * step) == 3);
    mm_put_user(child);
    CHECK(do_munmap(mm, (uintptr_t)r, GIB) == 0 && mm->rss == 0);
    mm_put_user(mm);
}

KTEST(vm_row_25_never_cut)
{
    struct mm_struct *mm = mm_create();
    long r = do_mmap_1g(mm, GIB, VM_READ | VM_WRITE);
    uintptr_t at = (uintptr_t)r, to = at - 4 * GIB;

    if (r > 0 && level_at(mm, at) == 2) {
        CHECK(put(mm, at + GIB / 2, 7) == 0);
        mark(mm);
        CHECK(do_munmap(mm, at + GIB - P, P) == -EINVAL);
        CHECK(do_munmap(mm, at, HUGE) == -EINVAL);
        CHECK(do_mprotect(mm, at + P, GIB - P, VM_READ) == -EINVAL);
        CHECK(do_madvise(mm, at, P, MADV_DONTNEED) == -EINVAL);
        CHECK(do_madvise(mm, at, P, MADV_NOHUGEPAGE) == -EINVAL);
        CHECK(do_mremap(mm, at, GIB / 2, GIB / 2, MREMAP_MAYMOVE | MREMAP_FIXED,
                        to) == -EINVAL);
        CHECK(do_mremap(mm, at, GIB, GIB / 2, MREMAP_MAYMOVE, 0) == -EINVAL);
        CHECK(do_mmap(mm, at + HUGE, P, VM_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
                      0) == -EINVAL);
        CHECK(level_at(mm, at) == 2 && mm->map_count == 1);
        CHECK(since(mm, MM_HSPLIT) == 0 && get(mm, at + GIB / 2) == 7);
        /* As a whole: */
        CHECK(do_mprotect(mm, at, GIB, VM_READ) == 0);
        CHECK(put(mm, at, 1) == -EFAULT && level_at(mm, at) == 2);
    } else {
        ktest_skip("no free block of 1 GiB");
    }
    mm_put_user(mm);
}

static struct mm_struct *shared_mm;
static uintptr_t shared_at;

static void
store_first(unsigned i)
{
    for (unsigned u = 0; u < 4; u++)
        CHECK(put(shared_mm, shared_at + u * HUGE + (100 * i + u) * P, i + 1) ==
              0);
}

KTEST(vm_row_24_one_leaf_for_all_writers)
{
    if (!blocks(8)) /* a loser holds one, too, for a moment */
        return;
    for (unsigned round = 0; round < 10; round++) {
        shared_mm = mm_create();
        shared_at = map_at(shared_mm, 0, 4 * N);
        ktest_parallel(4, true, store_first);
        CHECK(shared_mm->stat[MM_HMAP] == 4 && shared_mm->rss == 2048);
        for (unsigned i = 0; i < 4; i++) {
            for (unsigned u = 0; u < 4; u++)
                CHECK(get(shared_mm,
                          shared_at + u * HUGE + (100 * i + u) * P) == i + 1);
        }
        mm_put_user(shared_mm);
    }
}

KBENCH(huge_fault)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_at(mm, 0, 2 * N);
    uint64_t start;

    CHECK(do_madvise(mm, at, HUGE, MADV_NOHUGEPAGE) == 0);
    for (unsigned round = 0; round < 2; round++) { /* the first one warms */
        start = instret_now();
        for (size_t i = 0; i < N; i++)
            (void)do_pgfault(mm, FAULT_WRITE, at + i * P);
        if (round == 1)
            kbench_report("fault_small_per_page", instret_now() - start, N);
        start = instret_now();
        (void)do_pgfault(mm, FAULT_WRITE, at + HUGE);
        if (round == 1)
            kbench_report("fault_huge_per_page", instret_now() - start, N);
        if (round == 0)
            CHECK(do_madvise(mm, at, 2 * HUGE, MADV_DONTNEED) == 0);
    }
    CHECK(mm->stat[MM_HMAP] == 2);
    start = instret_now();
    CHECK(do_mprotect(mm, at + HUGE, P, VM_READ) == 0);
    kbench_report("huge_split", instret_now() - start, 1);
    start = instret_now();
    CHECK(do_munmap(mm, at, HUGE) == 0);
    kbench_report("unmap_small_per_page", instret_now() - start, N);
    mm_put_user(mm);
}
