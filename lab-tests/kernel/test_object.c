/* test_object.c: the reverse map and the other pagers: shared memory, devices,
 * the boot image; rows of docs/design/mm.md. */
#include "ext/mm/pagers.h"
#include "pager_test.h"

KTEST(vm_row_68_one_page_three_times)
{
    struct ram_pager *rp = pager(1, 1, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at[3];

    for (unsigned i = 0; i < 3; i++) {
        at[i] = map(mm, RW, MAP_SHARED, &rp->obj, 0, 1);
        CHECK(put(mm, at[i] + i * 8, i) == 0);
    }
    CHECK(maps_of(&rp->obj, 0) == 3 && mm->rss == 3);
    CHECK(ram_evict(rp, 0));
    for (unsigned i = 0; i < 3; i++)
        CHECK(entry(mm, at[i]) == 0);
    CHECK(mm->rss == 0 && rp->obj.npages == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(get(mm, at[0] + i * 8) == i);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_68_one_page_in_many_spaces)
{
    static struct mm_struct *mm[40];
    struct ram_pager *rp = pager(1, 1, false);
    uintptr_t at;

    mm[0] = mm_create();
    at = map(mm[0], RW, MAP_SHARED, &rp->obj, 0, 1);
    for (unsigned i = 1; i < ARRAY_LEN(mm); i++)
        mm[i] = mm_copy(mm[0]);
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++)
        CHECK(put(mm[i], at + i * 8, i) == 0);
    CHECK(maps_of(&rp->obj, 0) == ARRAY_LEN(mm));
    CHECK(ram_flush(rp, 0) == 0 && maps_of(&rp->obj, 0) == ARRAY_LEN(mm));
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++)
        CHECK(!(entry(mm[i], at) & PTE_W));
    CHECK(ram_evict(rp, 0));
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++)
        CHECK(entry(mm[i], at) == 0 && mm[i]->rss == 0);
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++) {
        CHECK(get(mm[i], at + i * 8) == i);
        mm_put_user(mm[i]);
    }
    object_put(&rp->obj);
}

KTEST(vm_row_73_a_wide_object_stays_flat)
{
    struct ram_pager *rp = pager(10, 10, false);
    struct mm_struct *mm = mm_create();
    uintptr_t at;

    CHECK(rp->obj.height == 1);
    object_put(&rp->obj);
    /* A page in every 32 of 10^5: leaves of two pages. */
    rp = pager(100000, 0, false);
    at = map(mm, R, MAP_SHARED, &rp->obj, 0, 100000);
    for (uint64_t i = 0; i < 100000; i += 32)
        CHECK(get(mm, at + i * P) == ram_word(i, 0));
    CHECK(rp->obj.height == 3 && rp->obj.npages == 3125);
    for (uint64_t i = 0; i < 100000; i += 32)
        CHECK(ram_evict(rp, i));
    CHECK(rp->obj.root == NULL && rp->obj.height == 0 && mm->rss == 0);
    CHECK(get(mm, at + 99999 * P) == ram_word(99999, 0));
    CHECK(rp->obj.height == 3 && rp->obj.root != NULL);
    CHECK(ram_evict(rp, 99999) && rp->obj.root == NULL);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_77_ten_generations_over_an_object)
{
    static struct mm_struct *mm[11];
    struct ram_pager *rp = pager(20, 0, false);
    uintptr_t at;

    mm[0] = mm_create();
    at = map(mm[0], RW, MAP_PRIVATE, &rp->obj, 0, 20);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(put(mm[i], at + i * P, 100 + i) == 0);
        mm[i + 1] = mm_copy(mm[i]);
        CHECK(mm[i + 1] != NULL);
    }
    for (unsigned i = 0; i < 10; i++)
        CHECK(get(mm[10], at + i * P) == 100 + i);
    for (unsigned i = 10; i < 20; i++)
        CHECK(get(mm[10], at + i * P) == ram_word(i, 0));
    CHECK(get(mm[0], at + P) == ram_word(1, 0));
    for (unsigned i = 0; i < ARRAY_LEN(mm); i++)
        mm_put_user(mm[i]);
    CHECK(!is_dirty(&rp->obj, 0));
    object_put(&rp->obj);
}

KTEST(vm_row_84_the_zero_page_counts_nobody)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, R, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 1000000);
    struct page *zero;

    CHECK(get(mm, at) == 0);
    zero = pa_to_page(pte_pa(entry(mm, at)));
    CHECK(zero->flags & PG_ZERO);
    for (uint64_t i = 0; i < 1000000; i += 128)
        CHECK(get(mm, at + i * P) == 0);
    CHECK(zero->mapcount == 0 && zero->ref == 1 && mm->rss == 0);
    CHECK(do_munmap(mm, at, 1000000 * P) == 0);
    CHECK(zero->mapcount == 0 && zero->ref == 1);
    mm_put_user(mm);
}

/* --- other pagers --- */

/* Part of the kernel's image, as a program that was loaded with it would be. */
static const char image[3 * P] __attribute__((aligned(P))) = {
    [0] = 'a', [P - 1] = 'b', [P] = 'c', [2 * P] = 'd', [2 * P + 9] = 'e'};

static char
byte(struct mm_struct *mm, uintptr_t at)
{
    char c = '?';

    CHECK(mm_access(mm, at, &c, 1, false) == 0);
    return c;
}

KTEST(vm_row_85_the_boot_image_is_used_in_place)
{
    paddr_t base = va_to_pa(image);
    struct vm_object *obj = image_object(base, 2 * P + 9);
    uint64_t cached = kstat_read(STAT_CACHE);
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map(mm, RW, MAP_PRIVATE | MAP_READONLY, obj, 0, 4), ro;

    mark(mm);
    CHECK(byte(mm, at) == 'a' && byte(mm, at + P) == 'c');
    CHECK(since(mm, MM_FLT) == 2 && since(mm, MM_FREAD) == 2);
    CHECK(kstat_read(STAT_CACHE) == cached && mm->rss == 0);
    CHECK(pte_pa(entry(mm, at)) == base &&
          pte_pa(entry(mm, at + P)) == base + P);
    CHECK(put(mm, at, 1) == 0 && image[0] == 'a'); /* its own copy */
    CHECK(since(mm, MM_FCOW) == 1 && pte_pa(entry(mm, at)) != base);
    CHECK(byte(mm, at + P - 1) == 'b');
    /* The last page is the image's in part: what follows is not shown. */
    CHECK(byte(mm, at + 2 * P) == 'd' && byte(mm, at + 2 * P + 9) == 0);
    CHECK(since(mm, MM_MAJ) == 0 && kstat_read(STAT_CACHE) - cached == 1);
    CHECK(do_pgfault(mm, FR, at + 3 * P) == VM_FAULT_SIGBUS);
    child = mm_copy(mm);
    mm_put_user(mm);
    CHECK(byte(child, at + P) == 'c' && byte(child, at) == 1);
    ro = map(child, R, MAP_SHARED | MAP_READONLY, obj, 0, 3);
    CHECK(pte_pa(entry(child, at + P)) == base + P && byte(child, ro) == 'a');
    CHECK(do_mmap(child, 0, P, RW, MAP_SHARED | MAP_READONLY, obj, 0) ==
          -EACCES);
    /* Somebody forgot to say that it is read-only. */
    ro = map(child, RW, MAP_SHARED, obj, 0, 3);
    CHECK(do_pgfault(child, FW, ro) == VM_FAULT_SIGBUS);
    CHECK(do_pgfault(child, FW, ro + 2 * P) == VM_FAULT_SIGBUS);
    mm_put_user(child);
    object_put(obj);
    CHECK(pa_to_page(base)->flags & PG_RESERVED);
    CHECK(kstat_read(STAT_CACHE) == cached && image[P] == 'c');
}

KTEST(vm_row_86_a_device_is_shared_by_all)
{
    struct page *frames = alloc_pages(1);
    struct vm_object *dev = device_object(page_to_pa(frames), 2 * P);
    struct mm_struct *a = mm_create(), *b = mm_create(), *c;
    uintptr_t in_a = map(a, RW, MAP_SHARED, dev, 0, 2);
    uintptr_t in_b = map(b, RW, MAP_SHARED, dev, 1, 2);

    CHECK(put(a, in_a + P, 77) == 0 && get(b, in_b) == 77);
    CHECK(put(b, in_b + 8, 78) == 0 && get(a, in_a + P + 8) == 78);
    CHECK(((uint64_t *)page_to_va(frames))[P / 8] == 77);
    c = mm_copy(a);
    CHECK(get(c, in_a + P) == 77 && put(c, in_a + P, 79) == 0);
    CHECK(get(b, in_b) == 79);
    CHECK(a->rss == 0 && b->rss == 0 && frames->mapcount == 0);
    CHECK(do_pgfault(b, FR, in_b + P) == VM_FAULT_SIGBUS);
    /* Rights that go and come back; and no code, whatever the area says. */
    CHECK(do_mprotect(a, in_a, 2 * P, R) == 0);
    CHECK(do_pgfault(a, FW, in_a + P) == (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    CHECK(do_mprotect(a, in_a, 2 * P, RW | VM_EXEC) == 0);
    CHECK(!(entry(a, in_a + P) & PTE_X));
    CHECK(put(a, in_a + P, 80) == 0 && get(b, in_b) == 80);
    CHECK(do_pgfault(a, FAULT_EXEC, in_a + P) ==
          (VM_FAULT_SIGSEGV | VM_FAULT_ACCERR));
    mm_put_user(a);
    mm_put_user(b);
    mm_put_user(c);
    object_put(dev);
    free_pages(frames, 1);
}

KTEST(vm_row_88_shared_anonymous_memory)
{
    struct mm_struct *a = mm_create(), *b;
    uintptr_t at = map(a, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0, 8);
    uint64_t dirty = kstat_read(STAT_DIRTY);

    CHECK(get(a, at) == 0 && put(a, at + P, 1) == 0);
    CHECK(a->stat[MM_MAJ] == 0 && a->stat[MM_FLT] == 2);
    CHECK(a->stat[MM_ZERO] == 0 && a->rss == 2);
    b = mm_copy(a);
    CHECK(get(b, at + P) == 1 && put(b, at + P, 2) == 0 && get(a, at + P) == 2);
    CHECK(put(a, at + 5 * P, 3) == 0 && get(b, at + 5 * P) == 3);
    CHECK(put(b, at, 4) == 0 && get(a, at) == 4);
    CHECK(b->stat[MM_COW] == 0 && kstat_read(STAT_DIRTY) == dirty);
    mm_put_user(a);
    CHECK(get(b, at + 5 * P) == 3 && do_munmap(b, at, 2 * P) == 0);
    CHECK(get(b, at + 2 * P) == 0);
    mm_put_user(b);
}
