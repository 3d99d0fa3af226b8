/* test_shared_swap.c: shared memory leaves memory and comes back; rows 83 and 88 of
 * docs/design/mm.md, with the numbers of rows 58 to 63. */
#include "debug/kstat.h"
#include "ext/mm/observe.h"
#include "mm/reclaim.h"
#include "swap_ram.h"
#include "swap_world.h"

#define N 8u

/* N pages of shared memory in two spaces, at different addresses. */
struct shared {
    struct swap_ram *swap;
    struct vm_object *obj;
    struct mm_struct *mm[2];
    uintptr_t at[2];
};

static struct shared
shared_on(uint64_t slots)
{
    struct shared s = {.swap = swap_ram_on(slots),
                       .obj = anon_shared_object(N * PG)};

    CHECK(s.obj != NULL);
    for (unsigned i = 0; i < 2; i++) {
        long at;

        s.mm[i] = mm_create();
        at = do_mmap(s.mm[i], 0x10000000ul * (i + 1), N * PG, RW, MAP_SHARED,
                     s.obj, 0);
        CHECK(at > 0);
        s.at[i] = (uintptr_t)at;
    }
    CHECK(s.at[0] != s.at[1]);
    fill(s.mm[0], s.at[0], N, 100);
    return s;
}

static void
shared_off(struct shared *s)
{
    mm_put_user(s->mm[0]);
    mm_put_user(s->mm[1]);
    object_put(s->obj);
    CHECK(swap_slots_used() == 0 && kstat_read(STAT_SWAPPED) == 0);
    swap_ram_off(s->swap);
}

/* Have the N pages leave memory.  Returns how many did. */
static size_t
throw_out(struct shared *s)
{
    struct page *pages[N];
    unsigned n = 0;
    size_t done;

    for (unsigned i = 0; i < N; i++) {
        pages[n] = object_find(s->obj, i);
        n += pages[n] != NULL;
    }
    done = object_evict_some(s->obj, pages, n);
    while (n > 0)
        page_put(pages[--n]);
    return done;
}

static unsigned
in_memory(struct shared *s, unsigned who)
{
    unsigned char vec[N];
    unsigned n = 0;

    CHECK(do_mincore(s->mm[who], s->at[who], N * PG, vec) == 0);
    for (unsigned i = 0; i < N; i++)
        n += vec[i];
    return n;
}

KTEST(vm_row_83_shared_pages_go_to_slots_and_back)
{
    uint64_t shmem = kstat_read(STAT_SHMEM);
    struct shared s = shared_on(16);
    struct pginfo info;
    struct marks m;

    CHECK(filled(s.mm[1], s.at[1], N, 100));
    CHECK(kstat_read(STAT_SHMEM) - shmem == N && in_memory(&s, 1) == N);
    CHECK(throw_out(&s) == N && s.swap->writes == N && s.swap->calls == 1);
    CHECK(s.obj->npages == 0 && in_memory(&s, 0) == 0 && in_memory(&s, 1) == 0);
    CHECK(s.mm[0]->rss == 0 && s.mm[1]->rss == 0);
    CHECK(kstat_read(STAT_SHMEM) == shmem && kstat_read(STAT_SWAPPED) == N);
    CHECK(swap_slots_used() == N && swap_slots_shared() == N);
    CHECK(pginfo(s.mm[1], s.at[1] + PG, &info) == 0);
    CHECK(info.slot != 0 && !(info.flags & PGINFO_PRESENT));
    mark(&m, s.mm[1]);
    CHECK(filled(s.mm[1], s.at[1], N, 100));
    CHECK(since(&m, MM_SWPIN) == N && since(&m, MM_MAJ) == N);
    mark(&m, s.mm[0]);
    CHECK(filled(s.mm[0], s.at[0], N, 100)); /* one read for both */
    CHECK(since(&m, MM_SWPIN) == 0 && since(&m, MM_MAJ) == 0);
    CHECK(s.swap->reads == N && kstat_read(STAT_SHMEM) - shmem == N);
    CHECK(page_at(s.mm[0], s.at[0]) == page_at(s.mm[1], s.at[1]));
    shared_off(&s);
}

/* Row 60: who was only read goes without a write, to the slot it has. */
KTEST(vm_row_83_a_clean_shared_page_is_not_written_again)
{
    struct shared s = shared_on(64);

    CHECK(throw_out(&s) == N && s.swap->writes == N);
    CHECK(filled(s.mm[1], s.at[1], N, 100) && swap_slots_used() == N);
    CHECK(throw_out(&s) == N && s.swap->writes == N && swap_slots_used() == N);
    CHECK(filled(s.mm[1], s.at[1], N, 100));
    CHECK(put(s.mm[1], s.at[1] + 3 * PG, 77) == 0);
    CHECK(throw_out(&s) == N && s.swap->writes == N + 1);
    CHECK(swap_slots_used() == N && get(s.mm[0], s.at[0] + 3 * PG) == 77);
    shared_off(&s);
}

/* What was never written to is zeros: it needs no slot. */
KTEST(vm_row_83_zeros_need_no_slot)
{
    struct shared s = shared_on(16);
    struct vm_object *obj = anon_shared_object(N * PG);
    long at = do_mmap(s.mm[0], 0, N * PG, RW, MAP_SHARED, obj, 0);
    struct shared zeros = {.swap = s.swap, .obj = obj};

    for (unsigned i = 0; i < N; i++)
        CHECK(get(s.mm[0], (uintptr_t)at + i * PG) == 0);
    CHECK(throw_out(&zeros) == N && s.swap->writes == 0);
    CHECK(swap_slots_used() == 0 && get(s.mm[0], (uintptr_t)at) == 0);
    object_put(obj);
    shared_off(&s);
}

static struct shared *readers;

static void
reader(unsigned i)
{
    CHECK(get(readers->mm[i], readers->at[i] + 5 * PG) == 105);
}

/* Row 61. */
KTEST(vm_row_83_two_spaces_share_one_read)
{
    struct shared s = shared_on(64);
    struct marks m[2];

    CHECK(throw_out(&s) == N);
    readers = &s;
    mark(&m[0], s.mm[0]);
    mark(&m[1], s.mm[1]);
    s.swap->slow_ms = 20;
    ktest_parallel(2, false, reader);
    s.swap->slow_ms = 0;
    CHECK(s.swap->reads == 1);
    CHECK(since(&m[0], MM_SWPIN) + since(&m[1], MM_SWPIN) == 1);
    CHECK(since(&m[0], MM_MAJ) + since(&m[1], MM_MAJ) == 1);
    CHECK(since(&m[0], MM_MIN) + since(&m[1], MM_MIN) == 1);
    CHECK(page_at(s.mm[0], s.at[0] + 5 * PG) ==
          page_at(s.mm[1], s.at[1] + 5 * PG));
    shared_off(&s);
}

/* Row 62. */
KTEST(vm_row_83_where_swap_is_full_pages_stay)
{
    struct shared s = shared_on(5);

    CHECK(throw_out(&s) == 5 && swap_slots_used() == 5);
    CHECK(s.obj->npages == 3 && in_memory(&s, 0) == 3);
    CHECK(filled(s.mm[1], s.at[1], N, 100));
    shared_off(&s);
}

KTEST(vm_row_83_a_page_that_cannot_be_written_stays)
{
    struct shared s = shared_on(64);

    s.swap->bad_write = 3;
    CHECK(throw_out(&s) == N - 1 && s.swap->dev.bad == 1);
    CHECK(s.obj->npages == 1 && swap_slots_used() == N - 1);
    CHECK(throw_out(&s) == 1); /* another slot does */
    CHECK(filled(s.mm[1], s.at[1], N, 100) && swap_slots() == 63);
    shared_off(&s);
}

KTEST(vm_row_83_who_reads_what_cannot_be_read_gets_SIGBUS)
{
    struct shared s = shared_on(64);
    unsigned bad = 0;

    CHECK(throw_out(&s) == N);
    s.swap->bad_read = 2;
    for (unsigned i = 0; i < N; i++) {
        unsigned r =
            do_pgfault(s.mm[1], FAULT_READ | FAULT_USER, s.at[1] + i * PG);

        bad += (r & VM_FAULT_SIGBUS) != 0;
    }
    CHECK(bad == 1 && swap_slots_used() == N);
    CHECK(swap_off(&s.swap->dev) == -EIO); /* nothing is lost */
    s.swap->bad_read = ~0ul;
    CHECK(filled(s.mm[1], s.at[1], N, 100));
    shared_off(&s);
}

/* Row 63: pages on slots, pages that have one, and one that is out of date. */
KTEST(vm_row_83_swapoff_brings_everything_back)
{
    struct shared s = shared_on(64);
    struct marks m;

    CHECK(throw_out(&s) == N);
    CHECK(get(s.mm[0], s.at[0]) == 100 && put(s.mm[0], s.at[0] + PG, 5) == 0);
    swap_ram_off(s.swap);
    CHECK(swap_slots_used() == 0 && s.obj->npages == N);
    mark(&m, s.mm[1]);
    CHECK(get(s.mm[1], s.at[1] + PG) == 5);
    CHECK(put(s.mm[0], s.at[0] + PG, 101) == 0);
    CHECK(filled(s.mm[1], s.at[1], N, 100) && since(&m, MM_MAJ) == 0);
    s.swap = swap_ram_on(64);
    CHECK(throw_out(&s) == N && s.swap->writes == N); /* they count as dirty */
    CHECK(filled(s.mm[1], s.at[1], N, 100));
    shared_off(&s);
}

KTEST(vm_row_88_slots_go_with_what_is_cut_off)
{
    struct shared s = shared_on(64);

    CHECK(throw_out(&s) == N);
    CHECK(get(s.mm[0], s.at[0] + 6 * PG) == 106); /* in memory, with a slot */
    CHECK(object_truncate(s.obj, 3 * PG + 8) == 0);
    CHECK(swap_slots_used() == 4);
    CHECK(do_pgfault(s.mm[0], FAULT_READ | FAULT_USER, s.at[0] + 4 * PG) &
          VM_FAULT_SIGBUS);
    CHECK(filled(s.mm[0], s.at[0], 4, 100));
    CHECK(object_truncate(s.obj, N * PG) == 0);
    for (unsigned i = 4; i < N; i++)
        CHECK(get(s.mm[1], s.at[1] + i * PG) == 0);
    CHECK(object_truncate(s.obj, 0) == 0 && swap_slots_used() == 0);
    shared_off(&s);
}

/* A store behind the end does not show when the object grows, wherever it was. */
KTEST(vm_row_88_what_lies_behind_the_end_does_not_come_back)
{
    struct shared s = shared_on(64);

    CHECK(object_truncate(s.obj, 2 * PG + 16) == 0);
    CHECK(put(s.mm[0], s.at[0] + 2 * PG + 64, 9) == 0);
    CHECK(throw_out(&s) == 3);
    CHECK(object_truncate(s.obj, N * PG) == 0);
    CHECK(get(s.mm[1], s.at[1] + 2 * PG) == 102);
    CHECK(get(s.mm[1], s.at[1] + 2 * PG + 64) == 0);
    shared_off(&s);
}

KTEST(vm_row_88_a_copy_shares_what_is_swapped_out)
{
    struct shared s = shared_on(64);
    struct mm_struct *child;

    CHECK(throw_out(&s) == N);
    child = mm_copy(s.mm[0]);
    CHECK(child != NULL && put(child, s.at[0], 200) == 0);
    CHECK(get(s.mm[0], s.at[0]) == 200 && get(s.mm[1], s.at[1]) == 200);
    CHECK(throw_out(&s) == 1); /* the one of them that came */
    CHECK(put(s.mm[1], s.at[1], 100) == 0 && get(child, s.at[0]) == 100);
    CHECK(filled(child, s.at[0], N, 100));
    mm_put_user(child);
    shared_off(&s);
}

/* Locked pages stay, and so does a page that somebody holds. */
KTEST(vm_row_83_what_is_in_use_stays)
{
    struct shared s = shared_on(64);
    struct page *held;

    CHECK(do_mlock(s.mm[1], s.at[1], 2 * PG, 0) == 0);
    held = object_find(s.obj, 7);
    CHECK(throw_out(&s) == N - 3 && s.obj->npages == 3);
    page_put(held);
    CHECK(filled(s.mm[0], s.at[0], N, 100));
    shared_off(&s);
}

/* Without being asked to: the reclaimer. */
KTEST(vm_row_83_reclaim_takes_shared_pages)
{
    struct shared s = shared_on(64);

    for (unsigned i = 0; s.obj->npages > 0 && i < 100; i++)
        (void)reclaim(64);
    CHECK(s.obj->npages == 0 && swap_slots_shared() == N);
    CHECK(filled(s.mm[1], s.at[1], N, 100));
    shared_off(&s);
}

/* --- stores on all harts, while pages come and go: rows 34 and 65 --- */

#define COUNTERS 8ul /* private pages, and as many shared ones */

static struct mm_struct *torn_mm;
static uintptr_t torn_at[2];
static struct vm_object *torn;
static struct swap_ram *torn_swap;
static unsigned at_work; /* [a] */

static void
shake(void)
{
    struct page *page;

    (void)swap_out(torn_mm->scope, 4);
    for (uint64_t i = 0; (page = object_next(torn, i, false)) != NULL; i++) {
        i = page->index;
        (void)object_evict_some(torn, &page, 1);
        page_put(page);
    }
}

static void
count_up(unsigned me)
{
    if (me == 0) {
        while (atomic_load(&at_work) > 0)
            shake();
        return;
    }
    for (uint64_t n = 1; n <= 100 || atomic_load(&torn_swap->reads) < 64; n++) {
        for (uint64_t i = 0; i < 2 * COUNTERS; i++) {
            uintptr_t at = torn_at[i & 1] + i / 2 * PG + me * 8;

            CHECK(get(torn_mm, at) == n - 1 && put(torn_mm, at, n) == 0);
        }
        sched_yield();
    }
    atomic_add(&at_work, -1u);
}

KTEST(vm_row_34_no_store_is_lost_while_pages_are_swapped)
{
    long at;

    torn_swap = swap_ram_on(64);
    torn_mm = space_of(COUNTERS, COUNTERS, "clock", &torn_at[0]);
    torn = anon_shared_object(COUNTERS * PG);
    at = do_mmap(torn_mm, 0, COUNTERS * PG, RW, MAP_SHARED, torn, 0);
    CHECK(at > 0);
    torn_at[1] = (uintptr_t)at;
    at_work = 3;
    ktest_parallel(4, false, count_up);
    mm_put_user(torn_mm);
    object_put(torn);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(torn_swap);
}
