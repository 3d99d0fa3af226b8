/* test_huge_split.c: leaves of 2 MiB become smaller ones, with the counts of row
 * 26 of docs/design/mm.md. */
#include "huge_world.h"
#include "mm/tlb.h"

KTEST(vm_row_26_unmap_one_page)
{
    uintptr_t at;
    struct mm_struct *mm;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    CHECK(do_munmap(mm, at + 100 * P, P) == 0);
    CHECK(since(mm, MM_HSPLIT) == 1 && mm->rss == 511);
    CHECK(filled(mm, at, 0, 100) && filled(mm, at, 101, N));
    CHECK(since(mm, MM_FLT) == 0);
    CHECK(do_pgfault(mm, FAULT_READ, at + 100 * P) & VM_FAULT_SIGSEGV);
    /* What is left is ordinary. */
    CHECK(put(mm, at + 99 * P, 1) == 0 && get(mm, at + 99 * P) == 1);
    mm_put_user(mm);
}

KTEST(vm_row_26_unmap_across_a_boundary)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_at(mm, 0, 3 * N);

    if (blocks(3)) {
        fill(mm, at, 3 * N);
        CHECK(mm->stat[MM_HMAP] == 3);
        CHECK(do_munmap(mm, at + HUGE - P, HUGE + 2 * P) == 0);
        CHECK(mm->stat[MM_HSPLIT] == 2 && mm->rss == 1022);
        CHECK(filled(mm, at, 0, N - 1) && filled(mm, at, 2 * N + 1, 3 * N));
    }
    mm_put_user(mm);
}

KTEST(vm_row_26_protect)
{
    uintptr_t at;
    struct mm_struct *mm;
    unsigned level;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    /* All of it: one entry, and it gets W back as a whole. */
    CHECK(do_mprotect(mm, at, HUGE, VM_READ) == 0);
    CHECK(since(mm, MM_HSPLIT) == 0 && put(mm, at, 1) == -EFAULT);
    CHECK((entry(mm, at, &level) & (PTE_R | PTE_W)) == PTE_R && level == 1);
    CHECK(do_mprotect(mm, at, HUGE, VM_READ | VM_WRITE) == 0);
    CHECK(put(mm, at + 3 * P, 1003) == 0 && level_at(mm, at) == 1);
    CHECK(since(mm, MM_HSPLIT) == 0 && since(mm, MM_REUSE) == 1);
    CHECK(do_mprotect(mm, at, HUGE, 0) == 0 && mm->rss == 0);
    CHECK(do_mprotect(mm, at, HUGE, VM_READ | VM_WRITE) == 0);
    CHECK(filled(mm, at, 0, N) && mm->rss == 512);
    mm_put_user(mm);
    mm = one_leaf(&at);
    CHECK(do_mprotect(mm, at + N / 2 * P, HUGE / 2, VM_READ) == 0);
    CHECK(since(mm, MM_HSPLIT) == 1 && mm->rss == 512);
    CHECK(put(mm, at, 1000) == 0 && put(mm, at + N / 2 * P, 1) == -EFAULT);
    CHECK(filled(mm, at, 0, N));
    mm_put_user(mm);
}

KTEST(vm_row_26_copy_then_store_copies_4_kib)
{
    uintptr_t at;
    struct mm_struct *mm, *child;
    size_t anons, free_before;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    anons = anon_count();
    free_before = nr_free_pages();
    child = mm_copy(mm);
    CHECK(child != NULL && anon_count() == anons);
    CHECK(level_at(mm, at) == 1); /* read-only */
    mark(mm);
    CHECK(put(mm, at + 7 * P, 1) == 0);
    CHECK(since(mm, MM_COW) == 1 && since(mm, MM_HSPLIT) == 1);
    CHECK(since(mm, MM_FLT) == 1 && anon_count() == anons + 1);
    CHECK(free_before - nr_free_pages() < 64);
    CHECK(filled(child, at, 0, N));
    mark(child);
    CHECK(put(child, at + 9 * P, 2) == 0 && since(child, MM_COW) == 1);
    CHECK(get(mm, at + 7 * P) == 1 && filled(mm, at, 8, N));
    CHECK(get(child, at + 9 * P) == 2 && filled(child, at, 10, N));
    mm_put_user(mm);
    CHECK(get(child, at + 7 * P) == 1007 && filled(child, at, 10, N));
    mm_put_user(child);
}

KTEST(vm_row_26_leaf_is_ours_again)
{
    uintptr_t at;
    struct mm_struct *mm, *child;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    child = mm_copy(mm);
    CHECK(filled(child, at, 0, N));
    mm_put_user(child);
    mark(mm);
    CHECK(put(mm, at, 1000) == 0 && put(mm, at + 511 * P, 1511) == 0);
    CHECK(since(mm, MM_REUSE) == 1 && since(mm, MM_HSPLIT) == 0);
    CHECK(since(mm, MM_FLT) == 1 && filled(mm, at, 0, N));
    mm_put_user(mm);
}

KTEST(vm_row_26_move_half)
{
    uintptr_t at, to = 0x80000000;
    struct mm_struct *mm;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    CHECK(do_mremap(mm, at + HUGE / 2, HUGE / 2, HUGE / 2,
                    MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
    CHECK(since(mm, MM_HSPLIT) == 1);
    CHECK(filled(mm, at, 0, N / 2));
    for (size_t i = 0; i < N / 2; i++)
        CHECK(get(mm, to + i * P) == 1000 + N / 2 + i);
    mm_put_user(mm);
    /* The layer's index need not be aligned as the address is. */
    mm = mm_create();
    at = map_at(mm, 3, 2 * N);
    CHECK(do_mremap(mm, at, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                    to) == (long)to);
    fill(mm, to, 2 * N);
    CHECK(mm->stat[MM_HMAP] >= 1 && filled(mm, to, 0, 2 * N));
    mm_put_user(mm);
}

KTEST(vm_row_26_discard)
{
    uintptr_t at;
    struct mm_struct *mm;
    unsigned char vec[N];

    if (!blocks(2))
        return;
    mm = one_leaf(&at);
    CHECK(do_mincore(mm, at, HUGE, vec) == 0 && vec[0] && vec[N - 1]);
    CHECK(do_madvise(mm, at + 10 * P, 20 * P, MADV_DONTNEED) == 0);
    CHECK(since(mm, MM_HSPLIT) == 1 && mm->rss == 492);
    CHECK(get(mm, at + 10 * P) == 0 && get(mm, at + 29 * P) == 0);
    CHECK(filled(mm, at, 0, 10) && filled(mm, at, 30, N));
    mm_put_user(mm);
    /* All of it: no table was made, so the next store is huge again. */
    mm = one_leaf(&at);
    CHECK(do_madvise(mm, at, HUGE, MADV_DONTNEED) == 0 && mm->rss == 0);
    CHECK(put(mm, at + P, 5) == 0 && get(mm, at) == 0 && mm->rss == 512);
    CHECK(since(mm, MM_HMAP) == 1 && since(mm, MM_HSPLIT) == 0);
    mm_put_user(mm);
}

/* What reclaim does, without the disk. */
KTEST(vm_row_26_one_page_taken_by_way_of_rmap)
{
    uintptr_t at;
    struct mm_struct *mm, *child;
    struct page *page;
    unsigned level, seen = 0;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    child = mm_copy(mm);
    CHECK(filled(child, at, 40, 42));
    page = pa_to_page(pte_pa(entry(mm, at, &level))) + 41;
    CHECK(page->mapcount == 2);
    mark(mm);
    CHECK(rmap_walk(page, take_entry, &seen) == 0 && seen == 2);
    CHECK(since(mm, MM_HSPLIT) == 1 && page->mapcount == 0);
    CHECK(entry(mm, at + 41 * P, &level) == 0 && level == 0);
    CHECK(mm->rss == 511 && filled(mm, at, 0, N) && filled(child, at, 0, N));
    mm_put_user(child);
    mm_put_user(mm);
}

static bool
look_at_entry(struct page *page, pte_t *pte, void *arg)
{
    *(unsigned *)arg += 1 + 16 * pte_level(pte);
    return false;
}

KTEST(vm_row_26_looking_splits_nothing)
{
    uintptr_t at;
    struct mm_struct *mm, *child;
    unsigned seen = 0, level;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    child = mm_copy(mm);
    CHECK(filled(child, at, 40, 42));
    CHECK(rmap_look(pa_to_page(pte_pa(entry(mm, at, &level))) + 41,
                    look_at_entry, &seen) == 0);
    CHECK(seen == 2 + 16 && since(mm, MM_HSPLIT) == 0);
    mm_put_user(child);
    mm_put_user(mm);
}

/* A leaf lies in one area, so an area that is split splits it. */
KTEST(vm_row_26_advice_for_half)
{
    uintptr_t at;
    struct mm_struct *mm;

    if (!blocks(1))
        return;
    mm = one_leaf(&at);
    CHECK(do_madvise(mm, at, HUGE / 2, MADV_NOHUGEPAGE) == 0);
    CHECK(since(mm, MM_HSPLIT) == 1 && mm->rss == 512 && mm->map_count == 2);
    CHECK(filled(mm, at, 0, N) && since(mm, MM_FLT) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_26_fail_alloc_of_the_split)
{
    if (!blocks(1))
        return;
    for (unsigned how = 0; how < 4; how++) {
        bool failed = true;

        for (uint64_t n = 1; failed; n++) {
            uintptr_t at;
            struct mm_struct *mm = one_leaf(&at), *child = NULL;
            int err = 0;

            if (how == 3)
                child = mm_copy(mm);
            fail_set("any", n);
            if (how == 0)
                err = do_munmap(mm, at + 100 * P, P);
            else if (how == 1)
                err = do_mprotect(mm, at, HUGE / 2, VM_READ);
            else if (how == 2)
                err = do_madvise(mm, at + 100 * P, P, MADV_DONTNEED);
            else
                err = put(mm, at + 100 * P, 1100);
            failed = fail_left(FAIL_ANY) == 0;
            fail_set("any", 0);
            CHECK(err == 0 || (failed && (err == -ENOMEM || err == -EFAULT)));
            CHECK(filled(mm, at, 0, 100) && filled(mm, at, 101, N));
            if (err != 0 || how == 1 || how == 3)
                CHECK(get(mm, at + 100 * P) == 1100);
            if (child != NULL) {
                CHECK(filled(child, at, 0, N));
                mm_put_user(child);
            }
            mm_put_user(mm);
        }
    }
}

static struct mm_struct *shared_mm;
static uintptr_t shared_at;

/* Two store into a leaf that is shared with a copy, one comes by way of rmap,
 * one changes rights in the middle. */
static void
split_from_all_sides(unsigned i)
{
    unsigned seen = 0, level;

    for (size_t n = i; n < N; n += 8) {
        uintptr_t at = shared_at + n * P;
        pte_t e;

        if (i < 2) {
            CHECK(put(shared_mm, at, 1000 + n) == 0);
        } else if (i == 2) {
            struct page *page = NULL;

            gate_enter(&shared_mm->gate);
            e = pte_load(pte_lookup(shared_mm, at, &level));
            if (pte_is_leaf(e))
                page = pa_to_page(pte_pa(e)) + (level == 1 ? n : 0);
            if (page != NULL)
                page_get(page);
            gate_leave(&shared_mm->gate);
            if (page != NULL && n < 16)
                (void)rmap_walk(page, take_entry, &seen);
            tlb_flush_kernel(at, P);
            if (page != NULL)
                page_put(page);
        } else {
            CHECK(do_mprotect(shared_mm, at, P, VM_READ) == 0);
            CHECK(do_mprotect(shared_mm, at, P, VM_READ | VM_WRITE) == 0);
        }
        CHECK(get(shared_mm, at) == 1000 + n);
    }
}

KTEST(vm_row_26_split_from_all_sides)
{
    struct mm_struct *child;

    if (!blocks(1))
        return;
    for (unsigned round = 0; round < 10; round++) {
        shared_mm = one_leaf(&shared_at);
        child = mm_copy(shared_mm);
        ktest_parallel(4, true, split_from_all_sides);
        CHECK(since(shared_mm, MM_HSPLIT) == 1);
        CHECK(filled(shared_mm, shared_at, 0, N) &&
              filled(child, shared_at, 0, N));
        mm_put_user(child);
        mm_put_user(shared_mm);
    }
}

/* --- as the hart sees it --- */

static uint64_t
user_word(uintptr_t at, bool store, uint64_t v)
{
    irq_off();
    csr_set(sstatus, SSTATUS_SUM);
    if (store)
        *(volatile uint64_t *)at = v;
    else
        v = *(volatile uint64_t *)at;
    csr_clear(sstatus, SSTATUS_SUM);
    irq_restore();
    return v;
}

static void
use_and_split(unsigned i)
{
    uintptr_t at = shared_at;
    struct mm_struct *mm = shared_mm, *child;

    mm_use(mm);
    for (size_t n = 0; n < N; n++) {
        CHECK(user_word(at + n * P, false, 0) == 1000 + n);
        user_word(at + n * P + 8, true, n);
        CHECK(get(mm, at + n * P + 8) == n);
    }
    CHECK(since(mm, MM_FLT) == 0);
    child = mm_copy(mm);
    CHECK(user_word(at + 7 * P, false, 0) == 1007); /* remembers the leaf */
    CHECK(put(mm, at + 7 * P, 1) == 0);
    CHECK(user_word(at + 7 * P, false, 0) == 1);
    CHECK(user_word(at + 8 * P, false, 0) == 1008);
    user_word(at + 7 * P, true, 2);
    CHECK(get(mm, at + 7 * P) == 2 && get(child, at + 7 * P) == 1007);
    CHECK(put(mm, at + 9 * P, 3) == 0);
    CHECK(user_word(at + 9 * P, false, 0) == 3);
    CHECK(filled(child, at, 0, N));
    mm_put_user(child);
    mm_use(NULL);
    mm_lazy_drop();
}

KTEST(vm_row_26_a_hart_forgets_the_leaf)
{
    if (!blocks(1))
        return;
    shared_mm = one_leaf(&shared_at);
    ktest_parallel(1, true, use_and_split);
    mm_put_user(shared_mm);
}
