/* test_calls.c: mmap, munmap, mprotect and fork on the real page tables, with the
 * numbers of the rows. */
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

/* More layers than a gather holds, and tables that become empty. */
KTEST(vm_row_19_many_areas_ask_each_hart_once)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = 0x10000000;

    for (unsigned i = 0; i < 200; i++) {
        map_pages(mm, at + i * 7 * PG, 7, i % 2 ? RW : RW | VM_EXEC, MAP_FIXED);
        fill(mm, at + i * 7 * PG, 2, i);
    }
    on_all_harts(mm);
    mark(&m, mm);
    CHECK(do_munmap(mm, at, 1400 * PG) == 0);
    CHECK(since(&m, MM_TLB_REM) == ncpu - 1 && since(&m, MM_TLB_LOC) == 1);
    CHECK(mm->map_count == 0 && mm->rss == 0);
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
