/* test_mapcalls.c: row 97: mremap, madvise, mincore, mlock, brk and stacks on the
 * real page tables. */
#include "vm_tools.h"

static struct marks m;

static void
on_all_harts(struct mm_struct *mm)
{
    atomic_or(&mm->harts, (1ul << ncpu) - 1);
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

/* All in one table, so no table goes.  Two flushes: what was at the destination,
 * before something else is; and the old addresses. */
KTEST(vm_row_97_mremap_over_others_forgets_them_first)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0x10000000, 4, RW, 0), to = at + 16 * PG;

    map_pages(mm, to, 4, RW, MAP_FIXED);
    map_pages(mm, at + 32 * PG, 1, RW, MAP_FIXED);
    fill(mm, at, 4, 1);
    fill(mm, to, 4, 50);
    fill(mm, at + 32 * PG, 1, 90);
    on_all_harts(mm);
    mark(&m, mm);
    CHECK(do_mremap(mm, at, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED,
                    to) == (long)to);
    CHECK(since(&m, MM_TLB_LOC) == 2);
    CHECK(since(&m, MM_TLB_REM) == 2 * (ncpu - 1));
    CHECK(filled(mm, to, 4, 1) && get(mm, at + 32 * PG) == 90);
    CHECK(is_segv(mm, at) && mm->rss == 5);
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
    CHECK((entry(mm, at + PG) & PTE_D) == 0);
    CHECK(since(&m, MM_FLT) == (ad_by_software ? 1 : 0)); /* D, by trap */
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
