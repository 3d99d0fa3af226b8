/* test_vm.c: address spaces and the fault path, in the kernel, with the counts
 * that docs/design/mm.md lists row by row.  A space is reached through
 * mm_access(), which faults like a user program would. */
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm_words.h"
#include <errno.h>

#define P PAGE_SIZE

static uintptr_t
map_anon(struct mm_struct *mm, size_t pages, uint32_t prot)
{
    long at =
        do_mmap(mm, 0, pages * P, prot, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static pte_t
entry(struct mm_struct *mm, uintptr_t at)
{
    pte_t *pte;

    gate_enter(&mm->gate);
    pte = get_pte(mm, at, false);
    gate_leave(&mm->gate);
    return pte == NULL ? 0 : pte_load(pte);
}

KTEST(vm_row_1_hole_is_segv_maperr)
{
    struct mm_struct *mm = mm_create();

    mark(mm);
    CHECK(do_pgfault(mm, FAULT_READ | FAULT_USER, 0x123450) ==
          VM_FAULT_SIGSEGV);
    CHECK(since(mm, MM_SEGV) == 1 && since(mm, MM_FLT) == 1);
    CHECK(since(mm, MM_PT_ALLOC) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_2_rights_of_the_area_decide)
{
    struct mm_struct *mm = mm_create();

    for (uint32_t prot = 0; prot < 8; prot++) {
        uintptr_t at = map_anon(mm, 1, prot);

        for (uint32_t want = 1; want <= 4; want *= 2) {
            unsigned r = do_pgfault(mm, want | FAULT_USER, at);

            if (prot & want)
                CHECK((r & VM_FAULT_ERROR) == 0);
            else
                CHECK(r == (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
        }
    }
    mm_put_user(mm);
}

KTEST(vm_row_3_entries_are_legal_leaves)
{
    struct mm_struct *mm = mm_create();

    for (uint32_t prot = 1; prot < 8; prot++) {
        uintptr_t at = map_anon(mm, 1, prot);
        uint32_t want = prot & VM_WRITE ? VM_WRITE : prot & -prot;
        pte_t e;

        CHECK((do_pgfault(mm, want, at) & VM_FAULT_ERROR) == 0);
        e = entry(mm, at);
        CHECK((e & (PTE_V | PTE_U | PTE_A)) == (PTE_V | PTE_U | PTE_A));
        CHECK(!(e & PTE_W) || (e & PTE_R));
        CHECK(!!(e & PTE_X) == !!(prot & VM_EXEC));
        CHECK(!!(e & PTE_W) == !!(prot & VM_WRITE));
    }
    mm_put_user(mm);
}

KTEST(vm_row_12_tables_as_the_mode_predicts)
{
    struct mm_struct *mm = mm_create();

    for (unsigned i = 0; i < 3; i++) {
        uintptr_t at = (uintptr_t)do_mmap(
            mm, (uintptr_t)(i + 1) << 30, P, VM_READ | VM_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);

        CHECK(at == (uintptr_t)(i + 1) << 30);
        mark(mm);
        CHECK(put(mm, at, 1) == 0);
        /* One GiB apart: a middle and a last table each; the wider modes need
         * their upper tables once. */
        CHECK(since(mm, MM_PT_ALLOC) == 2 + (i == 0 ? paging_levels - 3 : 0));
    }
    mm_put_user(mm);
}

KTEST(vm_row_16_sparse_map_gives_tables_back)
{
    struct mm_struct *mm = mm_create();

    mark(mm);
    for (unsigned round = 0; round < 100; round++) {
        uintptr_t at = map_anon(mm, 1ul << 18, VM_READ | VM_WRITE);

        for (unsigned i = 0; i < 16; i++)
            CHECK(put(mm, at + ((uintptr_t)i << 26), i) == 0);
        CHECK(do_munmap(mm, at, 1ul << 30) == 0);
    }
    CHECK(since(mm, MM_PT_ALLOC) > 0);
    CHECK(since(mm, MM_PT_ALLOC) == since(mm, MM_PT_FREE));
    mm_put_user(mm);
}

KTEST(vm_row_27_reads_share_the_zero_page)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_anon(mm, 1000, VM_READ | VM_WRITE);
    pte_t first;

    CHECK(get(mm, at) == 0);
    first = entry(mm, at);
    mark(mm);
    for (unsigned i = 1; i < 1000; i++) {
        CHECK(get(mm, at + i * P) == 0);
        CHECK(pte_pa(entry(mm, at + i * P)) == pte_pa(first));
    }
    CHECK(since(mm, MM_ZERO) == 999 && since(mm, MM_ANON) == 0);
    CHECK(since(mm, MM_MIN) == 999);
    mm_put_user(mm);
}

KTEST(vm_row_28_read_then_write)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);

    mark(mm);
    CHECK(get(mm, at) == 0);
    CHECK(put(mm, at, 7) == 0 && get(mm, at) == 7);
    CHECK(since(mm, MM_FLT) == 2 && since(mm, MM_ZERO) == 1);
    CHECK(since(mm, MM_ANON) == 1 && since(mm, MM_COW) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_29_first_access_is_a_write)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_anon(mm, 1, VM_READ | VM_WRITE);

    mark(mm);
    CHECK(put(mm, at, 7) == 0);
    CHECK(since(mm, MM_FLT) == 1 && since(mm, MM_ANON) == 1);
    CHECK((entry(mm, at) & (PTE_W | PTE_D)) == (PTE_W | PTE_D));
    mm_put_user(mm);
}

KTEST(vm_row_30_memory_does_not_leak_between_spaces)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_anon(mm, 200, VM_READ | VM_WRITE);

    for (unsigned i = 0; i < 200; i++)
        CHECK(put(mm, at + i * P, 0x5ec2e7) == 0);
    mm_put_user(mm);
    mm = mm_create();
    at = map_anon(mm, 400, VM_READ | VM_WRITE);
    for (unsigned i = 0; i < 400; i++) {
        CHECK(put(mm, at + i * P + 8, 1) == 0);
        CHECK(get(mm, at + i * P) == 0);
    }
    mm_put_user(mm);
}

static struct mm_struct *
parent_with(unsigned pages, uintptr_t *at)
{
    struct mm_struct *mm = mm_create();

    *at = map_anon(mm, pages, VM_READ | VM_WRITE);
    for (unsigned i = 0; i < pages; i++)
        CHECK(put(mm, *at + i * P, 1000 + i) == 0);
    return mm;
}

KTEST(vm_row_31_last_owner_writes_in_place)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(8, &at), *child = mm_copy(mm);
    pte_t was[8];

    CHECK(child != NULL);
    for (unsigned i = 0; i < 8; i++) {
        was[i] = entry(mm, at + i * P);
        CHECK(!(was[i] & PTE_W));
    }
    mm_put_user(child);
    mark(mm);
    for (unsigned i = 0; i < 8; i++)
        CHECK(put(mm, at + i * P, i) == 0);
    CHECK(since(mm, MM_REUSE) == 8 && since(mm, MM_COW) == 0);
    for (unsigned i = 0; i < 8; i++)
        CHECK(pte_pa(entry(mm, at + i * P)) == pte_pa(was[i]));
    mm_put_user(mm);
}

KTEST(vm_row_32_a_shared_page_is_copied)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(10, &at), *child = mm_copy(mm);
    pte_t was = entry(mm, at);

    mark(child);
    for (unsigned i = 0; i < 8; i++)
        CHECK(put(child, at + i * P, 5) == 0);
    CHECK(since(child, MM_COW) == 8);
    CHECK(get(mm, at) == 1000 && get(mm, at + 7 * P) == 1007);
    CHECK(pte_pa(entry(mm, at)) == pte_pa(was));
    mark(mm);
    for (unsigned i = 0; i < 8; i++)
        CHECK(put(mm, at + i * P, 6) == 0);
    CHECK(since(mm, MM_REUSE) == 8 && since(mm, MM_COW) == 0);
    CHECK(get(child, at) == 5 && get(child, at + 9 * P) == 1009);
    CHECK(get(child, at + 8 * P) == 1008);
    for (unsigned i = 0; i < 10; i++) /* the two nobody wrote to are one page */
        CHECK((pte_pa(entry(mm, at + i * P)) ==
               pte_pa(entry(child, at + i * P))) == (i >= 8));
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_37_copy_touches_no_private_page)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(100, &at), *child;
    size_t anons = anon_count(), free_before = nr_free_pages();

    mark(mm);
    child = mm_copy(mm);
    CHECK(anon_count() == anons);
    CHECK(since(mm, MM_LSHARE) == 1);
    CHECK(free_before - nr_free_pages() <= 16);
    mark(child);
    for (unsigned i = 0; i < 100; i++)
        CHECK(get(child, at + i * P) == 1000 + i);
    CHECK(since(child, MM_COW) == 0 && since(child, MM_ANON) == 0);
    mm_put_user(mm);
    CHECK(get(child, at + 99 * P) == 1099);
    mm_put_user(child);
}

KTEST(vm_row_40_64_generations)
{
    static struct mm_struct *mm[64];
    uintptr_t at;
    size_t anons = anon_count();

    mm[0] = parent_with(1, &at);
    for (unsigned i = 1; i < 64; i++) {
        mm[i] = mm_copy(mm[i - 1]);
        CHECK(mm[i] != NULL);
        CHECK(put(mm[i], at, i) == 0);
    }
    CHECK(anon_count() - anons == 64);
    for (unsigned i = 1; i < 64; i++)
        CHECK(get(mm[i], at) == i);
    for (unsigned i = 0; i < 64; i++)
        mm_put_user(mm[i]);
    CHECK(anon_count() == anons);
}

KTEST(vm_row_79_child_reads_the_parents_page)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map_anon(mm, 2, VM_READ | VM_WRITE);

    CHECK(put(mm, at, 41) == 0);
    child = mm_copy(mm);
    CHECK(put(child, at + P, 42) == 0);
    CHECK(put(child, at + 8, 43) == 0);
    CHECK(get(child, at) == 41 && get(child, at + P) == 42);
    CHECK(get(mm, at) == 41 && get(mm, at + P) == 0);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_80_81_nothing_hidden_stays)
{
    uintptr_t at;
    size_t anons = anon_count();
    struct mm_struct *mm = parent_with(100, &at), *child = mm_copy(mm);

    for (unsigned i = 0; i < 50; i++)
        CHECK(put(child, at + i * P, i) == 0);
    CHECK(anon_count() - anons == 150);
    mm_put_user(mm);
    CHECK(anon_count() - anons == 100);
    for (unsigned i = 50; i < 100; i++)
        CHECK(get(child, at + i * P) == 1000 + i);
    mark(child);
    for (unsigned i = 50; i < 100; i++)
        CHECK(put(child, at + i * P, i) == 0);
    CHECK(since(child, MM_REUSE) == 50 && since(child, MM_COW) == 0);
    mm_put_user(child);
    CHECK(anon_count() == anons);
}

KTEST(vm_row_95_unmap_frees_what_was_written)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(30, &at);
    size_t anons = anon_count();

    CHECK(do_munmap(mm, at + 10 * P, 10 * P) == 0);
    CHECK(anons - anon_count() == 10);
    CHECK(get(mm, at + 9 * P) == 1009 && get(mm, at + 20 * P) == 1020);
    CHECK(do_pgfault(mm, FAULT_READ, at + 10 * P) & VM_FAULT_SIGSEGV);
    mm_put_user(mm);
}

KTEST(vm_fail_alloc_of_every_fault)
{
    for (uint64_t n = 1; n < 40; n++) {
        struct mm_struct *mm = mm_create();
        uintptr_t at = map_anon(mm, 4, VM_READ | VM_WRITE);
        unsigned r;

        fail_set("any", n);
        r = do_pgfault(mm, FAULT_WRITE, at);
        fail_set("any", 0);
        CHECK((r & VM_FAULT_ERROR) == 0 || r == VM_FAULT_OOM);
        CHECK(put(mm, at, n) == 0 && get(mm, at) == n);
        mm_put_user(mm);
    }
}

KTEST(vm_fail_alloc_of_every_copy)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(5, &at);
    unsigned made = 0;

    for (uint64_t n = 1; n < 60; n++) {
        struct mm_struct *child;

        fail_set("any", n);
        child = mm_copy(mm);
        fail_set("any", 0);
        if (child != NULL) {
            made++;
            CHECK(get(child, at) == 1000);
            mm_put_user(child);
        }
        CHECK(get(mm, at + 4 * P) == 1004);
        CHECK(put(mm, at + 4 * P, 1004) == 0);
    }
    CHECK(made > 0);
    mm_put_user(mm);
}

/* Four threads write the same fresh pages of one space. */
#define SAME 1000u
static struct mm_struct *shared_mm;
static uintptr_t shared_at;

static void
write_all(unsigned i)
{
    for (unsigned n = 0; n < SAME; n++)
        CHECK(put(shared_mm, shared_at + n * P + 8 * (i + 1), i + 1) == 0);
}

KTEST(vm_row_11_one_page_for_all_writers)
{
    size_t anons = anon_count();

    shared_mm = mm_create();
    shared_at = map_anon(shared_mm, SAME, VM_READ | VM_WRITE);
    mark(shared_mm);
    ktest_parallel(4, true, write_all);
    CHECK(anon_count() - anons == SAME);
    CHECK(since(shared_mm, MM_ANON) == SAME);
    /* The others came too late: they found the page there, or looked again. */
    CHECK(since(shared_mm, MM_MIN) == SAME + since(shared_mm, MM_REUSE));
    CHECK(since(shared_mm, MM_FLT) == since(shared_mm, MM_MIN) +
                                          since(shared_mm, MM_SPUR) +
                                          since(shared_mm, MM_RETRY));
    CHECK(since(shared_mm, MM_COW) == 0 && since(shared_mm, MM_ZERO) == 0);
    for (unsigned n = 0; n < SAME; n++) {
        for (unsigned i = 0; i < 4; i++)
            CHECK(get(shared_mm, shared_at + n * P + 8 * (i + 1)) == i + 1);
    }
    mm_put_user(shared_mm);
}

KTEST(vm_row_33_one_copy_for_all_writers)
{
    struct mm_struct *mm;

    mm = parent_with(SAME, &shared_at);
    shared_mm = mm_copy(mm);
    ktest_parallel(4, true, write_all);
    CHECK(shared_mm->stat[MM_COW] == SAME);
    CHECK(mm->stat[MM_COW] == 0);
    for (unsigned n = 0; n < SAME; n++) {
        CHECK(get(shared_mm, shared_at + n * P) == 1000 + n);
        for (unsigned i = 0; i < 4; i++)
            CHECK(get(shared_mm, shared_at + n * P + 8 * (i + 1)) == i + 1);
    }
    mm_put_user(mm);
    mm_put_user(shared_mm);
}
