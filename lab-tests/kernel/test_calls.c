/* test_calls.c: mmap, munmap, mprotect, mremap, madvise, mincore, mlock, brk,
 * stacks and fork on the real page tables, with the numbers of the rows. */
#include "ext/mm/audit.h"
#include "mm/kmalloc.h"
#include "vm_tools.h"

static struct marks m;

/* Every hart of the machine might remember something of MM. */
static void
on_all_harts(struct mm_struct *mm)
{
    atomic_or(&mm->harts, (1ul << ncpu) - 1);
}

static size_t
free_frames(void)
{
    table_pages_drain();
    kmem_shrink();
    pmm_drain();
    return nr_free_pages() + kmalloc_pages();
}

KTEST(vm_row_14_an_offset_is_page_aligned)
{
    struct mm_struct *mm = mm_create();
    struct vm_object *obj = anon_shared_object(PG);

    CHECK(do_mmap(mm, 0, PG, RW, MAP_SHARED, obj, 5) == -EINVAL);
    CHECK(do_mmap(mm, 0, PG, RW, ANON, NULL, 5) == -EINVAL);
    CHECK(do_mmap(mm, 0x100001, PG, RW, ANON | MAP_FIXED, NULL, 0) == -EINVAL);
    CHECK(do_munmap(mm, 0x100001, PG) == -EINVAL);
    object_put(obj);
    mm_put_user(mm);
}

KTEST(vm_row_14_map_and_unmap_lose_nothing)
{
    struct mm_struct *mm = mm_create();
    size_t before = 0;

    for (unsigned i = 0; i < 5000; i++) {
        uintptr_t at = map_pages(mm, 0, 1, RW, 0);

        if (i % 16 == 0)
            CHECK(put(mm, at, i) == 0);
        CHECK(do_munmap(mm, at, PG) == 0);
        if (i == 0)
            before = free_frames();
    }
    CHECK(free_frames() == before);
    CHECK(mm->map_count == 0 && mm->rss == 0);
    mm_put_user(mm);
}

KTEST(vm_row_18_an_upgrade_flushes_here_only)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 8, RW, 0);

    fill(mm, at, 8, 1);
    mm_put_user(mm_copy(mm)); /* all entries lost W */
    on_all_harts(mm);
    mark(&m, mm);
    fill(mm, at, 8, 100);
    CHECK(since(&m, MM_REUSE) == 8);
    CHECK(since(&m, MM_TLB_LOC) == 8 && since(&m, MM_TLB_REM) == 0);
    mm_put_user(mm);
}

/* 300 pages, of which all but the ends go: no whole leaf of the layer. */
KTEST(vm_row_19_a_large_unmap_asks_each_hart_once)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 700, RW, 0);

    fill(mm, at, 700, 1);
    on_all_harts(mm);
    mark(&m, mm);
    CHECK(do_munmap(mm, at + PG, 698 * PG) == 0);
    CHECK(since(&m, MM_TLB_REM) == ncpu - 1);
    CHECK(since(&m, MM_TLB_LOC) == 1);
    CHECK(get(mm, at) == 1 && get(mm, at + 699 * PG) == 700);
    mm_put_user(mm);
}

KTEST(vm_row_22_nothing_vanishes_in_a_copy)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t rw = map_pages(mm, 0, 4, RW, 0), none, ro, zero, gone;

    none = map_pages(mm, 0, 4, RW, 0);
    ro = map_pages(mm, 0, 4, RW, 0);
    zero = map_pages(mm, 0, 4, VM_READ, 0);
    gone = map_pages(mm, 0, 4, RW, 0);
    fill(mm, rw, 4, 10);
    fill(mm, none, 4, 20);
    fill(mm, ro, 4, 30);
    fill(mm, gone, 4, 40);
    CHECK(get(mm, zero) == 0);
    CHECK(do_mprotect(mm, none, 4 * PG, 0) == 0); /* no entries any more */
    CHECK(entry(mm, none) == 0);
    CHECK(do_mprotect(mm, ro, 4 * PG, VM_READ) == 0);
    CHECK(do_munlock(mm, gone, 4 * PG) == 0);
    child = mm_copy(mm);
    CHECK(is_segv(child, none));
    CHECK(do_mprotect(child, none, 4 * PG, RW) == 0);
    CHECK(filled(child, rw, 4, 10) && filled(child, none, 4, 20));
    CHECK(filled(child, ro, 4, 30) && filled(child, gone, 4, 40));
    CHECK(get(child, zero + 3 * PG) == 0);
    fill(mm, rw, 4, 50);
    CHECK(filled(child, rw, 4, 10));
    mm_put_user(mm);
    CHECK(filled(child, none, 4, 20) && filled(child, ro, 4, 30));
    mm_put_user(child);
}

KTEST(vm_row_74_both_halves_in_both_spaces)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0, 30, RW, 0);

    fill(mm, at, 30, 100);
    CHECK(do_munmap(mm, at + 10 * PG, 10 * PG) == 0);
    mark(&m, mm);
    child = mm_copy(mm);
    CHECK(since(&m, MM_LSHARE) == 2);
    CHECK(filled(mm, at, 10, 100) && filled(child, at, 10, 100));
    CHECK(filled(mm, at + 20 * PG, 10, 120));
    CHECK(filled(child, at + 20 * PG, 10, 120));
    CHECK(is_segv(mm, at + 10 * PG) && is_segv(child, at + 19 * PG));
    fill(child, at, 10, 200);
    fill(mm, at + 20 * PG, 10, 300);
    CHECK(filled(mm, at, 10, 100) && filled(child, at, 10, 200));
    CHECK(filled(mm, at + 20 * PG, 10, 300));
    CHECK(filled(child, at + 20 * PG, 10, 120));
    mm_put_user(mm);
    mm_put_user(child);
}

KTEST(vm_row_78_a_copy_has_the_rest_of_the_page)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0, 1, RW, 0);

    for (unsigned i = 0; i < PG; i += 8)
        CHECK(put(mm, at + i, i) == 0);
    child = mm_copy(mm);
    mark(&m, child);
    CHECK(put(child, at, 7777) == 0);
    CHECK(since(&m, MM_COW) == 1 && since(&m, MM_FLT) == 1);
    for (unsigned i = 8; i < PG; i += 8)
        CHECK(get(child, at + i) == i && get(mm, at + i) == i);
    CHECK(get(mm, at) == 0 && get(child, at) == 7777);
    mm_put_user(mm);
    mm_put_user(child);
}

/* What a child must not have: pages of an area that was not copied, in a layer
 * that was.  A new area there would show them. */
KTEST(vm_copy_leaves_dontfork_pages_behind)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0, 9, RW, 0);
    pte_t was;

    fill(mm, at, 9, 0x5ec2e7);
    CHECK(do_madvise(mm, at + 3 * PG, 3 * PG, MADV_DONTFORK) == 0);
    was = entry(mm, at + 3 * PG);
    child = mm_copy(mm);
    CHECK(is_segv(child, at + 3 * PG));
    CHECK(map_pages(child, at + 3 * PG, 3, RW, MAP_FIXED) == at + 3 * PG);
    CHECK(child->map_count == 1); /* it joined those that have the layer */
    for (unsigned i = 3; i < 6; i++)
        CHECK(get(child, at + i * PG) == 0);
    CHECK(filled(child, at, 3, 0x5ec2e7));
    CHECK(filled(mm, at, 9, 0x5ec2e7));
    /* Nobody shares them, so the parent may go on writing. */
    CHECK(entry(mm, at + 3 * PG) == was && (was & PTE_W));
    mark(&m, mm);
    fill(mm, at + 3 * PG, 3, 1);
    CHECK(since(&m, MM_FLT) == 0);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_copy_shares_what_has_private_pages)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0, 4, RW, MAP_LOCKED);

    map_pages(mm, 0, 4, VM_READ, 0); /* never written */
    CHECK(do_mmap(mm, 0, 4 * PG, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0) > 0);
    mark(&m, mm);
    child = mm_copy(mm);
    CHECK(since(&m, MM_LSHARE) == 1);
    CHECK(child->map_count == 3 && child->locked_pages == 0);
    CHECK((flags_at(child, at) & VM_LOCKED) == 0 && mm->locked_pages == 4);
    mm_put_user(child);
    mm_put_user(mm);
}

/* Frames: what was written, and nothing else, comes back at once. */
KTEST(vm_row_95_frames_come_back_at_once)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 40, RW, 0);
    size_t before;

    fill(mm, at, 30, 1);
    before = free_frames();
    CHECK(do_munmap(mm, at + 10 * PG, 30 * PG) == 0);
    CHECK(free_frames() - before == 20);
    CHECK(filled(mm, at, 10, 1) && is_segv(mm, at + 10 * PG));
    mm_put_user(mm);
}

KTEST(vm_row_96_fixed_replaces_hints_do_not)
{
    struct mm_struct *mm = mm_create();
    uintptr_t a = 0x10000000, at;

    for (unsigned i = 0; i < 3; i++) {
        map_pages(mm, a + 4 * i * PG, 4, i == 1 ? VM_READ : RW, MAP_FIXED);
        if (i != 1)
            fill(mm, a + 4 * i * PG, 4, 1);
    }
    CHECK(mm->map_count == 3);
    CHECK(do_mmap(mm, a + 11 * PG, 2 * PG, RW, ANON | MAP_FIXED_NOREPLACE, NULL,
                  0) == -EEXIST);
    CHECK(mm->map_count == 3 && get(mm, a + 11 * PG) == 4);
    CHECK(map_pages(mm, a + 12 * PG, 2, VM_READ, MAP_FIXED_NOREPLACE) ==
          a + 12 * PG);
    at = map_pages(mm, a + 2 * PG, 4, RW, 0); /* a hint that is taken */
    CHECK(at != a + 2 * PG);
    CHECK(map_pages(mm, 0x20000123, 1, RW, 0) == 0x20000000);
    CHECK(map_pages(mm, a + 2 * PG, 8, VM_READ, MAP_FIXED) == a + 2 * PG);
    CHECK(get(mm, a + PG) == 2 && get(mm, a + 2 * PG) == 0);
    CHECK(get(mm, a + 9 * PG) == 0 && get(mm, a + 10 * PG) == 3);
    mm_put_user(mm);
}

KTEST(vm_row_97_mremap_moves_pages_without_faults)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0x10000000, 1200, RW, 0), to = 0x30123000;
    struct page *page;
    long got;

    map_pages(mm, at + 1200 * PG, 1, VM_READ, MAP_FIXED); /* in the way */
    fill(mm, at, 600, 1);
    CHECK(get(mm, at + 700 * PG) == 0);
    page = page_at(mm, at);
    on_all_harts(mm);
    mark(&m, mm);
    got = do_mremap(mm, at, 1200 * PG, 1500 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
                    to);
    CHECK(got == (long)to);
    CHECK(filled(mm, to, 600, 1) && get(mm, to + 700 * PG) == 0);
    CHECK(put(mm, to, 5) == 0 && page_at(mm, to) == page);
    CHECK(since(&m, MM_FLT) == 0 && page->mapcount == 1);
    CHECK(entry(mm, at) == 0 && is_segv(mm, at));
    CHECK(get(mm, to + 1499 * PG) == 0 && mm->rss == 600);
    CHECK(do_munmap(mm, to, 1500 * PG) == 0 && mm->rss == 0);
    mm_put_user(mm);
}

KTEST(vm_row_97_mremap_shrinks_and_grows_in_place)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0x10000000, 10, RW, 0);
    size_t anons = anon_count();

    fill(mm, at, 10, 1);
    CHECK(do_mremap(mm, at, 10 * PG, 4 * PG, 0, 0) == (long)at);
    CHECK(anon_count() - anons == 4 && is_segv(mm, at + 4 * PG));
    CHECK(do_mremap(mm, at, 4 * PG, 20 * PG, 0, 0) == (long)at);
    CHECK(mm->map_count == 1 && filled(mm, at, 4, 1));
    CHECK(get(mm, at + 4 * PG) == 0 && get(mm, at + 19 * PG) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_97_mremap_dontunmap_leaves_zeros)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0x10000000, 6, RW, 0);
    long to;

    fill(mm, at, 6, 1);
    to =
        do_mremap(mm, at, 6 * PG, 6 * PG, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    CHECK(to > 0 && (uintptr_t)to != at);
    CHECK(filled(mm, (uintptr_t)to, 6, 1));
    for (unsigned i = 0; i < 6; i++)
        CHECK(get(mm, at + i * PG) == 0);
    fill(mm, at, 6, 100);
    CHECK(filled(mm, (uintptr_t)to, 6, 1));
    mm_put_user(mm);
}

/* A relative shares the pages that move: neither sees the other's writes. */
KTEST(vm_row_97_mremap_keeps_relatives_apart)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0x10000000, 6, RW, 0), to = 0x20000000;

    fill(mm, at, 6, 1);
    child = mm_copy(mm);
    CHECK(do_mremap(child, at, 6 * PG, 6 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
                    to) == (long)to);
    fill(child, to, 3, 50);
    fill(mm, at + 3 * PG, 3, 60);
    CHECK(filled(mm, at, 3, 1) && filled(child, to + 3 * PG, 3, 4));
    mm_put_user(mm);
    CHECK(filled(child, to, 3, 50));
    mm_put_user(child);
}

KTEST(vm_row_97_dontneed_shows_zeros_again)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 20, RW, 0);
    size_t anons = anon_count();

    fill(mm, at, 20, 1);
    CHECK(do_madvise(mm, at + 5 * PG, 10 * PG, MADV_DONTNEED) == 0);
    CHECK(anon_count() - anons == 10 && mm->map_count == 1);
    CHECK(filled(mm, at, 5, 1) && filled(mm, at + 15 * PG, 5, 16));
    for (unsigned i = 5; i < 15; i++)
        CHECK(get(mm, at + i * PG) == 0);
    CHECK(do_madvise(mm, at + 10 * PG, 20 * PG, MADV_DONTNEED) == -ENOMEM);
    CHECK(get(mm, at + 19 * PG) == 0);
    mm_put_user(mm);
}

/* FREE: kept for now, and clean, until the next write. */
KTEST(vm_row_97_free_is_taken_back_by_a_write)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0, 8, RW, 0);
    struct page *page;

    fill(mm, at, 8, 1);
    mark(&m, mm);
    CHECK(do_madvise(mm, at, 4 * PG, MADV_FREE) == 0);
    page = page_at(mm, at);
    CHECK((page->flags & (PG_LAZYFREE | PG_DIRTY)) == PG_LAZYFREE);
    CHECK((entry(mm, at) & PTE_D) == 0 && get(mm, at) == 1);
    CHECK((page_at(mm, at + 4 * PG)->flags & PG_LAZYFREE) == 0);
    CHECK(put(mm, at, 9) == 0 && (entry(mm, at) & PTE_D));
    CHECK((entry(mm, at + PG) & PTE_D) == 0 && since(&m, MM_FLT) == 0);
    CHECK(do_mprotect(mm, at, 8 * PG, VM_READ) == 0); /* D goes into the page */
    CHECK(page->flags & PG_DIRTY);
    CHECK(do_mprotect(mm, at, 8 * PG, RW) == 0);
    child = mm_copy(mm); /* what is shared is not marked */
    CHECK(do_madvise(mm, at + 4 * PG, 4 * PG, MADV_FREE) == 0);
    CHECK((page_at(mm, at + 4 * PG)->flags & PG_LAZYFREE) == 0);
    CHECK(filled(child, at + 4 * PG, 4, 5) && get(child, at) == 9);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_97_willneed_brings_pages_in)
{
    struct mm_struct *mm = mm_create();
    struct vm_object *obj = anon_shared_object(6 * PG);
    long at = do_mmap(mm, 0, 6 * PG, VM_READ, MAP_SHARED, obj, 0);

    CHECK(at > 0);
    CHECK(do_madvise(mm, (uintptr_t)at, 6 * PG, MADV_WILLNEED) == 0);
    mark(&m, mm);
    for (unsigned i = 0; i < 6; i++)
        CHECK(get(mm, (uintptr_t)at + i * PG) == 0);
    CHECK(since(&m, MM_FLT) == 0 && mm->rss == 6);
    object_put(obj);
    mm_put_user(mm);
}

KTEST(vm_row_97_advice_is_remembered)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 12, RW, 0);

    CHECK(do_madvise(mm, at + 4 * PG, 4 * PG, MADV_HUGEPAGE) == 0);
    CHECK(mm->map_count == 3 && (flags_at(mm, at + 4 * PG) & VM_HUGE));
    CHECK(do_madvise(mm, at + 4 * PG, 4 * PG, MADV_NOHUGEPAGE) == 0);
    CHECK((flags_at(mm, at + 4 * PG) & (VM_HUGE | VM_NOHUGE)) == VM_NOHUGE);
    CHECK((flags_at(mm, at) & (VM_HUGE | VM_NOHUGE)) == 0);
    CHECK(do_madvise(mm, at, 12 * PG, MADV_WILLNEED) == 0);
    CHECK(do_madvise(mm, at, 12 * PG, 77) == -EINVAL);
    mm_put_user(mm);
}

/* Says mincore the same as the tables, page by page? */
KTEST(vm_row_97_mincore_agrees_with_the_tables)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 200, RW, 0);
    unsigned char vec[200];

    for (unsigned i = 0; i < 200; i += 3)
        CHECK(put(mm, at + i * PG, i) == 0);
    for (unsigned i = 1; i < 200; i += 9)
        CHECK(get(mm, at + i * PG) == 0);
    CHECK(do_mincore(mm, at, 200 * PG, vec) == 0);
    for (unsigned i = 0; i < 200; i++)
        CHECK(vec[i] == (entry(mm, at + i * PG) & PTE_V));
    CHECK(do_mprotect(mm, at, 200 * PG, 0) == 0); /* pages stay in the layer */
    CHECK(do_mincore(mm, at, 200 * PG, vec) == 0);
    for (unsigned i = 0; i < 200; i++)
        CHECK(vec[i] == (i % 3 == 0));
    CHECK(do_mincore(mm, at, 201 * PG, vec) == -ENOMEM);
    mm_put_user(mm);
}

KTEST(vm_row_97_mlock_counts_and_fills)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_pages(mm, 0, 10, RW, 0);

    fill(mm, at, 3, 1);
    CHECK(do_mlock(mm, at + 2 * PG, 4 * PG, 0) == 0);
    CHECK(mm->locked_pages == 4 && mm->map_count == 3);
    mark(&m, mm);
    for (unsigned i = 2; i < 6; i++)
        CHECK(page_at(mm, at + i * PG)->mlocks == 1);
    CHECK(page_at(mm, at)->mlocks == 0 && page_at(mm, at + 6 * PG) == NULL);
    fill(mm, at + 2 * PG, 4, 3);
    CHECK(since(&m, MM_FLT) == 0);
    child = mm_copy(mm); /* its areas are not locked */
    CHECK(get(child, at + 2 * PG) == 3);
    CHECK(page_at(child, at + 2 * PG)->mlocks == 1);
    CHECK(put(mm, at + 2 * PG, 9) == 0); /* a copy takes the place */
    CHECK(page_at(mm, at + 2 * PG)->mlocks == 1);
    CHECK(page_at(child, at + 2 * PG)->mlocks == 0);
    CHECK(do_mremap(mm, at + 2 * PG, 4 * PG, 4 * PG,
                    MREMAP_MAYMOVE | MREMAP_FIXED, 0x10000000) == 0x10000000);
    CHECK(page_at(mm, 0x10000000)->mlocks == 1 && mm->locked_pages == 4);
    CHECK(do_munlock(mm, 0x10000000, 4 * PG) == 0);
    CHECK(mm->locked_pages == 0 && get(mm, 0x10000000) == 9);
    CHECK(page_at(mm, 0x10000000)->mlocks == 0);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_97_mlockall_now_and_later)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 3, RW, 0), next;

    CHECK(do_mlockall(mm, MCL_CURRENT | MCL_FUTURE) == 0);
    CHECK(mm->locked_pages == 3 && page_at(mm, at)->mlocks == 1);
    next = map_pages(mm, 0, 2, RW, 0);
    CHECK(mm->locked_pages == 5 && page_at(mm, next)->mlocks == 1);
    CHECK(do_munlockall(mm) == 0 && mm->locked_pages == 0);
    CHECK(map_pages(mm, 0, 2, RW, 0) != 0 && mm->locked_pages == 0);
    CHECK(do_mlock(mm, at, 1000 * PG, 0) == -ENOMEM);
    mm_put_user(mm);
}

KTEST(vm_row_97_populate_leaves_no_fault)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 6, RW, MAP_POPULATE | MAP_NORESERVE);

    mark(&m, mm);
    fill(mm, at, 6, 1);
    CHECK(since(&m, MM_FLT) == 0 && mm->rss == 6);
    mm_put_user(mm);
}

KTEST(vm_row_97_the_heap_is_one_area)
{
    struct mm_struct *mm = mm_create();
    uintptr_t base = 0x10000000;

    mm->brk_start = mm->brk = base;
    for (unsigned i = 1; i <= 50; i++) {
        CHECK(do_brk(mm, base + i * 3000) == base + i * 3000);
        CHECK(put(mm, base + i * 3000 - 8, i) == 0);
    }
    CHECK(mm->map_count == 1);
    CHECK(do_brk(mm, base + 5000) == base + 5000);
    CHECK(get(mm, base + 3000 - 8) == 1 && is_segv(mm, base + 2 * PG));
    CHECK(do_brk(mm, base + 50000) == base + 50000);
    CHECK(get(mm, base + 4 * 3000 - 8) == 0);
    CHECK(do_brk(mm, base - 1) == base + 50000);
    map_pages(mm, base + 20 * PG, 1, RW, MAP_FIXED);
    CHECK(do_brk(mm, base + 21 * PG) == base + 50000);
    mm_put_user(mm);
}

KTEST(vm_row_97_a_stack_grows_by_touch)
{
    struct mm_struct *mm = mm_create();
    uintptr_t top = 0x40000000, at = top - 2 * PG, below;

    map_pages(mm, at, 2, RW, MAP_FIXED | MAP_GROWSDOWN);
    mm->stack_limit = 64 * PG;
    CHECK(put(mm, at - 5 * PG, 7) == 0 && mm->map_count == 1);
    CHECK(get(mm, at - 3 * PG) == 0 && get(mm, at - 5 * PG) == 7);
    CHECK(put(mm, top - 64 * PG, 8) == 0);           /* the limit itself */
    CHECK(put(mm, top - 64 * PG - 8, 8) == -EFAULT); /* and beyond */
    CHECK(is_segv(mm, top - 64 * PG - 8));
    CHECK(expand_stack(mm, top - 65 * PG) == -EFAULT);
    mm->stack_limit = 4096 * PG;
    below = top - 64 * PG - STACK_GAP - 3 * PG;
    map_pages(mm, below, 1, RW, MAP_FIXED);
    CHECK(put(mm, top - 66 * PG, 9) == 0); /* the gap is whole: 256 pages */
    CHECK(is_segv(mm, top - 67 * PG));     /* here it would not be */
    CHECK(expand_stack(mm, top - 67 * PG) == -EFAULT);
    CHECK(expand_stack(mm, top - 66 * PG) == 0); /* is there already */
    CHECK(expand_stack(mm, 0x50000000) == -EFAULT);
    CHECK(get(mm, below) == 0);
    mm_put_user(mm);
}

/* --- row 94: against an array that says what should be there --- */

#define WINDOW 64
#define BASE   0x10000000ul

static struct {
    bool mapped;
    uint32_t prot;
    uint64_t value;
} model[WINDOW];

static bool
model_agrees(struct mm_struct *mm)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        uint32_t flags = flags_at(mm, BASE + i * PG);

        if ((flags != 0) != model[i].mapped)
            return false;
        if (model[i].mapped && (flags & VM_RWX) != model[i].prot)
            return false;
        if (model[i].mapped && (model[i].prot & VM_READ) &&
            get(mm, BASE + i * PG) != model[i].value)
            return false;
    }
    return true;
}

/* One random call, here and in the model. */
static void
random_call(struct mm_struct *mm, uint64_t *seed)
{
    unsigned i = (unsigned)(ktest_random(seed) >> 20) % WINDOW;
    unsigned n = 1 + (unsigned)(ktest_random(seed) >> 20) % (WINDOW - i);
    unsigned what = (unsigned)(ktest_random(seed) >> 20) % 5;
    uint32_t prot = ktest_random(seed) >> 20 & 1 ? RW : VM_READ;
    uintptr_t at = BASE + i * PG;

    n = MIN(n, 12u);
    if (what == 0)
        map_pages(mm, at, n, prot, MAP_FIXED);
    else if (what == 1)
        CHECK(do_munmap(mm, at, n * PG) == 0);
    else if (what == 2)
        (void)do_mprotect(mm, at, n * PG, prot);
    for (unsigned k = i; k < i + n; k++) {
        if (what == 0 || what == 1) {
            model[k].mapped = what == 0;
            model[k].prot = prot;
            model[k].value = 0;
        } else if (what == 2 && !model[k].mapped) {
            break;
        } else if (what == 2) {
            model[k].prot = prot;
        } else if (put(mm, BASE + k * PG, k + *seed) == 0) {
            CHECK(model[k].mapped && (model[k].prot & VM_WRITE));
            model[k].value = k + *seed;
        } else {
            CHECK(!model[k].mapped || !(model[k].prot & VM_WRITE));
        }
    }
}

/* The areas do not overlap, are in order, and as many as are counted. */
static bool
areas_sound(struct mm_struct *mm)
{
    uintptr_t last = 0;
    int n = 0;

    list_for_each_entry (v, &mm->mmap_list, struct vma_struct, list_link) {
        if (v->vm_start < last || v->vm_start >= v->vm_end)
            return false;
        last = v->vm_end;
        n++;
    }
    return n == mm->map_count;
}

KTEST(vm_row_94_random_calls_agree_with_a_model)
{
    struct mm_struct *mm = mm_create();
    uint64_t seed = ktest_seed;

    for (unsigned i = 0; i < WINDOW; i++)
        model[i].mapped = false;
    for (unsigned n = 0; n < 1500; n++) {
        random_call(mm, &seed);
        if (n % 50 == 0)
            CHECK(areas_sound(mm) && model_agrees(mm));
    }
    CHECK(areas_sound(mm) && model_agrees(mm));
    mm_put_user(mm);
}
