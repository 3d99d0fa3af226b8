/* test_object_race.c: object faults with slow disks, without memory, and against
 * eviction on all harts. */
#include "arch/riscv/csr.h"
#include "arch/riscv/probe.h"
#include "mm/failpoint.h"
#include "mm/space.h"
#include "mm/uaccess.h"
#include "pager_test.h"
#include "schedule/timeout.h"

/* --- row 8: the disk is slow --- */

static struct ram_pager *slow;
static struct mm_struct *slow_mm[3];
static uintptr_t slow_at[3];
static bool slow_done;
static uint64_t turns; /* of the thread that has nothing to do with it */

/* The disk answers when the other reader sleeps, and the third thread has run
 * meanwhile. */
static bool
nobody_waits(struct page *page)
{
    return !(atomic_load(&page->flags) & PG_WAITERS) ||
           atomic_load(&turns) < 100;
}

static void
slow_reader(unsigned i)
{
    if (i == 2) {
        while (!atomic_load(&slow_done)) {
            if (atomic_load(&slow->ins) > 0)
                atomic_add(&turns, 1ul);
            sched_yield();
        }
        return;
    }
    while (i == 1 && atomic_load(&slow->ins) == 0)
        sleep_ms(1);
    CHECK(get(slow_mm[i], slow_at[i]) == ram_word(0, 0));
    atomic_store(&slow_done, true);
}

KTEST(vm_row_8_one_reads_the_others_wait)
{
    slow = pager(1, 0, false);
    slow->slow_ms = 5;
    slow->hold = nobody_waits;
    slow_done = false;
    turns = 0;
    for (unsigned i = 0; i < 2; i++) {
        slow_mm[i] = mm_create();
        slow_at[i] = map(slow_mm[i], R, MAP_SHARED, &slow->obj, 0, 1);
    }
    ktest_parallel(3, false, slow_reader);
    CHECK(slow->ins == 1 && turns >= 100);
    CHECK(slow_mm[0]->stat[MM_MAJ] == 1 && slow_mm[0]->stat[MM_MIN] == 0);
    CHECK(slow_mm[1]->stat[MM_MAJ] == 0 && slow_mm[1]->stat[MM_MIN] == 1);
    CHECK(slow_mm[1]->stat[MM_RETRY] >= 1);
    for (unsigned i = 0; i < 2; i++)
        mm_put_user(slow_mm[i]);
    object_put(&slow->obj);
}

KTEST(vm_row_8_a_slow_mkwrite_holds_nothing)
{
    struct ram_pager *rp = pager(2, 2, true);
    struct mm_struct *mm = mm_create();
    uintptr_t at = map(mm, RW, MAP_SHARED, &rp->obj, 0, 2);

    rp->slow_mk = 5;
    mark(mm);
    CHECK(put(mm, at, 1) == 0);
    CHECK(since(mm, MM_FLT) == 2 && since(mm, MM_RETRY) == 1);
    CHECK(since(mm, MM_MIN) == 1 && since(mm, MM_MKWRITE) == 1);
    rp->mk_error = -ENOSPC;
    CHECK(do_pgfault(mm, FW, at + P) == VM_FAULT_SIGBUS);
    CHECK(!is_dirty(&rp->obj, 1) && get(mm, at + P) == ram_word(1, 0));
    rp->mk_error = -ENOMEM;
    CHECK(do_pgfault(mm, FW, at + P) == VM_FAULT_OOM);
    rp->mk_error = 0;
    CHECK(put(mm, at + P, 2) == 0 && get(mm, at + P) == 2);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- no memory --- */

static unsigned
one_fault(unsigned kind, uint64_t n, bool *done)
{
    struct ram_pager *rp = pager(4, kind & 1 ? 4 : 0, kind & 8);
    struct mm_struct *mm = mm_create();
    uint32_t flags = kind & 2 ? MAP_SHARED : MAP_PRIVATE;
    uintptr_t other = map(mm, R, MAP_SHARED, &rp->obj, 0, 4);
    uintptr_t at = map(mm, RW, flags, &rp->obj, 0, 4);
    uint64_t want = kind & 4 ? 5 : ram_word(1, 0);
    unsigned result;

    if (kind & 1) /* so that records need a block */
        CHECK(get(mm, other + P) == ram_word(1, 0));
    fail_set("any", n);
    result = do_pgfault(mm, kind & 4 ? FW : FR, at + P);
    *done = fail_left(FAIL_ANY) != 0;
    fail_set("any", 0);
    CHECK((result & VM_FAULT_ERROR) == 0 || result == VM_FAULT_OOM);
    if (kind & 4)
        CHECK(put(mm, at + P, 5) == 0);
    CHECK(get(mm, at + P) == want);
    CHECK(get(mm, other + P) == (flags == MAP_SHARED ? want : ram_word(1, 0)));
    CHECK(ram_evict(rp, 1));
    CHECK(get(mm, at + P) == want);
    mm_put_user(mm);
    object_put(&rp->obj);
    return result;
}

KTEST(vm_fail_alloc_of_every_object_fault)
{
    for (unsigned kind = 0; kind < 16; kind++) {
        bool done = false;

        for (uint64_t n = 1; !done && n < 60; n++)
            (void)one_fault(kind, n, &done);
        CHECK(done);
    }
    for (uint64_t n = 1; n < 30; n++) {
        struct mm_struct *mm = mm_create();
        uintptr_t at = map(mm, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0, 4);

        fail_set("any", n);
        (void)do_pgfault(mm, FW, at);
        fail_set("any", 0);
        CHECK(put(mm, at, n) == 0 && get(mm, at) == n);
        mm_put_user(mm);
    }
}

/* --- races --- */

static struct ram_pager *all;
static struct mm_struct *all_mm[4];
static uintptr_t all_at;
static unsigned working, thrown_out;

static void
read_cold(unsigned i)
{
    for (uint64_t n = 0; n < 200; n++)
        CHECK(get(all_mm[i % 2], all_at + n * P) == ram_word(n, 0));
}

KTEST(vm_race_many_readers_of_cold_pages)
{
    uint64_t major;

    all = pager(200, 0, false);
    all_mm[0] = mm_create();
    all_at = map(all_mm[0], R, MAP_SHARED, &all->obj, 0, 200);
    all_mm[1] = mm_copy(all_mm[0]);
    ktest_parallel(4, true, read_cold);
    CHECK(all->ins == 200);
    major = all_mm[0]->stat[MM_MAJ] + all_mm[1]->stat[MM_MAJ];
    /* Who read a page may find that a relative mapped it: then it is spur. */
    CHECK(major <= 200 && major > 0);
    for (uint64_t n = 0; n < 200; n++)
        CHECK(maps_of(&all->obj, n) == 2);
    mm_put_user(all_mm[0]);
    mm_put_user(all_mm[1]);
    object_put(&all->obj);
}

#define SHARED_PAGES 8

/* Each writer has its own word of each page and reads it back at once. */
static void
write_and_look(unsigned i)
{
    struct mm_struct *mm = all_mm[i % 2];
    uint64_t seed = ktest_seed + i;

    if (i == 0) { /* throws pages out under them, or writes them back */
        while (atomic_load(&working) > 0) {
            uint64_t x = ktest_random(&seed);

            if (x & 64)
                atomic_add(&thrown_out, ram_evict(all, x % SHARED_PAGES));
            else
                CHECK(ram_flush(all, x % SHARED_PAGES) == 0);
            sched_yield();
        }
        return;
    }
    for (uint64_t n = 1; n <= 600 || atomic_load(&thrown_out) < 100; n++) {
        uint64_t page = ktest_random(&seed) % SHARED_PAGES;
        uintptr_t at = all_at + page * P + 8 * i;

        CHECK(put(mm, at, n << 8 | i) == 0);
        CHECK(get(all_mm[(i + 1) % 2], at) == (n << 8 | i));
        if (n % 8 == 0)
            sched_yield();
        if (n % 50 == 0) /* tables go, too */
            CHECK(do_munmap(mm, all_at - 512 * P, P) == 0);
    }
    atomic_add(&working, -1u);
}

KTEST(vm_race_eviction_loses_nothing)
{
    all = pager(SHARED_PAGES, 0, true);
    all_mm[0] = mm_create();
    all_at = map(all_mm[0], RW, MAP_SHARED, &all->obj, 0, SHARED_PAGES);
    all_mm[1] = mm_copy(all_mm[0]);
    working = 3;
    thrown_out = 0;
    ktest_parallel(4, true, write_and_look);
    CHECK(thrown_out >= 100 && all->mkwrites > 0);
    mm_put_user(all_mm[0]);
    mm_put_user(all_mm[1]);
    object_put(&all->obj);
}

/* Areas come and go while the page they show is thrown out. */
static void
map_and_go(unsigned i)
{
    if (i == 0) {
        while (atomic_load(&working) > 0) {
            (void)ram_evict(all, 0);
            sched_yield();
        }
        return;
    }
    for (uint64_t n = 1; n <= 200; n++) {
        uintptr_t at = map(all_mm[i], RW, MAP_PRIVATE, &all->obj, 0, 1);

        CHECK(get(all_mm[i], at) == ram_word(0, 0));
        if (n % 2)
            CHECK(put(all_mm[i], at, n) == 0 && get(all_mm[i], at) == n);
        CHECK(do_munmap(all_mm[i], at, P) == 0);
    }
    CHECK(all_mm[i]->rss == 0);
    atomic_add(&working, -1u);
}

KTEST(vm_race_eviction_and_munmap)
{
    all = pager(1, 0, false);
    for (unsigned i = 1; i < 4; i++)
        all_mm[i] = mm_create();
    working = 3;
    ktest_parallel(4, true, map_and_go);
    CHECK(maps_of(&all->obj, 0) <= 0);
    for (unsigned i = 1; i < 4; i++)
        mm_put_user(all_mm[i]);
    object_put(&all->obj);
}

/* Two write private pages, which begins the layer, while a third maps whole
 * windows and the first throws pages out. */
static void
write_between(unsigned i)
{
    struct mm_struct *mm = all_mm[0];

    for (uint64_t n = 0; n < 16; n++) {
        uintptr_t at = all_at + n * P;

        if (i == 0) {
            (void)ram_evict(all, (n * 7) % 16);
        } else if (i == 1) {
            CHECK(get(mm, at) == ram_word(n, 0));
        } else if (n % 2 == i % 2) {
            CHECK(put(mm, at + 8, n) == 0);
            CHECK(get(mm, at + 8) == n && get(mm, at) == ram_word(n, 0));
        }
    }
}

KTEST(vm_race_fault_around_and_private_writes)
{
    all = pager(16, 16, false);
    for (unsigned round = 0; round < 60; round++) {
        all_mm[0] = mm_create();
        all_at = map(all_mm[0], RW, MAP_PRIVATE, &all->obj, 0, 16);
        ktest_parallel(4, true, write_between);
        for (uint64_t n = 0; n < 16; n++)
            CHECK(get(all_mm[0], all_at + n * P + 8) == n);
        CHECK(all_mm[0]->rss == 16 && all_mm[0]->stat[MM_FCOW] == 16);
        for (uint64_t n = 0; n < 16; n++)
            CHECK(maps_of(&all->obj, n) <= 0);
        mm_put_user(all_mm[0]);
    }
    CHECK(all->outs == 0);
    object_put(&all->obj);
}

/* Relatives read the same pages at once: which of them comes first, and which
 * needs a block for its record, is known late. */
static void
read_inherited(unsigned i)
{
    for (uint64_t n = 0; n < 400; n++)
        CHECK(get(all_mm[i], all_at + n * P) == n);
    CHECK(all_mm[i]->stat[MM_OOM] == 0);
}

KTEST(vm_race_first_records_of_a_page)
{
    struct mm_struct *mm = mm_create();

    all_at = map(mm, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, 400);
    for (uint64_t n = 0; n < 400; n++)
        CHECK(put(mm, all_at + n * P, n) == 0);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 4; i++)
            all_mm[i] = mm_copy(mm);
        if (round == 4)
            mm_put_user(mm); /* nobody maps them */
        else
            CHECK(do_mprotect(mm, all_at, 400 * P, 0) == 0);
        ktest_parallel(4, true, read_inherited);
        for (unsigned i = 0; i < 4; i++)
            mm_put_user(all_mm[i]);
        if (round < 4)
            CHECK(do_mprotect(mm, all_at, 400 * P, RW) == 0);
    }
}

/* --- what a hart remembers of a translation --- */

static unsigned readers, ready, done, seen; /* [a] */

/* A load, or a store of 0, through the tables of the running space.  False:
 * page fault. */
static bool
touch(uintptr_t at, bool write)
{
    bool ok;

    nofault_begin();
    ok = write ? probe_store(at) : probe_load(at);
    nofault_end();
    return ok;
}

/* The same, at first: SUM lets the kernel reach user pages.  It is the hart's,
 * so a thread that slept may have lost it; and it stays set afterwards, because
 * QEMU forgets all translations whenever it changes. */
static bool
touch_first(uintptr_t at, bool write)
{
    bool ok;

    irq_off();
    csr_set(sstatus, SSTATUS_SUM);
    ok = touch(at, write);
    irq_restore();
    return ok;
}

static void
run_space(struct mm_struct *mm)
{
    irq_off();
    mm_use(mm);
    if (mm == NULL)
        mm_lazy_drop();
    csr_clear(sstatus, SSTATUS_SUM);
    irq_restore();
}

static void
wait_for(unsigned *count, unsigned n)
{
    while (atomic_load(count) < n)
        sched_yield();
}

#define ROUNDS 8u

/* Odd rounds write back, and the harts store; even ones evict. */
static void
take_it_away(void)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        wait_for(&ready, round * readers);
        if (round % 2)
            CHECK(ram_flush(all, 0) == 0);
        else
            CHECK(ram_evict(all, 0));
        atomic_store(&done, round);
        wait_for(&seen, round * readers);
    }
}

static void
look_until_gone(unsigned i)
{
    struct mm_struct *mm = all_mm[i];

    if (i == 0) {
        take_it_away();
        return;
    }
    run_space(mm);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        bool store = round % 2;

        if (store)
            CHECK(put(mm, all_at, round) == 0);
        else
            CHECK(get(mm, all_at + 8) == ram_word(0, 1));
        CHECK(touch_first(all_at, store)); /* now the hart remembers it */
        atomic_add(&ready, 1u);
        while (atomic_load(&done) < round)
            (void)touch(all_at, store);
        CHECK(!touch(all_at, store));
        atomic_add(&seen, 1u);
    }
    run_space(NULL);
}

KTEST(vm_row_68_every_hart_forgets)
{
    if (ncpu < 2) {
        ktest_skip("needs two harts");
        return;
    }
    all = pager(1, 0, true);
    readers = MIN(ncpu, 4u) - 1;
    ready = done = seen = 0;
    all_mm[1] = mm_create();
    all_at = map(all_mm[1], RW, MAP_SHARED, &all->obj, 0, 1);
    for (unsigned i = 2; i <= readers; i++)
        all_mm[i] = mm_copy(all_mm[1]);
    ktest_parallel(readers + 1, true, look_until_gone);
    for (unsigned i = 1; i <= readers; i++)
        mm_put_user(all_mm[i]);
    object_put(&all->obj);
}
