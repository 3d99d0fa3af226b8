/* test_ad.c: accessed and dirty bits, where the hart sets them and where the
 * kernel does (adsim=1, or a hart that traps): rows 34 and 36 of
 * docs/design/mm.md.  What touches memory here is the hart itself, wherever
 * that is possible: kernel code with SUM set, in a space that this hart runs. */
#include "ad_test.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/probe.h"
#include "ext/mm/hint.h"
#include "mm/fault.h"
#include "mm/swap.h"
#include "mm/tlb.h"
#include "mm/uaccess.h"
#include "touch.h"
#include "ublob.h"
#include <errno.h>

#define N   10ul
#define ADW (PTE_V | PTE_W | PTE_A | PTE_D)

/* What only a machine without hardware A and D has to do. */
static uint64_t
by_software(uint64_t n)
{
    return ad_by_software ? n : 0;
}

/* Clear A of N pages as a sweep of a replacement policy would. */
static void
sweep(struct mm_struct *mm, uintptr_t at)
{
    for (size_t i = 0; i < N; i++) {
        struct page *page = page_at(mm, at + i * P);

        page_get(page);
        CHECK(pages_take_accessed(&page, 1));
        CHECK(!pages_take_accessed(&page, 1));
        page_put(page);
        CHECK((entry(mm, at + i * P) & (PTE_V | PTE_A)) == PTE_V);
    }
}

KTEST(vm_row_34_first_touches_fix_nothing)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(N, &at);
    unsigned faults = 0;

    for (size_t i = 0; i < N; i++) {
        faults += touch(mm, at + i * P, LOAD);
        CHECK((entry(mm, at + i * P) & ADW) == (PTE_V | PTE_A));
        faults += touch(mm, at + i * P, STORE);
        CHECK((entry(mm, at + i * P) & ADW) == ADW);
    }
    CHECK(faults == 2 * N && mm->stat[MM_FLT] == 2 * N);
    CHECK(mm->stat[MM_ZERO] == N && mm->stat[MM_ANON] == N);
    CHECK(mm->stat[MM_ADFIX] == 0 && mm->stat[MM_SPUR] == 0);
    mm_put_user(mm);
}

KTEST(vm_row_34_a_is_set_again)
{
    static const enum touch how[] = {LOAD, STORE, AMO};
    uintptr_t at;
    struct mm_struct *mm = space_with(N, &at);

    for (size_t i = 0; i < N; i++)
        touch(mm, at + i * P, STORE);
    for (unsigned k = 0; k < ARRAY_LEN(how); k++) {
        uint64_t before = mm->stat[MM_ADFIX];
        unsigned faults = 0;

        sweep(mm, at);
        for (size_t i = 0; i < N; i++) {
            faults += touch(mm, at + i * P, how[k]);
            CHECK((entry(mm, at + i * P) & ADW) == ADW);
            CHECK(touch(mm, at + i * P, STORE) == 0);
        }
        CHECK(faults == by_software(N));
        CHECK(mm->stat[MM_ADFIX] - before == by_software(N));
    }
    CHECK(mm->stat[MM_ANON] == N && mm->stat[MM_SPUR] == 0);
    mm_put_user(mm);
}

/* As a page that was swapped in by a read: W, but not written yet. */
static void
make_clean(struct mm_struct *mm, uintptr_t at, pte_t bits)
{
    struct page *page = page_at(mm, at);

    with_entry(mm, at, bits);
    tlb_flush_local(at, P);
    tlb_shootdown(atomic_load(&mm->harts), at, P);
    atomic_and(&page->flags, ~PG_DIRTY);
}

KTEST(vm_row_34_d_is_set_by_a_store)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(N, &at);

    fill(mm, at, N);
    for (size_t i = 0; i < N; i++) {
        struct page *page = page_at(mm, at + i * P);
        enum touch how = i % 2 ? STORE : AMO;

        make_clean(mm, at + i * P, PTE_D);
        CHECK(!page_is_dirty(page));
        CHECK(touch(mm, at + i * P, LOAD) == 0);
        CHECK(!page_is_dirty(page));
        CHECK(touch(mm, at + i * P, how) == by_software(1));
        CHECK(page_is_dirty(page) && !(page->flags & PG_DIRTY));
        CHECK((entry(mm, at + i * P) & ADW) == ADW);
    }
    CHECK(mm->stat[MM_ADFIX] == by_software(N) && mm->stat[MM_ANON] == N);
    CHECK(mm->stat[MM_REUSE] == 0 && mm->stat[MM_COW] == 0);
    mm_put_user(mm);
}

KTEST(vm_row_34_a_and_d_by_one_store)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(1, &at);

    fill(mm, at, 1);
    make_clean(mm, at, PTE_A | PTE_D);
    CHECK(touch(mm, at, STORE) == by_software(1));
    CHECK((entry(mm, at) & ADW) == ADW);
    make_clean(mm, at, PTE_A | PTE_D);
    CHECK(touch(mm, at, LOAD) == by_software(1));
    CHECK((entry(mm, at) & ADW) == (PTE_V | PTE_W | PTE_A));
    CHECK(touch(mm, at, STORE) == by_software(1));
    mm_put_user(mm);
}

/* What D said is known as long as the page lives: also when W is taken away, and
 * when the entry is. */
KTEST(vm_row_34_d_outlives_its_entry)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(2, &at), *child;
    struct page *page[2];

    fill(mm, at, 2);
    for (unsigned i = 0; i < 2; i++) {
        page[i] = page_at(mm, at + i * P);
        make_clean(mm, at + i * P, PTE_D);
    }
    touch(mm, at, STORE);
    child = mm_copy(mm); /* takes W away */
    CHECK(page_is_dirty(page[0]) && !page_is_dirty(page[1]));
    mm_put_user(child);
    CHECK(touch(mm, at + P, LOAD) == 0);
    CHECK(hint_scan(mm, at, at + 2 * P) == 2); /* takes the entries away */
    CHECK((page[0]->flags & PG_DIRTY) && !page_is_dirty(page[1]));
    mm_put_user(mm);
}

/* A copy takes W from entries without D, too, and the page that a store leaves
 * to the child knows what its entry knew. */
KTEST(vm_row_34_clean_pages_are_copied)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(2, &at), *child;
    struct page *page[2];

    fill(mm, at, 2);
    for (unsigned i = 0; i < 2; i++) {
        page[i] = page_at(mm, at + i * P);
        make_clean(mm, at + i * P, PTE_D);
    }
    CHECK(put(mm, at, 5) == 0);
    child = mm_copy(mm);
    for (unsigned i = 0; i < 2; i++) {
        CHECK((entry(mm, at + i * P) & PTE_W) == 0);
        CHECK(put(mm, at + i * P, 7) == 0 &&
              page_at(mm, at + i * P) != page[i]);
    }
    CHECK(get(child, at) == 5 && get(child, at + P) == 1001);
    CHECK((page[0]->flags & PG_DIRTY) && !(page[1]->flags & PG_DIRTY));
    mm_put_user(child);
    mm_put_user(mm);
}

/* The same from user mode, and by the kernel's copy routines: stores, loads and
 * atomic additions whose faults nobody but the trap handler sees. */
KTEST(vm_row_34_user_mode_and_copy_routines)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(N, &at);
    struct urun r = {0};
    uint64_t word[N];

    CHECK(ublob_map(mm));
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_FILL, at, N, 70);
    CHECK(r.signo == 0 && mm->stat[MM_ADFIX] == 0);
    sweep(mm, at);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_CHECK, at, N, 70);
    CHECK(r.signo == 0 && r.result == 0);
    CHECK(mm->stat[MM_ADFIX] == by_software(N));
    make_clean(mm, at, PTE_D);
    ublob_run(&r, mm, UBLOB_ANY_HART, UBLOB_ADD, at, 5, 0);
    CHECK(r.signo == 0 && get(mm, at) == 75);
    CHECK(mm->stat[MM_ADFIX] == by_software(N + 1));
    CHECK((entry(mm, at) & ADW) == ADW);
    sweep(mm, at);
    mm_use(mm);
    for (size_t i = 0; i < N; i++)
        CHECK(copy_from_user(&word[i], at + i * P, sizeof(word[i])) == 0);
    CHECK(mm->stat[MM_ADFIX] == by_software(2 * N + 1));
    sweep(mm, at);
    for (size_t i = 0; i < N; i++)
        CHECK(copy_to_user(at + i * P, &word[i], sizeof(word[i])) == 0);
    mm_use(NULL);
    CHECK(mm->stat[MM_ADFIX] == by_software(3 * N + 1));
    CHECK(word[0] == 75 && word[N - 1] == 70 + N - 1);
    CHECK(mm->stat[MM_ANON] == N + 1); /* and the page of code */
    mm_put_user(mm);
}

/* Without A, an entry that may not be written is still not to be written: the
 * copy comes, not just the bits. */
KTEST(vm_row_34_old_entries_still_copy_on_write)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(N, &at), *child;

    fill(mm, at, N);
    child = mm_copy(mm);
    CHECK(child != NULL);
    for (size_t i = 0; i < N; i++)
        CHECK(get(child, at + i * P) == 1000 + i);
    sweep(mm, at);
    for (size_t i = 0; i < N; i++) {
        touch(mm, at + i * P, STORE);
        CHECK(get(mm, at + i * P) == 0);
        CHECK(get(child, at + i * P) == 1000 + i);
    }
    CHECK(mm->stat[MM_COW] == N && mm->stat[MM_ADFIX] == 0);
    mm_put_user(child);
    mm_put_user(mm);
}

/* --- hints --- */

KTEST(vm_row_36_a_hint_is_counted_once)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(20, &at);

    fill(mm, at, 20);
    CHECK(hint_scan(mm, at, at + 20 * P) == 20);
    CHECK(hint_scan(mm, at + 1, at + P) == -EINVAL);
    CHECK(entry(mm, at) == 0);
    for (size_t i = 0; i < 20; i++) {
        CHECK(touch(mm, at + i * P, LOAD) == 1);
        CHECK(get(mm, at + i * P) == 1000 + i);
        CHECK(mm->stat[MM_HINT] == i + 1);
    }
    CHECK(mm->stat[MM_ANON] == 20 && mm->stat[MM_COW] == 0);
    /* Nothing is left of it. */
    for (size_t i = 0; i < 20; i++)
        CHECK(put(mm, at + i * P, i) == 0);
    CHECK(mm->stat[MM_HINT] == 20);
    mm_put_user(mm);
}

KTEST(vm_row_36_no_rights_stay_no_rights)
{
    uintptr_t at;
    struct mm_struct *mm = space_with(4, &at);

    fill(mm, at, 4);
    CHECK(do_mprotect(mm, at + P, P, 0) == 0);
    CHECK(hint_scan(mm, at, at + 4 * P) == 3);
    CHECK(do_pgfault(mm, FAULT_READ | FAULT_USER, at + P) ==
          (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    CHECK(mm->stat[MM_HINT] == 0);
    CHECK(touch(mm, at, STORE) == 1 && mm->stat[MM_HINT] == 1);
    /* The areas change: what is outstanding is forgotten. */
    CHECK(do_mprotect(mm, at + P, P, VM_READ | VM_WRITE) == 0);
    CHECK(get(mm, at + P) == 1001 && get(mm, at + 2 * P) == 1002);
    CHECK(mm->stat[MM_HINT] == 1);
    mm_put_user(mm);
}
