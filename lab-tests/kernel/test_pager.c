/* test_pager.c: what faults show of an object, row by row of docs/design/mm.md,
 * with a pager that tests can slow down and break.  Files repeat the rows with
 * disks. */
#include "ext/mm/pagers.h"
#include "pager_test.h"

KTEST(vm_row_41_a_read_maps_the_neighbours)
{
    struct ram_pager *rp = pager(64, 64, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at = (uintptr_t)do_mmap(mm, 16ul << 20, 64 * P, R,
                                      MAP_PRIVATE | MAP_FIXED, &rp->obj, 0);

    mark(mm);
    CHECK(get(mm, at) == ram_word(0, 0));
    CHECK(since(mm, MM_FLT) == 1 && since(mm, MM_AROUND) == 15);
    CHECK(since(mm, MM_FREAD) == 1 && since(mm, MM_MAJ) == 0);
    CHECK(!(entry(mm, at) & PTE_W) && mm->rss == 16);
    for (unsigned i = 0; i < 16; i++) {
        CHECK(get(mm, at + i * P + 8) == ram_word(i, 1));
        CHECK(maps_of(&rp->obj, i) == 1);
    }
    CHECK(since(mm, MM_FLT) == 1 && maps_of(&rp->obj, 16) == 0);
    mm_put_user(mm);
    CHECK(maps_of(&rp->obj, 0) == 0 && maps_of(&rp->obj, 15) == 0);
    object_put(&rp->obj);
}

KTEST(vm_row_42_who_reads_the_disk_is_major)
{
    struct ram_pager *rp = pager(4, 0, false);
    struct mm_struct *a = mm_create(), *b = mm_create();
    uintptr_t in_a = map(a, R, MAP_PRIVATE, &rp->obj, 0, 4);
    uintptr_t in_b = map(b, R, MAP_SHARED, &rp->obj, 2, 2);
    uint64_t cached = kstat_read(STAT_CACHE);

    CHECK(do_pgfault(a, FR, in_a + 2 * P) & VM_FAULT_MAJOR);
    CHECK(get(a, in_a + 2 * P) == ram_word(2, 0));
    CHECK(a->stat[MM_MAJ] == 1 && a->stat[MM_MIN] == 0);
    CHECK(kstat_read(STAT_CACHE) - cached == 1);
    CHECK(get(b, in_b) == ram_word(2, 0));
    CHECK(b->stat[MM_MAJ] == 0 && b->stat[MM_MIN] == 1);
    CHECK(rp->ins == 1 && maps_of(&rp->obj, 2) == 2);
    CHECK(pte_pa(entry(a, in_a + 2 * P)) == pte_pa(entry(b, in_b)));
    mm_put_user(a);
    mm_put_user(b);
    object_put(&rp->obj);
    CHECK(kstat_read(STAT_CACHE) == cached);
}

/* What shall be mapped after a read of page I of an area of 40 pages, where
 * page 3 begins a new table and the object ends with page END. */
static void
check_window(unsigned i, unsigned end)
{
    struct ram_pager *rp = pager(40, 40, false);
    struct mm_struct *mm = mm_create();
    uintptr_t base = (64ul << 20) - 3 * P, lo, hi;

    CHECK(do_mmap(mm, base, 40 * P, RW, MAP_PRIVATE | MAP_FIXED, &rp->obj, 0) ==
          (long)base);
    rp->obj.size = end * P;
    lo = ROUND_DOWN(base + i * P, 16 * P);
    hi = MIN(lo + 16 * P, base + end * P);
    lo = MAX(lo, base);
    CHECK(get(mm, base + i * P) == ram_word(i, 0));
    for (unsigned k = 0; k < 40; k++) {
        uintptr_t va = base + k * P;

        CHECK(!!(entry(mm, va) & PTE_V) == (va >= lo && va < hi));
    }
    CHECK(mm->stat[MM_AROUND] == (hi - lo) / P - 1);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_43_the_window_is_clipped)
{
    for (unsigned i = 0; i < 40; i++)
        check_window(i, 40);
    for (unsigned i = 0; i < 5; i++)
        check_window(i, 5);
}

KTEST(vm_row_43_private_pages_are_not_covered)
{
    struct ram_pager *rp = pager(16, 16, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at = (uintptr_t)do_mmap(mm, 16ul << 20, 16 * P, RW,
                                      MAP_PRIVATE | MAP_FIXED, &rp->obj, 0);
    pte_t was;

    CHECK(put(mm, at + 5 * P, 99) == 0);
    was = entry(mm, at + 5 * P);
    CHECK(get(mm, at) == ram_word(0, 0));
    CHECK(mm->stat[MM_AROUND] == 14 && entry(mm, at + 5 * P) == was);
    CHECK(get(mm, at + 5 * P) == 99 && maps_of(&rp->obj, 5) == 0);
    /* The private page is there, but its entry is not. */
    CHECK(do_mprotect(mm, at, 16 * P, 0) == 0);
    CHECK(do_mprotect(mm, at, 16 * P, RW) == 0);
    mark(mm);
    CHECK(get(mm, at) == ram_word(0, 0));
    CHECK(since(mm, MM_AROUND) == 14 && entry(mm, at + 5 * P) == 0);
    CHECK(get(mm, at + 5 * P) == 99);
    /* Turned off. */
    CHECK(do_mprotect(mm, at, 16 * P, 0) == 0);
    CHECK(do_mprotect(mm, at, 16 * P, RW) == 0);
    fault_around_pages = 1;
    mark(mm);
    CHECK(get(mm, at) == ram_word(0, 0) && since(mm, MM_AROUND) == 0);
    fault_around_pages = 16;
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_44_private_write_copies_at_once)
{
    struct ram_pager *rp = pager(4, 4, true);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE, &rp->obj, 0, 4);
    uintptr_t other = map(mm, R, MAP_SHARED, &rp->obj, 0, 4);

    mark(mm);
    CHECK(put(mm, at + P + 8, 7) == 0);
    CHECK(since(mm, MM_FLT) == 1 && since(mm, MM_FCOW) == 1);
    CHECK(!is_dirty(&rp->obj, 1) && rp->mkwrites == 0);
    CHECK(get(mm, at + P + 8) == 7 && get(mm, at + P) == ram_word(1, 0));
    CHECK(get(mm, other + P + 8) == ram_word(1, 1));
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_45_private_write_after_a_read)
{
    struct ram_pager *rp = pager(1, 1, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE, &rp->obj, 0, 1);

    mark(mm);
    CHECK(get(mm, at) == ram_word(0, 0) && maps_of(&rp->obj, 0) == 1);
    CHECK(put(mm, at, 7) == 0 && get(mm, at) == 7);
    CHECK(since(mm, MM_FLT) == 2 && since(mm, MM_FREAD) == 1);
    CHECK(since(mm, MM_FCOW) == 1 && maps_of(&rp->obj, 0) == 0);
    CHECK(mm->rss == 1);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_46_a_write_after_a_read_is_noticed)
{
    struct ram_pager *rp = pager(2, 2, true);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 2);

    mark(mm);
    CHECK(get(mm, at + P) == ram_word(1, 0));
    CHECK(!(entry(mm, at + P) & PTE_W) && !is_dirty(&rp->obj, 1));
    CHECK(put(mm, at + P, 5) == 0);
    CHECK(since(mm, MM_MKWRITE) == 1 && rp->mkwrites == 1);
    CHECK(is_dirty(&rp->obj, 1));
    CHECK(ram_flush(rp, 1) == 0 && rp->outs == 1);
    CHECK(ram_evict(rp, 1) && rp->outs == 1);
    CHECK(entry(mm, at + P) == 0);
    CHECK(get(mm, at + P) == 5 && rp->ins == 1);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_47_a_shared_write_dirties)
{
    struct ram_pager *rp = pager(2, 2, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 2);
    uint64_t dirty = kstat_read(STAT_DIRTY);

    mark(mm);
    CHECK(put(mm, at, 5) == 0);
    CHECK(since(mm, MM_FSHARED) == 1 && since(mm, MM_MKWRITE) == 1);
    CHECK(since(mm, MM_FLT) == 1);
    CHECK(kstat_read(STAT_DIRTY) - dirty == 1);
    CHECK((entry(mm, at) & (PTE_W | PTE_D)) == (PTE_W | PTE_D));
    CHECK(put(mm, at + 8, 6) == 0 && since(mm, MM_FLT) == 1);
    mm_put_user(mm);
    CHECK(is_dirty(&rp->obj, 0));
    object_put(&rp->obj); /* thrown away */
    CHECK(kstat_read(STAT_DIRTY) == dirty);
}

KTEST(vm_row_48_writeback_protects)
{
    struct ram_pager *rp = pager(1, 1, true);
    struct mm_struct *a = mm_create(), *b = mm_create();
    uintptr_t at = map(a, RW, MAP_SHARED, &rp->obj, 0, 1);
    uintptr_t in_b = map(b, RW, MAP_SHARED, &rp->obj, 0, 1);
    uint64_t dirty = kstat_read(STAT_DIRTY);

    CHECK(put(a, at, 1) == 0 && put(b, in_b + 8, 2) == 0);
    CHECK(kstat_read(STAT_DIRTY) - dirty == 1);
    CHECK(ram_flush(rp, 0) == 0);
    CHECK(rp->outs == 1 && kstat_read(STAT_DIRTY) == dirty);
    CHECK((entry(a, at) & (PTE_V | PTE_W | PTE_D)) == PTE_V);
    CHECK((entry(b, in_b) & (PTE_V | PTE_W | PTE_D)) == PTE_V);
    mark(a);
    CHECK(put(a, at, 3) == 0 && since(a, MM_MKWRITE) == 1);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(put(a, at + i % 512 * 8, i) == 0);
    CHECK(since(a, MM_MKWRITE) == 1 && rp->outs == 1);
    CHECK(get(b, in_b) == get(a, at));
    /* The disk is full: the page stays dirty, nothing is lost. */
    rp->out_error = -ENOSPC;
    CHECK(ram_flush(rp, 0) == -ENOSPC && is_dirty(&rp->obj, 0));
    CHECK(!ram_evict(rp, 0) && get(b, in_b + 16) == get(a, at + 16));
    mm_put_user(a);
    mm_put_user(b);
    object_put(&rp->obj);
}

KTEST(vm_row_5_forced_write_does_not_reach_the_object)
{
    struct ram_pager *rp = pager(1, 1, true);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_PRIVATE, &rp->obj, 0, 1);
    uintptr_t shared = map(mm, R, MAP_SHARED | MAP_READONLY, &rp->obj, 0, 1);

    CHECK(get(mm, at) == ram_word(0, 0));
    mark(mm);
    CHECK(!(do_pgfault(mm, FAULT_WRITE | FAULT_FORCE, at) & VM_FAULT_ERROR));
    CHECK(since(mm, MM_FCOW) == 1);
    CHECK(pte_pa(entry(mm, at)) != pte_pa(entry(mm, shared)));
    CHECK(!(entry(mm, at) & PTE_W) && maps_of(&rp->obj, 0) == 0);
    *(uint64_t *)pa_to_va(pte_pa(entry(mm, at))) = 3; /* as a debugger does */
    CHECK(get(mm, at) == 3 && get(mm, shared) == ram_word(0, 0));
    CHECK(do_pgfault(mm, FAULT_WRITE | FAULT_FORCE, shared) ==
          (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    CHECK(!is_dirty(&rp->obj, 0));
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_53_an_io_error_is_a_signal)
{
    struct ram_pager *rp = pager(4, 0, true);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_PRIVATE, &rp->obj, 0, 4);
    uint64_t cached = kstat_read(STAT_CACHE);

    rp->bad_page = 2;
    mark(mm);
    CHECK(do_pgfault(mm, FR, at + 2 * P) & VM_FAULT_SIGBUS);
    CHECK(do_pgfault(mm, FW, at + 2 * P) & VM_FAULT_SIGBUS);
    CHECK(since(mm, MM_SIGBUS) == 2 && rp->ins == 2);
    CHECK(since(mm, MM_MAJ) == 0 && entry(mm, at + 2 * P) == 0);
    CHECK(kstat_read(STAT_CACHE) == cached && rp->obj.npages == 0);
    rp->bad_page = RAM_NONE;
    CHECK(get(mm, at + 2 * P) == ram_word(2, 0));
    CHECK(since(mm, MM_MAJ) == 1);
    rp->fail_in = 1;
    rp->in_error = -ENOMEM; /* the fault tries again by itself */
    CHECK(get(mm, at) == ram_word(0, 0) && since(mm, MM_OOM) == 1);
    rp->fail_in = 1;
    rp->in_error = -ENODATA;
    CHECK(do_pgfault(mm, FR, at + P) & VM_FAULT_SIGBUS);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_52_beyond_the_end)
{
    struct ram_pager *rp = pager(4, 0, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 8);

    CHECK(get(mm, at + 3 * P) == ram_word(3, 0));
    CHECK(do_pgfault(mm, FR, at + 4 * P) == VM_FAULT_SIGBUS);
    CHECK(do_pgfault(mm, FW, at + 7 * P) == VM_FAULT_SIGBUS);
    atomic_store(&rp->obj.size, P + 8); /* page 1 is there in part */
    CHECK(get(mm, at + P) == ram_word(1, 0));
    CHECK(do_pgfault(mm, FR, at + 2 * P) == VM_FAULT_SIGBUS);
    CHECK(rp->ins == 2);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_54_56_what_is_refused)
{
    struct ram_pager *rp = pager(2, 2, false);
    struct vm_object *dev;
    struct page *frame = alloc_zeroed_page();
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_SHARED | MAP_READONLY, &rp->obj, 0, 1), d;

    CHECK(get(mm, at) == ram_word(0, 0));
    CHECK(do_pgfault(mm, FW, at) == (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    CHECK(get(mm, at) == ram_word(0, 0) && !is_dirty(&rp->obj, 0));
    CHECK(do_mprotect(mm, at, P, RW) == -EACCES);
    CHECK(do_mmap(mm, 0, P, RW, MAP_SHARED | MAP_READONLY, &rp->obj, 0) ==
          -EACCES);
    dev = device_object(page_to_pa(frame), P);
    CHECK(do_mmap(mm, 0, P, RW, MAP_PRIVATE, dev, 0) == -EACCES);
    d = map(mm, R, MAP_PRIVATE, dev, 0, 1);
    CHECK(do_mprotect(mm, d, P, RW) == -EACCES && get(mm, d) == 0);
    CHECK(do_pgfault(mm, FAULT_WRITE | FAULT_FORCE, d) ==
          (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    CHECK(device_object(page_to_pa(frame) + 8, P) == NULL);
    mm_put_user(mm);
    object_put(dev);
    object_put(&rp->obj);
    free_pages(frame, 0);
}
