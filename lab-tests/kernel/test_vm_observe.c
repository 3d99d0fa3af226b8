/* test_vm_observe.c: what scenarios may see of address spaces: counters, one
 * page, knobs, the log of faults; and the rows of docs/design/mm.md that are
 * about counts. */
#include "arch/riscv/memlayout.h"
#include "debug/trace.h"
#include "ext/debug/tracering.h"
#include "ext/mm/knob.h"
#include "ext/mm/mapcalls.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "ktest.h"
#include "mm/fault.h"
#include "mm/space.h"
#include <errno.h>
#include <string.h>

#define P PAGE_SIZE

static uintptr_t
map(struct mm_struct *mm, size_t pages, uint32_t flags, struct vm_object *obj)
{
    flags |= obj == NULL ? MAP_ANONYMOUS : 0;
    long at = do_mmap(mm, 0, pages * P, VM_READ | VM_WRITE, flags, obj, 0);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static void
put(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    CHECK(mm_access(mm, at, &v, sizeof(v), true) == 0);
}

static uint64_t
get(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v = ~0ul;

    CHECK(mm_access(mm, at, &v, sizeof(v), false) == 0);
    return v;
}

static struct mm_struct *
parent_with(unsigned pages, uintptr_t *at)
{
    struct mm_struct *mm = mm_create();

    *at = map(mm, pages, MAP_PRIVATE, NULL);
    for (unsigned i = 0; i < pages; i++)
        put(mm, *at + i * P, 1000 + i);
    return mm;
}

static uint64_t
value(struct mm_struct *mm, const char *name)
{
    uint64_t v;

    CHECK(mmstat_get(mm, name, &v));
    return v;
}

static struct pginfo
info(struct mm_struct *mm, uintptr_t va)
{
    struct pginfo i;

    CHECK(pginfo(mm, va, &i) == 0 && i.va == PAGE_DOWN(va));
    return i;
}

/* --- counters --- */

KTEST(vm_row_9_faults_are_counted_by_name)
{
    static const char *const section_0[] = {
        "flt",         "min",         "maj",        "spur",      "retry",
        "adfix",       "zero",        "anon",       "cow",       "reuse",
        "fread",       "fcow",        "fshared",    "mkwrite",   "around",
        "swpin",       "swpout",      "slot_alloc", "slot_free", "slot_used",
        "wb",          "rescan",      "steal",      "rmapun",    "segv",
        "sigbus",      "oomk",        "pt_alloc",   "pt_free",   "hmap",
        "hsplit",      "lshare",      "lunshare",   "lcollapse", "hint",
        "migr",        "tlb_loc",     "tlb_rem",    "rss",       "anon_pages",
        "cache_pages", "dirty_pages", "free_pages"};
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, 16, MAP_PRIVATE, NULL);
    uint64_t all = value(NULL, "flt"), fresh = value(NULL, "anon");

    for (unsigned i = 0; i < 16; i++)
        put(mm, at + i * P, i);
    CHECK(value(mm, "flt") == 16 && value(mm, "anon") == 16);
    CHECK(value(mm, "min") == 16 && value(mm, "rss") == 16);
    CHECK(value(mm, "anon_pages") == 16 && value(mm, "cache_pages") == 0);
    (void)do_pgfault(mm, FAULT_READ, 0x123000);
    CHECK(value(mm, "segv") == 1 && mmstat_lost_faults(mm) == 0);
    CHECK(value(NULL, "flt") == all + 17 && value(NULL, "anon") == fresh + 16);
    mm_put_user(mm); /* what it counted stays */
    CHECK(value(NULL, "flt") == all + 17 && value(NULL, "anon") == fresh + 16);
    CHECK(value(NULL, "pt_alloc") == value(NULL, "pt_free"));
    CHECK(value(NULL, "rss") == 0 && value(NULL, "anon_pages") == 0);
    for (unsigned i = 0; i < ARRAY_LEN(section_0); i++)
        (void)value(NULL, section_0[i]);
    CHECK(!mmstat_get(NULL, "no_such_name", &all));
}

KTEST(vm_mmstat_has_one_order)
{
    static struct mmstat_value one[MMSTAT_VALUES], all[MMSTAT_VALUES];
    struct mm_struct *mm = mm_create();

    mmstat_read(mm, one);
    mmstat_read(NULL, all);
    for (unsigned i = 0; i < MMSTAT_VALUES; i++) {
        CHECK(one[i].name != NULL && strcmp(one[i].name, all[i].name) == 0);
        for (unsigned k = 0; k < i; k++)
            CHECK(strcmp(one[i].name, one[k].name) != 0);
    }
    mm_put_user(mm);
}

KTEST(vm_mmstat_gauges_of_a_space)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, 10, MAP_PRIVATE, NULL);
    uintptr_t shared = map(mm, 10, MAP_SHARED, NULL);

    for (unsigned i = 0; i < 5; i++)
        put(mm, at + i * P, i);
    (void)get(mm, at + 9 * P); /* the zero page is nobody's */
    for (unsigned i = 0; i < 3; i++)
        put(mm, shared + i * P, i);
    (void)get(mm, shared + 5 * P);
    CHECK(value(mm, "rss") == 9 && value(mm, "anon_pages") == 5);
    CHECK(value(mm, "cache_pages") == 4 && value(mm, "dirty_pages") >= 3);
    CHECK(value(mm, "free_pages") == nr_free_pages());
    mm_put_user(mm);
}

/* --- one page --- */

KTEST(vm_pginfo_of_a_page_through_its_life)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(2, &at), *child;
    uintptr_t more = map(mm, 2, MAP_PRIVATE, NULL);
    struct pginfo i = info(mm, at + 5), was;

    CHECK((i.flags & PGINFO_PRESENT) && (i.flags & PGINFO_ANON));
    CHECK((i.flags & (PGINFO_READ | PGINFO_WRITE | PGINFO_EXEC)) ==
          (PGINFO_READ | PGINFO_WRITE));
    CHECK((i.flags & PGINFO_ACCESSED) && (i.flags & PGINFO_DIRTY));
    CHECK(i.mapcount == 1 && i.anon_share == 1 && i.slot == 0);
    CHECK(i.level == 0 && i.node == 0 && i.frame != 0);
    was = i;
    child = mm_copy(mm);
    i = info(mm, at);
    CHECK(!(i.flags & PGINFO_WRITE) && (i.flags & PGINFO_DIRTY));
    CHECK(i.frame == was.frame && i.epoch == was.epoch);
    i = info(child, at);
    CHECK(!(i.flags & PGINFO_PRESENT) && (i.flags & PGINFO_ANON));
    CHECK(get(child, at) == 1000);
    i = info(child, at);
    CHECK(i.frame == was.frame && i.mapcount == 2);
    put(child, at, 5);
    i = info(child, at);
    CHECK(i.frame != was.frame && i.epoch > was.epoch && i.mapcount == 1);
    CHECK(i.anon_share == 1 && info(mm, at).anon_share == 1);
    CHECK(info(mm, at + P).anon_share == 2); /* the child's leaf is a clone */
    i = info(mm, more);
    CHECK(i.flags == PGINFO_AREA && i.frame == 0);
    (void)get(mm, more);
    i = info(mm, more);
    CHECK((i.flags & PGINFO_ZERO) && i.mapcount == 0 && i.anon_share == 0);
    CHECK(info(mm, 0x1000).flags == 0);
    CHECK(pginfo(mm, user_end(), &i) == -EFAULT);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_pginfo_of_a_shared_page)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, 4, MAP_SHARED, NULL);
    struct pginfo i;

    put(mm, at + 2 * P, 1);
    i = info(mm, at + 2 * P);
    CHECK((i.flags & PGINFO_OBJECT) && !(i.flags & PGINFO_ANON));
    CHECK((i.flags & PGINFO_UPTODATE) && (i.flags & PGINFO_DIRTY));
    CHECK(i.index == 2 && i.mapcount == 1);
    mm_put_user(mm);
}

/* --- knobs --- */

KTEST(vm_knobs_are_turned_by_a_line)
{
    char why[80];
    uint64_t v;

    CHECK(knob_line(" fork_eager = 7 \n", why, sizeof(why)) == 0);
    CHECK(knob_get("fork_eager", &v) == 0 && v == 7 && fork_eager == 7);
    CHECK(knob_set("fork_eager", 0) == 0 && fork_eager == 0);
    CHECK(knob_line("fault_around=0x10", why, sizeof(why)) == 0);
    CHECK(knob_get("fault_around", &v) == 0 && v == 16);
    CHECK(knob_line("fault_around=0", why, sizeof(why)) == -EINVAL);
    CHECK(strcmp(why, "fault_around: 0 is not from 1 to 512") == 0);
    CHECK(knob_line("fault_around=many", why, sizeof(why)) == -EINVAL);
    CHECK(strcmp(why, "fault_around: 'many' is no number") == 0);
    CHECK(knob_line("fault_around", why, sizeof(why)) == -EINVAL);
    CHECK(strcmp(why, "not of the form name=value") == 0);
    CHECK(knob_line("=3", why, sizeof(why)) == -EINVAL);
    CHECK(knob_line("no_such=3", why, sizeof(why)) == -ENOENT);
    CHECK(strcmp(why, "no knob is called no_such") == 0);
    CHECK(knob_set("no_such", 1) == -ENOENT);
    CHECK(knob_get("fail_alloc", &v) == -EINVAL);
    CHECK(knob_line("no_such=3", NULL, 0) == -ENOENT);
}

KTEST(vm_knob_fail_alloc)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, 1, MAP_PRIVATE, NULL);
    char why[80];

    CHECK(knob_line("fail_alloc=anon,1", why, sizeof(why)) == 0);
    put(mm, at, 1);
    CHECK(mm->stat[MM_OOM] == 1 && mm->stat[MM_ANON] == 1);
    CHECK(knob_line("fail_alloc=nothing,1", why, sizeof(why)) == -EINVAL);
    CHECK(strcmp(why, "fail_alloc: no such site") == 0);
    CHECK(knob_line("fail_alloc=anon", why, sizeof(why)) == -EINVAL);
    CHECK(strcmp(why, "fail_alloc: wants SITE,NTH") == 0);
    mm_put_user(mm);
}

KTEST(vm_fork_eager_maps_that_many)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(20, &at), *child;

    (void)get(mm, at);
    CHECK(knob_set("fork_eager", 5) == 0);
    child = mm_copy(mm);
    CHECK(knob_set("fork_eager", 0) == 0);
    CHECK(child != NULL && child->rss == 5 && child->stat[MM_FLT] == 0);
    CHECK(mmcheck() == 0);
    for (unsigned i = 0; i < 20; i++)
        CHECK(get(child, at + i * P) == 1000 + i);
    CHECK(child->stat[MM_FLT] == 15 && child->rss == 20);
    put(child, at, 1);
    put(mm, at + P, 2);
    CHECK(get(mm, at) == 1000 && get(child, at + P) == 1001);
    mm_put_user(mm);
    CHECK(get(child, at + 4 * P) == 1004);
    mm_put_user(child);
}

/* --- rows --- */

KTEST(vm_row_14_unaligned_offset_is_refused)
{
    struct mm_struct *mm = mm_create();
    struct vm_object *obj = anon_shared_object(4 * P);

    CHECK(do_mmap(mm, 0, P, VM_READ, MAP_SHARED, obj, 100) == -EINVAL);
    CHECK(do_mmap(mm, 0, P, VM_READ, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 8) ==
          -EINVAL);
    object_put(obj);
    mm_put_user(mm);
}

/* 10^5 when there is time for it. */
KTEST(vm_row_14_map_unmap_cycles)
{
    unsigned cycles = ktest_steps >= 100000 ? 100000 : 10000;
    struct mm_struct *mm = mm_create();
    size_t before = 0;

    for (unsigned n = 0; n < cycles; n++) {
        uintptr_t at = map(mm, 1 + n % 7, MAP_PRIVATE, NULL);

        if (n % 4 == 0)
            put(mm, at, n);
        CHECK(do_munmap(mm, at, (1 + n % 7) * P) == 0);
        if (n == 100) { /* the caches are warm */
            before = ktest_settle();
        }
    }
    CHECK(ktest_settle() == before);
    CHECK(mm->stat[MM_PT_ALLOC] - mm->stat[MM_PT_FREE] == 1);
    mm_put_user(mm);
}

KTEST(vm_row_30_whole_pages_are_zero)
{
    static uint64_t words[P / 8];
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, 300, MAP_PRIVATE, NULL);

    memset(words, 0x5a, sizeof(words));
    for (unsigned i = 0; i < 300; i++)
        CHECK(mm_access(mm, at + i * P, words, P, true) == 0);
    mm_put_user(mm);
    mm = mm_create();
    at = map(mm, 300, MAP_PRIVATE, NULL);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t all = 0;

        if (i % 2 == 0)
            put(mm, at + i * P, 0);
        CHECK(mm_access(mm, at + i * P, words, P, false) == 0);
        for (unsigned k = 0; k < P / 8; k++)
            all |= words[k];
        CHECK(all == 0);
    }
    CHECK(mm->stat[MM_ANON] == 150 && mm->stat[MM_ZERO] == 150);
    mm_put_user(mm);
}

KTEST(vm_row_37_a_copy_costs_tables_only)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(100, &at), *child;
    size_t before, anons = anon_count();

    before = ktest_settle();
    child = mm_copy(mm);
    for (unsigned i = 0; i < 100; i++)
        CHECK(get(child, at + i * P) == 1000 + i);
    CHECK(child->stat[MM_ANON] == 0 && child->stat[MM_COW] == 0);
    CHECK(child->stat[MM_MIN] == 100 && child->stat[MM_FLT] == 100);
    CHECK(anon_count() == anons);
    CHECK(before - ktest_settle() == child->stat[MM_PT_ALLOC]);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_75_the_first_write_makes_the_layer)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map(mm, 4, MAP_PRIVATE, NULL);
    uint64_t cloned;

    put(mm, at, 1);
    CHECK((info(mm, at).flags & PGINFO_ANON) && mm->stat[MM_LUNSHARE] == 0);
    child = mm_copy(mm);
    put(child, at, 2); /* root, and the leaf if that is another node */
    cloned = child->stat[MM_LUNSHARE];
    CHECK(cloned >= 1 && child->stat[MM_LCOLLAPSE] == 0);
    put(child, at + P, 3);
    put(child, at, 4);
    CHECK(child->stat[MM_LUNSHARE] == cloned);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_76_copying_freezes_private_areas)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at[5];

    for (unsigned i = 0; i < 5; i++) {
        at[i] = map(mm, 2, i == 4 ? MAP_SHARED : MAP_PRIVATE, NULL);
        CHECK(do_mprotect(mm, at[i], P, VM_READ | VM_WRITE | VM_EXEC) == 0);
        if (i != 3)
            put(mm, at[i], i);
    }
    child = mm_copy(mm);
    CHECK(mm->stat[MM_LSHARE] == 3); /* the parts with private pages */
    for (unsigned i = 0; i < 3; i++)
        CHECK(!(info(mm, at[i]).flags & PGINFO_WRITE));
    CHECK(info(mm, at[4]).flags & PGINFO_WRITE);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_77_each_generation_owns_a_page)
{
    struct vm_object *obj = anon_shared_object(12 * P);
    struct mm_struct *mm = mm_create(), *next;
    uintptr_t at = map(mm, 12, MAP_SHARED, obj);
    uint64_t around;

    for (unsigned i = 0; i < 12; i++)
        put(mm, at + i * P, 500 + i);
    CHECK(do_munmap(mm, at, 12 * P) == 0);
    at = map(mm, 12, MAP_PRIVATE, obj);
    for (unsigned gen = 0; gen < 10; gen++) {
        put(mm, at + gen * P, 900 + gen);
        next = mm_copy(mm);
        mm_put_user(mm);
        mm = next;
    }
    CHECK(knob_get("fault_around", &around) == 0);
    CHECK(knob_set("fault_around", 1) == 0);
    for (unsigned i = 0; i < 12; i++)
        CHECK(get(mm, at + i * P) == (i < 10 ? 900 + i : 500 + i));
    CHECK(knob_set("fault_around", around) == 0);
    for (unsigned i = 1; i < 10; i++) /* the virtual chain */
        CHECK(info(mm, at + i * P).epoch > info(mm, at + (i - 1) * P).epoch);
    CHECK(!(info(mm, at + 11 * P).flags & PGINFO_ANON));
    CHECK(mm->stat[MM_FREAD] == 2 && value(NULL, "anon_pages") == 10);
    mm_put_user(mm);
    object_put(obj);
}

KTEST(vm_row_78_79_a_page_below_is_copied_up)
{
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map(mm, 2, MAP_PRIVATE, NULL);

    put(mm, at, 41);
    child = mm_copy(mm);
    put(child, at + P, 42);
    put(child, at + 8, 43); /* page 0: the parent's, copied */
    CHECK(child->stat[MM_COW] == 1 && child->stat[MM_ANON] == 1);
    CHECK(get(child, at) == 41 && get(child, at + 8) == 43);
    CHECK(get(mm, at + 8) == 0 && get(mm, at + P) == 0);
    CHECK(value(NULL, "anon_pages") == 3);
    mm_put_user(child);
    mm_put_user(mm);
}

KTEST(vm_row_80_one_user_left_is_a_merge)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(100, &at), *child = mm_copy(mm);

    CHECK(mm->stat[MM_LSHARE] == 1);
    for (unsigned i = 0; i < 50; i++)
        put(child, at + i * P, i);
    CHECK(child->stat[MM_COW] == 50 && value(NULL, "anon_pages") == 150);
    mm_put_user(mm);
    CHECK(value(NULL, "anon_pages") == 100);
    for (unsigned i = 50; i < 100; i++)
        CHECK(get(child, at + i * P) == 1000 + i);
    for (unsigned i = 50; i < 100; i++)
        put(child, at + i * P, i);
    CHECK(child->stat[MM_REUSE] == 50 && child->stat[MM_COW] == 50);
    CHECK(child->stat[MM_LCOLLAPSE] == 50);
    CHECK(value(child, "anon_pages") == 100);
    mm_put_user(child);
}

KTEST(vm_row_81_both_write_everything)
{
    uintptr_t at;
    struct mm_struct *mm = parent_with(100, &at), *child = mm_copy(mm);

    for (unsigned i = 0; i < 100; i++) {
        put(child, at + i * P, 1);
        put(mm, at + i * P, 2);
    }
    CHECK(value(NULL, "anon_pages") == 200);
    CHECK(child->stat[MM_COW] == 100 && mm->stat[MM_COW] == 0);
    CHECK(mm->stat[MM_REUSE] == 100 && mm->stat[MM_LCOLLAPSE] == 100);
    mm_put_user(child);
    CHECK(value(NULL, "anon_pages") == 100);
    mm_put_user(mm);
    CHECK(value(NULL, "anon_pages") == 0);
}

KTEST(vm_row_103_tables_count_their_entries)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, 8, MAP_PRIVATE, NULL);
    struct page *table;

    at = (uintptr_t)do_mmap(mm, 0x40000000, 8 * P, VM_READ | VM_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
    for (unsigned i = 0; i < 3; i++)
        put(mm, at + i * P, i);
    (void)get(mm, at + 4 * P);
    gate_enter(&mm->gate);
    table = pte_table(get_pte(mm, at, false));
    gate_leave(&mm->gate);
    CHECK(table->mapcount == 4 && table->index == 0x40000000);
    CHECK(do_munmap(mm, at + P, P) == 0);
    CHECK(table->mapcount == 3);
    CHECK(do_madvise(mm, at + 2 * P, 6 * P, MADV_DONTNEED) == 0);
    CHECK(table->mapcount == 1 && mm->stat[MM_PT_FREE] == 0);
    CHECK(do_munmap(mm, at, 8 * P) == 0);
    CHECK(mm->stat[MM_PT_ALLOC] - mm->stat[MM_PT_FREE] == 1);
    mm_put_user(mm);
}

/* --- rows 94 and 99: areas --- */

#define PAGES 512

/* Rights of each page; 0xff: no area. */
static uint8_t oracle[PAGES];

static void
compare_areas(struct mm_struct *mm, uintptr_t base)
{
    gate_enter(&mm->gate);
    for (unsigned i = 0; i < PAGES; i++) {
        struct vma_struct *v = find_vma(mm, base + i * P);
        bool there = v != NULL && v->vm_start <= base + i * P;

        CHECK(there == (oracle[i] != 0xff));
        if (there)
            CHECK((v->vm_flags & VM_RWX) == oracle[i]);
    }
    gate_leave(&mm->gate);
}

static void
change_areas(struct mm_struct *mm, uintptr_t base, uint64_t *rng)
{
    unsigned r = (unsigned)(ktest_random(rng) >> 16), what = r % 3;
    unsigned first = r / 4 % PAGES, n = 1 + r / 4096 % 32;
    uint8_t prot = r >> 24 & VM_RWX;
    uintptr_t at = base + first * P;
    unsigned stop = first;

    n = MIN(n, PAGES - first);
    if (what == 0) {
        CHECK(do_mmap(mm, at, n * P, prot,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
                      0) == (long)at);
        memset(&oracle[first], prot, n);
    } else if (what == 1) {
        CHECK(do_munmap(mm, at, n * P) == 0);
        memset(&oracle[first], 0xff, n);
    } else {
        while (stop < first + n && oracle[stop] != 0xff)
            stop++;
        CHECK(do_mprotect(mm, at, n * P, prot) ==
              (stop < first + n ? -ENOMEM : 0));
        memset(&oracle[first], prot, stop - first);
    }
}

KTEST(vm_row_94_areas_against_an_oracle)
{
    unsigned steps = ktest_steps >= 100000 ? 100000 : 10000;
    struct mm_struct *mm = mm_create();
    uintptr_t base = 0x10000000;
    uint64_t rng = ktest_seed;

    memset(oracle, 0xff, sizeof(oracle));
    for (unsigned n = 1; n <= steps; n++) {
        change_areas(mm, base, &rng);
        if (n % 1000 != 0)
            continue;
        compare_areas(mm, base);
        CHECK(mmcheck() == 0);
    }
    mm_put_user(mm);
}

/* ucore's check_vma_struct(): areas [5i, 5i + 2), put in from the middle down,
 * then from the middle up. */
KTEST(vm_row_99_areas_are_found)
{
    struct mm_struct *mm = mm_create();
    uintptr_t base = 0x100000;

    mm_write_begin(mm);
    for (unsigned k = 1; k <= 100; k++) {
        unsigned i = k <= 10 ? 11 - k : k;
        struct vma_struct *v =
            vma_create(mm, base + 5 * i * P, base + (5 * i + 2) * P, VM_READ);

        CHECK(v != NULL);
        insert_vma_struct(mm, v);
    }
    mm_write_end(mm);
    gate_enter(&mm->gate);
    for (unsigned i = 5; i <= 500; i += 5) {
        struct vma_struct *v = find_vma(mm, base + i * P);

        CHECK(v != NULL && v->vm_start == base + i * P);
        CHECK(find_vma(mm, base + (i + 1) * P) == v);
        for (unsigned k = 2; k < 5; k++)
            CHECK(find_vma(mm, base + (i + k) * P) == vma_next(v));
    }
    CHECK(find_vma(mm, base + 4 * P)->vm_start == base + 5 * P);
    gate_leave(&mm->gate);
    CHECK(mmcheck() == 0);
    mm_put_user(mm);
}

/* ucore's check_pgfault(): the first fault, in [0, 4 MiB). */
KTEST(vm_row_99_first_fault)
{
    size_t before, sum = 0;
    struct mm_struct *mm;
    struct vma_struct *v;
    unsigned char byte;

    before = ktest_settle();
    mm = mm_create();
    mm_write_begin(mm);
    v = vma_create(mm, 0, 4ul << 20, VM_READ | VM_WRITE);
    CHECK(v != NULL);
    insert_vma_struct(mm, v);
    CHECK(find_vma(mm, 0x100) == v);
    mm_write_end(mm);
    for (unsigned i = 0; i < 100; i++) {
        byte = (unsigned char)i;
        sum += i;
        CHECK(mm_access(mm, 0x100 + i, &byte, 1, true) == 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        CHECK(mm_access(mm, 0x100 + i, &byte, 1, false) == 0);
        sum -= byte;
    }
    CHECK(sum == 0 && mm->stat[MM_FLT] == 1 && mm->stat[MM_ANON] == 1);
    mm_put_user(mm);
    CHECK(ktest_settle() == before);
}

/* --- row 102: the log --- */

/* The latest event ID of any hart, about VA if it is not 0. */
static bool
latest(enum trace_id id, uint64_t b, struct trace_event *e)
{
    for (unsigned c = 0; c < ncpu; c++)
        for (unsigned age = 0; trace_read(c, age, e); age++)
            if (e->id == id && (b == 0 || e->b == b))
                return true;
    return false;
}

/* The event that its hart recorded next after the latest ID about B. */
static bool
next_after(enum trace_id id, uint64_t b, struct trace_event *e)
{
    for (unsigned c = 0; c < ncpu; c++)
        for (unsigned age = 1; trace_read(c, age, e); age++)
            if (e->id == id && e->b == b)
                return trace_read(c, age - 1, e);
    return false;
}

KTEST(vm_row_102_faults_are_logged)
{
    bool was = trace_enabled;
    struct mm_struct *mm = mm_create(), *child;
    uintptr_t at = map(mm, 4, MAP_PRIVATE, NULL);
    struct trace_event e;

    trace_enabled = false;
    put(mm, at + 2 * P, 1);
    CHECK(!latest(TRACE_PGFAULT, at + 2 * P, &e)); /* off: nothing */
    trace_enabled = true;
    put(mm, at, 1);
    CHECK(latest(TRACE_PGFAULT, at, &e) && e.a == MM_ANON);
    CHECK(next_after(TRACE_PGFAULT, at, &e) && e.id == TRACE_PGDONE);
    CHECK(e.a == info(mm, at).frame && e.b < 1ul << 40);
    child = mm_copy(mm);
    put(child, at, 2);
    CHECK(latest(TRACE_PGFAULT, at, &e) && e.a == MM_COW);
    CHECK(next_after(TRACE_PGFAULT, at, &e) && e.a == info(child, at).frame);
    (void)do_pgfault(mm, FAULT_READ, 0x5000);
    CHECK(latest(TRACE_PGFAULT, 0x5000, &e) && e.a == MM_SEGV);
    CHECK(next_after(TRACE_PGFAULT, 0x5000, &e) && e.a == 0);
    trace_enabled = was;
    mm_put_user(child);
    mm_put_user(mm);
}
