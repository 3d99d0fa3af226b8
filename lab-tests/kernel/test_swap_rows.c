/* test_swap_rows.c: what rows of docs/design/mm.md say of pages that are not in
 * memory: whoever changes a space, or copies to and from it. */
#include "ext/mm/observe.h"
#include "ext/mm/pagers.h"
#include "mm/uaccess.h"
#include "pager_ram.h"
#include "shortage.h"
#include "swap_ram.h"
#include "swap_world.h"
#include "touch.h"

KTEST(vm_row_6_copies_bring_swapped_pages)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(4, 4, "clock", &at);
    uint64_t word = 0;

    fill(mm, at, 4, 70);
    all_out(mm);
    mm_use(mm);
    CHECK(copy_from_user(&word, at, sizeof(word)) == 0 && word == 70);
    CHECK(mm->stat[MM_SWPIN] == 1);
    CHECK(copy_from_user(&word, at + 2 * PG - 4, 8) == 0); /* two pages */
    CHECK(mm->stat[MM_SWPIN] == 3);
    word = 99;
    CHECK(copy_to_user(at + 3 * PG, &word, sizeof(word)) == 0);
    mm_use(NULL);
    CHECK(mm->stat[MM_SWPIN] == 4 && get(mm, at + 3 * PG) == 99);
    mm_put_user(mm);
    swap_ram_off(r);
}

KTEST(vm_row_7_a_page_that_finds_no_frame_comes_later)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(2, 2, "clock", &at);

    fill(mm, at, 2, 5);
    all_out(mm);
    CHECK(fail_set("page", 1) == 0);
    CHECK(get(mm, at) == 5 && fail_left(FAIL_PAGE) == 0);
    CHECK(filled(mm, at, 2, 5) && mm->stat[MM_SWPIN] == 2);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* A page in each of 32 tables, half of them on the disk. */
KTEST(vm_row_16_tables_go_with_half_of_it_swapped_out)
{
    struct swap_ram *r = swap_ram_on(64);
    struct mm_struct *mm = mm_create();
    const size_t stride = 512, n = 32;
    uintptr_t at = map_pages(mm, 0, n * stride, RW, 0);

    set_quota(mm, at, n * stride, n, "fifo");
    for (size_t i = 0; i < n; i++)
        CHECK(put(mm, at + i * stride * PG, i) == 0);
    CHECK(swap_out(mm->scope, n / 2) == n / 2 && swap_slots_used() == n / 2);
    CHECK(do_munmap(mm, at, n * stride * PG) == 0);
    CHECK(swap_slots_used() == 0 && mm->scope->nr == 0);
    CHECK(mm->stat[MM_PT_ALLOC] - mm->stat[MM_PT_FREE] <= 1);
    mm_put_user(mm);
    swap_ram_off(r);
}

KTEST(vm_row_34_swapped_in_by_a_read_then_written)
{
    struct swap_ram *r = swap_ram_on(64);
    uint64_t fixed = ad_by_software ? 10 : 0;
    uintptr_t at;
    struct mm_struct *mm = space_of(10, 10, "lru", &at);

    fill(mm, at, 10, 1);
    all_out(mm);
    for (size_t i = 0; i < 10; i++) {
        CHECK(touch(mm, at + i * PG, LOAD) > 0);
        CHECK(!page_is_dirty(page_at(mm, at + i * PG)));
        CHECK(touch(mm, at + i * PG, STORE) == (fixed > 0));
        CHECK(page_is_dirty(page_at(mm, at + i * PG)));
    }
    CHECK(mm->stat[MM_ADFIX] == fixed);
    swap_tick(mm->scope); /* takes A */
    for (size_t i = 0; i < 10; i++) {
        CHECK(!(entry(mm, at + i * PG) & PTE_A));
        CHECK(touch(mm, at + i * PG, LOAD) == (fixed > 0));
        CHECK(entry(mm, at + i * PG) & PTE_A);
    }
    CHECK(mm->stat[MM_ADFIX] == 2 * fixed);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* --- 69 and 71: A is asked; who is locked is left alone --- */

/* Page 0 is used before each of 40 others comes: how often did it have to come? */
static uint64_t
faults_of_a_hot_page(const char *policy)
{
    struct swap_ram *r = swap_ram_on(128);
    uintptr_t at;
    struct mm_struct *mm = space_of(41, 5, policy, &at);
    uint64_t n;

    fill(mm, at, 41, 1);
    for (size_t i = 1; i <= 40; i++) {
        (void)touch(mm, at, LOAD);
        CHECK(get(mm, at + i * PG) == 1 + i);
    }
    n = mm->stat[MM_SWPIN];
    mm_put_user(mm);
    swap_ram_off(r);
    return n;
}

KTEST(vm_row_69_what_is_used_stays)
{
    static const char *const name[] = {"clock", "second", "enhanced", "lru",
                                       "wsclock"};
    uint64_t fifo = faults_of_a_hot_page("fifo");

    CHECK(fifo > 45); /* it went again and again */
    for (unsigned i = 0; i < ARRAY_LEN(name); i++)
        CHECK(faults_of_a_hot_page(name[i]) <= 42);
}

KTEST(vm_row_71_a_locked_page_is_no_victim)
{
    static const char *const name[] = {"fifo", "clock",    "second",
                                       "lru",  "enhanced", "wsclock"};
    struct swap_ram *r = swap_ram_on(64);

    for (unsigned i = 0; i < ARRAY_LEN(name); i++) {
        uintptr_t at;
        struct mm_struct *mm = space_of(12, 4, name[i], &at);

        CHECK(put(mm, at, 1) == 0 && do_mlock(mm, at, PG, 0) == 0);
        for (unsigned round = 0; round < 3; round++) {
            fill(mm, at + PG, 11, 2);
            CHECK(page_at(mm, at) != NULL && resident(mm, at, 12) == 4);
        }
        CHECK(do_munlock(mm, at, PG) == 0);
        for (unsigned round = 0; round < 3; round++)
            fill(mm, at + PG, 11, 2);
        CHECK(page_at(mm, at) == NULL && filled(mm, at, 12, 1));
        mm_put_user(mm);
    }
    swap_ram_off(r);
}

KTEST(vm_row_71_exit_leaves_an_empty_list)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(8, 6, "clock", &at), *child;
    struct swap_scope *s = mm->scope;

    fill(mm, at, 8, 3);
    child = mm_copy(mm);
    CHECK(s->nr == 6 && child->scope == NULL);
    mm_put_user(mm); /* a relative has the pages */
    CHECK(s->nr == 0 && list_empty(&s->pages));
    CHECK(filled(child, at, 8, 3));
    mm_put_user(child);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

/* --- relatives, moves, files --- */

KTEST(vm_row_79_the_parents_page_comes_from_the_disk)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(2, 2, "fifo", &at), *child;

    CHECK(put(mm, at, 40) == 0);
    child = mm_copy(mm);
    CHECK(put(child, at + PG, 41) == 0);
    all_out(mm);
    CHECK(page_at(mm, at) == NULL && page_at(child, at) == NULL);
    CHECK(put(child, at + 8, 42) == 0); /* another word of page 0 */
    CHECK(get(child, at) == 40 && get(child, at + PG) == 41);
    CHECK(get(mm, at) == 40 && get(mm, at + 8) == 0);
    CHECK(get(mm, at + PG) == 0);
    mm_put_user(mm);
    CHECK(get(child, at) == 40 && get(child, at + 8) == 42);
    mm_put_user(child);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

KTEST(vm_row_97_mremap_moves_what_is_swapped_out)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(4, 4, "fifo", &at);
    struct pginfo before, after;
    uint64_t faults;
    long to;

    fill(mm, at, 4, 20);
    all_out(mm);
    CHECK(pginfo(mm, at + PG, &before) == 0 && before.slot != 0);
    faults = mm->stat[MM_FLT];
    to = do_mremap(mm, at, 4 * PG, 64 * PG, MREMAP_MAYMOVE, 0);
    CHECK(to > 0 && mm->stat[MM_FLT] == faults && swap_slots_used() == 4);
    CHECK(pginfo(mm, (uintptr_t)to + PG, &after) == 0);
    CHECK(after.slot == before.slot && mm->stat[MM_SWPIN] == 0);
    CHECK(filled(mm, (uintptr_t)to, 4, 20) && mm->stat[MM_SWPIN] == 4);
    CHECK(get(mm, (uintptr_t)to + 63 * PG) == 0);
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

KTEST(vm_row_M2_M3_a_slot_after_eviction_and_back)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(1, 1, "clock", &at);
    struct pginfo info;

    CHECK(put(mm, at, 77) == 0 && mm->stat[MM_ANON] == 1);
    CHECK(pginfo(mm, at, &info) == 0 && info.slot == 0);
    all_out(mm);
    CHECK(pginfo(mm, at, &info) == 0 && info.slot != 0);
    CHECK(!(info.flags & PGINFO_PRESENT) && (info.flags & PGINFO_ANON));
    CHECK(get(mm, at) == 77 && mm->stat[MM_SWPIN] == 1);
    CHECK(mm->stat[MM_ANON] == 1 && mm->stat[MM_MAJ] == 1);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* A private page of a file that was written belongs to swap from then on. */
KTEST(vm_row_M6_105_a_written_page_of_a_file_comes_from_swap)
{
    struct swap_ram *r = swap_ram_on(64);
    struct ram_pager *rp = ram_pager_create(4, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at;
    unsigned ins;

    at = (uintptr_t)do_mmap(mm, 0, 4 * PG, RW, MAP_PRIVATE, &rp->obj, 0);
    set_quota(mm, at, 4, 4, "clock");
    CHECK(put(mm, at + PG, 123) == 0 && mm->stat[MM_FCOW] == 1);
    CHECK(get(mm, at + 2 * PG) == ram_word(2, 0));
    ins = rp->ins;
    all_out(mm);
    CHECK(mm->stat[MM_SWPOUT] == 1 && page_at(mm, at + PG) == NULL);
    CHECK(get(mm, at + PG) == 123 && get(mm, at + PG + 8) == ram_word(1, 1));
    CHECK(mm->stat[MM_SWPIN] == 1 && rp->ins == ins);
    mm_put_user(mm);
    object_put(&rp->obj);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

/* A page of a device at AT, and four of our own at OWN that may go, all in use. */
struct device_stage {
    struct swap_ram *r;
    struct page *frame;
    struct vm_object *dev;
    struct mm_struct *mm;
    uintptr_t at, own;
    pte_t e; /* the device's, as it was */
};

static struct device_stage
device_begin(bool quota)
{
    struct device_stage s = {.r = swap_ram_on(64), .frame = alloc_pages(0)};

    s.dev = device_object(page_to_pa(s.frame), PG);
    s.mm = mm_create();
    s.at = (uintptr_t)do_mmap(s.mm, 0, PG, RW, MAP_SHARED, s.dev, 0);
    s.own = map_pages(s.mm, 0, 4, RW, 0);
    if (quota)
        set_quota(s.mm, 0, user_end() / PG, 16, "clock");
    CHECK(put(s.mm, s.at, 9) == 0);
    fill(s.mm, s.own, 4, 1);
    s.e = entry(s.mm, s.at);
    return s;
}

/* Our pages are out, and come back; the device's stayed. */
static void
device_end(struct device_stage *s)
{
    CHECK(resident(s->mm, s->own, 4) == 0 && swap_slots_used() == 4);
    CHECK(entry(s->mm, s->at) == s->e && !(s->e & PTE_X));
    CHECK(get(s->mm, s->at) == 9 && filled(s->mm, s->own, 4, 1));
    mm_put_user(s->mm);
    object_put(s->dev);
    free_pages(s->frame, 0);
    swap_ram_off(s->r);
}

KTEST(vm_row_23_86_a_device_stays_mapped)
{
    struct device_stage s = device_begin(true);

    CHECK(s.mm->scope->nr == 4); /* it is none of those that may go */
    all_out(s.mm);
    device_end(&s);
}

/* The same when the whole machine's pages are thrown out, and no quota says whose. */
KTEST(vm_row_23_a_device_survives_reclaim_of_all)
{
    struct device_stage s = device_begin(false);

    CHECK(reclaim_all() >= 4);
    device_end(&s);
}

/* --- 26: a huge page is swapped out in parts --- */

KTEST(vm_row_26_a_huge_page_leaves_page_by_page)
{
    const size_t n = 512;
    struct swap_ram *r = swap_ram_on(2 * n);
    struct mm_struct *mm = mm_create();
    uintptr_t at = 0x40000000;

    CHECK(do_mmap(mm, at, n * PG, RW, ANON | MAP_FIXED, NULL, 0) == (long)at);
    CHECK(do_madvise(mm, at, n * PG, MADV_HUGEPAGE) == 0);
    fill(mm, at, n, 9000);
    if (mm->stat[MM_HMAP] == 0) {
        ktest_skip("no huge page");
    } else {
        CHECK(do_madvise(mm, at + 100 * PG, 50 * PG, MADV_PAGEOUT) == 0);
        CHECK(mm->stat[MM_HSPLIT] == 1 && swap_slots_used() == 50);
        CHECK(resident(mm, at, n) == n - 50);
        CHECK(filled(mm, at, n, 9000));
        CHECK(mm->stat[MM_SWPIN] == 50 && mm->stat[MM_HMAP] == 1);
    }
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}
