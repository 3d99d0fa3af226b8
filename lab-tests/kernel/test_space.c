/* test_space.c: which harts use a space, who must be told, and what lies at
 * the ends of the user's half. */
#include "ext/init/asid.h"
#include "ktest.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "schedule/timeout.h"
#include "ublob.h"
#include <errno.h>

#define P PAGE_SIZE

static struct mm_struct *
space(void)
{
    struct mm_struct *mm = mm_create();

    CHECK(mm != NULL && ublob_map(mm));
    return mm;
}

static uintptr_t
map_anon(struct mm_struct *mm, size_t pages)
{
    long at = do_mmap(mm, 0, pages * P, VM_READ | VM_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    CHECK(at > 0);
    return (uintptr_t)at;
}

static long
map_fixed(struct mm_struct *mm, uintptr_t at)
{
    return do_mmap(mm, at, P, VM_READ | VM_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

static uint64_t
peek(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v = ~0ul;

    CHECK(mm_access(mm, at, &v, sizeof(v), false) == 0);
    return v;
}

static void
poke(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    CHECK(mm_access(mm, at, &v, sizeof(v), true) == 0);
}

/* --- row 20: shootdowns reach those who use the space, and no others --- */

/* In the program's thread: unmap the page and count who was told. */
static uintptr_t
unmap_and_count(struct urun *r)
{
    uintptr_t at = (uintptr_t)r->arg;
    uint64_t before, v = 1;

    CHECK(mm_access(r->mm, at, &v, sizeof(v), true) == 0);
    before = r->mm->stat[MM_TLB_REM];
    CHECK(do_munmap(r->mm, at, P) == 0);
    return r->mm->stat[MM_TLB_REM] - before;
}

/* How many harts a munmap on hart 0 tells. */
static uint64_t
told_by_munmap(struct mm_struct *mm)
{
    struct urun r = {.call = unmap_and_count, .arg = (void *)map_anon(mm, 1)};

    ublob_run(&r, mm, 0, UBLOB_CALL, 0, 0, 0);
    CHECK(r.signo == 0);
    return r.result;
}

KTEST(vm_row_20_alone_on_a_hart_nobody_is_told)
{
    struct mm_struct *mm = space();

    CHECK(told_by_munmap(mm) == 0);
    CHECK(mm->harts == 1);
    mm_put_user(mm);
}

/* AT: word 0 says stop, word i that hart i is in. */
static void
wait_for_word(struct mm_struct *mm, uintptr_t at)
{
    while (peek(mm, at) == 0)
        sched_yield();
}

KTEST(vm_row_20_threads_on_four_harts_three_are_told)
{
    static struct urun spin[4];
    struct mm_struct *mm;
    uintptr_t at;

    if (ncpu < 4) {
        ktest_skip("needs 4 harts");
        return;
    }
    mm = space();
    at = map_anon(mm, 1);
    poke(mm, at, 0);
    for (unsigned i = 1; i < 4; i++)
        ublob_start(&spin[i], mm, i, UBLOB_SPIN, at, at + 8 * i, 0);
    for (unsigned i = 1; i < 4; i++)
        wait_for_word(mm, at + 8 * i);
    CHECK(told_by_munmap(mm) == 3);
    CHECK(mm->harts == 0xf);
    poke(mm, at, 9);
    for (unsigned i = 1; i < 4; i++) {
        ublob_wait(&spin[i]);
        CHECK(spin[i].signo == 0 && spin[i].result == 9);
    }
    mm_put_user(mm);
}

/* --- lazy harts --- */

static void
leave(unsigned i)
{
    mm_lazy_drop();
}

KTEST(space_lazy_hart_keeps_the_root)
{
    struct mm_struct *mm = space(), *other = space();
    unsigned last = ncpu - 1;
    struct urun r = {0};

    mm_get(mm);
    ublob_run(&r, mm, last, UBLOB_NOTHING, 0, 0, 0);
    CHECK(mm->refs == 3 && mm->harts == 1ul << last);
    if (ncpu > 1) {
        CHECK(told_by_munmap(mm) == 1); /* the lazy hart has the bit */
        CHECK(mm->refs == 4);
    }
    mm_put_user(mm);
    CHECK(mm->refs == (ncpu > 1 ? 3 : 2)); /* ours, and theirs */
    CHECK(mm->map_count == 0 && mm_lazy_any());
    ublob_run(&r, other, last, UBLOB_NOTHING, 0, 0, 0);
    CHECK((mm->harts >> last & 1) == 0); /* another space took the hart */
    ktest_parallel(ncpu, true, leave);
    CHECK(mm->refs == 1 && mm->harts == 0 && !mm_lazy_any());
    CHECK(other->refs == 1 && other->harts == 0);
    mm_put(mm);
    mm_put_user(other);
}

/* --- address space numbers --- */

#define SPACES 10

/* Many spaces map the same addresses, each with values of its own. */
static void
check_patterns(unsigned rounds)
{
    static struct urun r[SPACES];
    struct mm_struct *mm[SPACES];
    uintptr_t at[SPACES];

    for (unsigned i = 0; i < SPACES; i++) {
        mm[i] = space();
        at[i] = map_anon(mm[i], 4);
        CHECK(at[i] == at[0]);
        ublob_run(&r[i], mm[i], i % ncpu, UBLOB_FILL, at[i], 4, 1000 * i);
        CHECK(r[i].signo == 0);
    }
    for (unsigned n = 0; n < rounds; n++) {
        for (unsigned i = 0; i < SPACES; i++)
            ublob_start(&r[i], mm[i], (i + n) % ncpu, UBLOB_CHECK, at[i], 4,
                        1000 * i);
        for (unsigned i = 0; i < SPACES; i++) {
            ublob_wait(&r[i]);
            CHECK(r[i].signo == 0 && r[i].result == 0);
        }
    }
    for (unsigned i = 0; i < SPACES; i++)
        mm_put_user(mm[i]);
}

KTEST(space_asid_patterns_while_numbers_wrap)
{
    for (unsigned bits = 0; bits < 3; bits++) {
        uint64_t wraps = asid_wraps();
        unsigned got = asid_limit(bits);

        check_patterns(3);
        /* 10 spaces need 4 generations of 3 numbers, and 10 of 1. */
        if (got != 0)
            CHECK(asid_wraps() - wraps >= (got == 2 ? 3 : 9));
        else
            CHECK(asid_wraps() == wraps);
    }
    asid_limit(16);
}

/* What changed while the space had no hart is seen when it comes back. */
KTEST(space_asid_change_while_away)
{
    struct mm_struct *mm = space(), *other = space();
    uintptr_t at = map_anon(mm, 1);
    struct urun r = {0};
    uint64_t flushes;
    bool numbers;

    numbers = asid_limit(16) > 1;
    poke(mm, at, 5);
    ublob_run(&r, mm, 0, UBLOB_LOAD, at, 0, 0);
    CHECK(r.result == 5);
    ublob_run(&r, other, 0, UBLOB_NOTHING, 0, 0, 0);
    CHECK(mm->harts == 0);
    CHECK(do_munmap(mm, at, P) == 0 && map_fixed(mm, at) == (long)at);
    poke(mm, at, 6);
    flushes = asid_single_flushes();
    ublob_run(&r, mm, 0, UBLOB_LOAD, at, 0, 0);
    CHECK(r.result == 6);
    CHECK(asid_single_flushes() - flushes == numbers);
    /* Nothing changed meanwhile: nothing to forget. */
    ublob_run(&r, other, 0, UBLOB_NOTHING, 0, 0, 0);
    ublob_run(&r, mm, 0, UBLOB_LOAD, at, 0, 0);
    CHECK(r.result == 6 && asid_single_flushes() - flushes == numbers);
    mm_put_user(other);
    mm_put_user(mm);
}

/* --- the ends of the user's half --- */

static void
touch(struct mm_struct *mm, uintptr_t at, bool works)
{
    struct urun r = {0};

    ublob_run(&r, mm, 0, UBLOB_STORE, at, 42, 0);
    if (works)
        CHECK(r.signo == 0 && peek(mm, at) == 42);
    else
        CHECK(r.signo == SIGSEGV && r.code == SEGV_MAPERR && r.addr == at);
}

KTEST(space_mappings_above_2_38_by_mode)
{
    bool wide = paging_levels > 3;
    uintptr_t high = 1ul << 40, edge = 1ul << 38;
    struct mm_struct *mm = space();

    CHECK(map_fixed(mm, high) == (wide ? (long)high : -ENOMEM));
    touch(mm, high, wide);
    CHECK(map_fixed(mm, edge - P) == (long)(edge - P));
    touch(mm, edge - P, true);
    touch(mm, edge, false); /* not mapped, or not there at all */
    CHECK(map_fixed(mm, edge) == (wide ? (long)edge : -ENOMEM));
    touch(mm, edge, wide);
    CHECK(map_fixed(mm, user_end() - P) == (long)(user_end() - P));
    touch(mm, user_end() - 8, true);
    mm_put_user(mm);
}

/* As a hint, an address that cannot be had is another one. */
KTEST(space_hint_above_2_38_by_mode)
{
    struct mm_struct *mm = space();
    uintptr_t high = 1ul << 40;
    long at = do_mmap(mm, high, P, VM_READ | VM_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

    if (paging_levels > 3)
        CHECK(at == (long)high);
    else
        CHECK(at > 0 && (uintptr_t)at < MMAP_TOP);
    touch(mm, (uintptr_t)at, true);
    mm_put_user(mm);
}

/* Load, store and jump: SIGSEGV with that address, and no table is made. */
static void
refused(struct mm_struct *mm, uintptr_t at)
{
    static const enum ublob ways[] = {UBLOB_LOAD, UBLOB_STORE, UBLOB_JUMP};
    uint64_t tables = mm->stat[MM_PT_ALLOC];

    for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
        struct urun r = {0};

        ublob_run(&r, mm, 0, ways[i], at, 1, 0);
        CHECK(r.signo == SIGSEGV && r.code == SEGV_MAPERR && r.addr == at);
        CHECK(ways[i] != UBLOB_JUMP || r.pc == at);
    }
    CHECK(mm->stat[MM_PT_ALLOC] == tables);
}

KTEST(space_kernel_addresses_from_user_mode)
{
    struct mm_struct *mm = space();

    refused(mm, dmap_base);
    refused(mm, KERNEL_BASE);
    refused(mm, (uintptr_t)&refused);
    refused(mm, VMAP_BASE);
    refused(mm, (uintptr_t)-8);
    mm_put_user(mm);
}

KTEST(space_addresses_that_do_not_exist)
{
    struct mm_struct *mm = space();

    refused(mm, user_end());
    refused(mm, user_end() + 0x123458);
    refused(mm, 1ul << 62);
    refused(mm, 0x8000000000000000);
    refused(mm, -user_end() - 8); /* the last below the kernel's half */
    mm_put_user(mm);
}

/* --- preemption --- */

#define COUNTERS 3

/* Programs in different spaces take turns on one hart, at the same addresses.
 * Each counts in its own memory, by its own registers. */
KTEST(space_preempted_programs_keep_to_themselves)
{
    static struct urun r[COUNTERS];
    struct mm_struct *mm[COUNTERS];
    uintptr_t at = 0;

    for (unsigned i = 0; i < COUNTERS; i++) {
        mm[i] = space();
        at = map_anon(mm[i], 1);
        poke(mm[i], at + 8, 0);
        ublob_start(&r[i], mm[i], 0, UBLOB_COUNT, at, at + 8, 0);
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNTERS; i++) {
            uint64_t was = peek(mm[i], at);

            while (peek(mm[i], at) == was)
                sched_yield();
        }
    }
    for (unsigned i = 0; i < COUNTERS; i++) {
        poke(mm[i], at + 8, 1);
        ublob_wait(&r[i]);
        CHECK(r[i].signo == 0 && r[i].result == peek(mm[i], at));
        mm_put_user(mm[i]);
    }
}
