/* test_shortage.c: how much is done, and at most done, when memory is short; what
 * rows 7, 16, 34, 38, 65, 66 and 71 of docs/design/mm.md say of it in numbers. */
#include "shortage.h"

#include "debug/kstat.h"
#include "ext/debug/tracering.h"
#include "ext/mm/observe.h"
#include "mm/writeback.h"
#include "pager_ram.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "swap_ram.h"
#include "swap_world.h"
#include "touch.h"
#include "ublob.h"

/* --- 71: a choice is a turn at most --- */

#define N 24u

/* Some of the pages at AT are used, some are written to, and time may pass. */
static void
use_some(struct mm_struct *mm, uintptr_t at, uint64_t *state)
{
    uint64_t x = ktest_random(state), density = ktest_random(state) % 5;

    for (unsigned i = 0; i < N; i++) {
        if (ktest_random(state) % 4 < density)
            (void)touch(mm, at + i * PG,
                        ktest_random(state) & 1 ? LOAD : STORE);
    }
    if (x % 4 == 0)
        swap_tick(mm->scope);
}

/* One choice that may look at MOST pages: how many it looked at.  Who was found goes,
 * and comes again. */
static size_t
choose(struct mm_struct *mm, uintptr_t at, size_t most, bool *found)
{
    struct swap_scope *s = mm->scope;
    uint64_t looked = s->looked, counted = mm->stat[MM_RESCAN];
    struct page *page = swap_take_victim(s, most);

    looked = s->looked - looked;
    CHECK(mm->stat[MM_RESCAN] - counted == looked);
    *found = page != NULL;
    if (page != NULL)
        CHECK(swap_out_these(s, &page, 1) == 1 && s->nr == N - 1);
    for (unsigned i = 0; i < N; i++) {
        if (page_at(mm, at + i * PG) == NULL)
            (void)touch(mm, at + i * PG, LOAD);
    }
    CHECK(s->nr == N);
    return looked;
}

/* Whatever was used, or is dirty, or may not go: nobody is looked at twice, and with
 * a whole turn somebody is found. */
static void
choices_of(const struct swap_manager *sm)
{
    uint64_t state = ktest_seed, longest = 0;
    uintptr_t at;
    struct mm_struct *mm = space_of(N, N, sm->name, &at);
    bool found;

    fill(mm, at, N, 1);
    CHECK(do_mlock(mm, at + 5 * PG, 2 * PG, 0) == 0);
    for (unsigned n = 0; n < 200; n++) {
        uint64_t looked;

        use_some(mm, at, &state);
        looked = choose(mm, at, SIZE_MAX, &found);
        CHECK(found && looked <= N);
        longest = MAX(longest, looked);
        use_some(mm, at, &state);
        CHECK(choose(mm, at, n % N, &found) <= n % N);
    }
    for (unsigned i = 0; i < N; i++)
        (void)touch(mm, at + i * PG, STORE);
    CHECK(choose(mm, at, SIZE_MAX, &found) <= N && found);
    if (strcmp(sm->name, "fifo") != 0)
        CHECK(longest == N); /* there was a whole turn */
    CHECK(do_munlock(mm, at + 5 * PG, 2 * PG) == 0);
    mm_put_user(mm);
}

KTEST(vm_row_71_a_choice_is_one_turn_at_most)
{
    struct swap_ram *r = swap_ram_on(4 * N);
    unsigned n = 0;

    TABLE_FOR_EACH (swap_manager, struct swap_manager, sm) {
        choices_of(*sm);
        n++;
    }
    CHECK(n >= 2 && swap_slots_used() == 0);
    swap_ram_off(r);
}

/* --- 38 --- */

static uint64_t
both(struct mm_struct **mm, enum mmstat_id id)
{
    return mm[0]->stat[id] + mm[1]->stat[id];
}

KTEST(vm_row_38_sixty_four_pages_are_read_once_for_both)
{
    const size_t n = 64;
    struct swap_ram *r = swap_ram_on(256);
    uintptr_t at;
    struct mm_struct *mm[2] = {space_of(64, 64, "clock", &at)};

    fill(mm[0], at, n, 38);
    all_out(mm[0]);
    mm[1] = mm_copy(mm[0]);
    CHECK(mm[1] != NULL && swap_slots_used() == n && r->writes == n);
    CHECK(filled(mm[0], at, n, 38) && filled(mm[1], at, n, 38));
    CHECK(mm[0]->stat[MM_SWPIN] == n && mm[0]->stat[MM_MAJ] == n);
    CHECK(mm[1]->stat[MM_SWPIN] == 0 && mm[1]->stat[MM_MAJ] == 0);
    CHECK(mm[1]->stat[MM_MIN] == n && r->reads == n);
    fill(mm[1], at, n, 1000);
    fill(mm[0], at, n, 2000);
    CHECK(filled(mm[0], at, n, 2000) && filled(mm[1], at, n, 1000));
    CHECK(both(mm, MM_SWPIN) == n && both(mm, MM_COW) == n);
    mm_put_user(mm[0]);
    CHECK(filled(mm[1], at, n, 1000));
    mm_put_user(mm[1]);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

/* --- 7 --- */

/* Each allocation of a swap-in fails once: the page comes all the same. */
KTEST(vm_row_7_a_swap_in_without_memory_is_taken_again)
{
    struct swap_ram *r = swap_ram_on(64);
    unsigned n = 0;
    bool failed;

    do {
        uintptr_t at;
        struct mm_struct *mm = space_of(2, 2, "clock", &at);

        fill(mm, at, 2, 7);
        all_out(mm);
        CHECK(fail_set("any", ++n) == 0);
        CHECK(get(mm, at) == 7);
        failed = fail_left(FAIL_ANY) == 0;
        CHECK(fail_set("any", 0) == 0);
        CHECK(mm->stat[MM_SWPIN] == 1 && mm->stat[MM_OOM] <= failed);
        CHECK(filled(mm, at, 2, 7) && mmstat_lost_faults(mm) == 0);
        mm_put_user(mm);
        CHECK(swap_slots_used() == 0);
    } while (failed && n < 100);
    CHECK(n > 1);
    swap_ram_off(r);
}

static struct thread *starving; /* nothing for this one */

static bool
fail_for_one(enum fail_site site)
{
    (void)site;
    return current_thread() == starving && current_tcb()->in_interrupt == 0;
}

static uintptr_t
starve(struct urun *r)
{
    CHECK(fail_set("any", 1u << 30) == 0); /* armed; never gets there */
    starving = current_thread();
    fail_hook = fail_for_one;
    return r->a[0];
}

/* ... and if none ever succeeds, who wants the page is killed, once, after at most 64
 * faults; what is on the slot is there for others. */
KTEST(vm_row_7_a_swap_in_that_never_finds_memory_is_one_kill)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(2, 2, "clock", &at);
    struct urun run = {.call = starve};
    struct marks m;

    CHECK(ublob_map(mm));
    fill(mm, at, 2, 7);
    all_out(mm);
    mark(&m, mm);
    ublob_run(&run, mm, 0, UBLOB_CALL_STORE, at, 77, 0);
    starving = NULL;
    CHECK(fail_set("any", 0) == 0);
    CHECK(run.signo == SIGKILL && swap_slots_used() == 2);
    CHECK(since(&m, MM_FLT) <= 64 && since(&m, MM_OOM) == since(&m, MM_FLT));
    CHECK(filled(mm, at, 2, 7) && since(&m, MM_SWPIN) == 2);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* --- 16 --- */

/* A GiB with a page in each 64 MiB, half of them on the disk when it goes. */
KTEST(vm_row_16_a_sparse_GiB_half_of_it_swapped_out)
{
    const size_t n = 16, stride = 1ul << 26;
    struct swap_ram *r = swap_ram_on(64);
    struct mm_struct *mm = mm_create();
    struct marks m;

    mark(&m, mm);
    for (unsigned round = 0; round < 100; round++) {
        uintptr_t at = map_pages(mm, 0, n * stride / PG, RW, 0);

        set_quota(mm, at, n * stride / PG, n, "fifo");
        for (size_t i = 0; i < n; i++)
            CHECK(put(mm, at + i * stride, i) == 0);
        CHECK(swap_out(mm->scope, n / 2) == n / 2);
        CHECK(swap_slots_used() == n / 2);
        CHECK(do_munmap(mm, at, n * stride) == 0);
        CHECK(swap_slots_used() == 0 && mm->rss == 0);
        CHECK(since(&m, MM_PT_ALLOC) == since(&m, MM_PT_FREE));
    }
    CHECK(since(&m, MM_PT_ALLOC) >= 100 * n && since(&m, MM_ANON) == 100 * n);
    mm_put_user(mm);
    swap_ram_off(r);
}

/* --- 34: the hunt for a lost D --- */

#define COUNTERS 8ul
#define HUNTERS  3u
#define ROUNDS   100ul

static struct mm_struct *hunted;
static uintptr_t hunted_at[2]; /* private pages; pages of a file */
static struct ram_pager *hunted_file;
static unsigned hunters; /* [a] at work */

static uintptr_t
counter(unsigned which, unsigned kind, uint64_t i)
{
    return hunted_at[kind] + i * PG + which * 8;
}

/* What makes pages clean, and takes them away. */
static void
disturb(void)
{
    struct page *page;

    (void)swap_out(hunted->scope, COUNTERS / 2);
    CHECK(object_sync(&hunted_file->obj, 0, UINT64_MAX, true) == 0);
    for (uint64_t i = 0; i < COUNTERS; i += 2) {
        page = object_find(&hunted_file->obj, i);
        if (page != NULL) {
            (void)object_evict(&hunted_file->obj, page);
            page_put(page);
        }
    }
}

static void
hunt(unsigned me)
{
    if (me == 0) {
        while (atomic_load(&hunters) > 0)
            disturb();
        return;
    }
    for (uint64_t n = 1; n <= ROUNDS; n++) {
        for (uint64_t i = 0; i < 2 * COUNTERS; i++)
            CHECK(put(hunted, counter(me, i & 1, i / 2), n) == 0);
        sched_yield();
    }
    atomic_add(&hunters, -1u);
}

KTEST(vm_row_34_every_counter_has_its_final_value)
{
    struct swap_ram *r = swap_ram_on(64);
    uint64_t reads;
    unsigned ins;
    long at;

    hunted = space_of(COUNTERS, COUNTERS, "clock", &hunted_at[0]);
    hunted_file = ram_pager_runs(COUNTERS);
    hunted_file->later = true;
    at =
        do_mmap(hunted, 0, COUNTERS * PG, RW, MAP_SHARED, &hunted_file->obj, 0);
    CHECK(at > 0);
    hunted_at[1] = (uintptr_t)at;
    hunters = HUNTERS;
    ktest_parallel(HUNTERS + 1, false, hunt);
    /* Flush, drop, and read again: nothing is in memory any more. */
    CHECK(object_sync(&hunted_file->obj, 0, UINT64_MAX, true) == 0);
    (void)reclaim_all();
    CHECK(hunted_file->obj.npages == 0 && hunted->rss == 0);
    reads = r->reads;
    ins = hunted_file->ins;
    for (unsigned who = 1; who <= HUNTERS; who++) {
        for (uint64_t i = 0; i < 2 * COUNTERS; i++)
            CHECK(get(hunted, counter(who, i & 1, i / 2)) == ROUNDS);
    }
    CHECK(r->reads - reads == COUNTERS);
    CHECK(hunted_file->ins - ins == COUNTERS);
    mm_put_user(hunted);
    object_put(&hunted_file->obj);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}

/* --- 65 --- */

/* Nothing that could go is left: it says so. */
KTEST(vm_row_65_with_nothing_to_take_it_is_0)
{
    struct ram_pager *rp = ram_pager_runs(1);
    struct mm_struct *mm = mm_create();
    long at = do_mmap(mm, 0, PG, VM_READ, MAP_SHARED, &rp->obj, 0);
    uint64_t dropped;

    flush_everything();
    for (unsigned i = 0; i < 8 && reclaim_all() > 0; i++)
        ;
    CHECK(reclaim_all() == 0 && reclaim(1) == 0);
    CHECK(at > 0 && get(mm, (uintptr_t)at) == ram_word(0, 0));
    dropped = kstat_read(STAT_DROPPED);
    CHECK(reclaim_all() >= 1); /* and what the caches of objects gave */
    CHECK(kstat_read(STAT_DROPPED) - dropped == 1 && reclaim_all() == 0);
    mm_put_user(mm);
    object_put(&rp->obj);
}

/* --- 66 --- */

#define SOME \
    32u /* what others may take or give meanwhile, and the harts keep */
#define MOST 4u

struct search {
    const char *name;
    struct thread *found;
};

static void
is_it(struct thread *t, void *arg)
{
    struct search *s = arg;

    if (strcmp(t->name, s->name) == 0)
        s->found = t;
}

static struct thread *
reclaimer(void)
{
    struct search s = {.name = "reclaimer"};

    thread_for_each(is_it, &s);
    CHECK(s.found != NULL);
    return s.found;
}

/* How often a hart turned to thread TID since tracing began; ~0: nobody knows. */
static uint64_t
turns_of(int tid, uint64_t begin)
{
    uint64_t n = 0;

    for (unsigned cpu = 0; cpu < ncpu; cpu++) {
        struct trace_event e = {0};
        unsigned age = 0;

        while (trace_read(cpu, age, &e) && e.time >= begin) {
            n += e.id == TRACE_SWITCH && e.b == (uint64_t)tid;
            age++;
        }
        if (age > 0 && !trace_read(cpu, age, &e) && age >= 128)
            return ~0ul;
    }
    return n;
}

KTEST(vm_row_66_while_nothing_is_short_it_does_not_run)
{
    struct thread *t = reclaimer();
    uint64_t begin = time_now(), ticks = t->ran.all;

    CHECK(nr_free_pages() > 2 * reclaim_min);
    trace_enabled = true;
    sleep_ms(200);
    trace_enabled = false;
    CHECK(turns_of(t->tid, begin) == 0);
    CHECK(t->ran.all == ticks && atomic_load(&t->state) == THREAD_BLOCKED);
    begin = time_now();
    trace_enabled = true;
    (void)reclaim(0); /* it would be seen */
    trace_enabled = false;
    CHECK(turns_of(t->tid, begin) >= 1);
}

/* Pages of a file that nobody maps: N of them in memory. */
static struct ram_pager *
file_in_memory(size_t n)
{
    struct ram_pager *rp = ram_pager_runs(n);

    for (uint64_t i = 0; i < n; i++) {
        struct page *page;
        char *data;

        CHECK(object_page(&rp->obj, i, &page, &data) == 0);
        page_put(page);
    }
    return rp;
}

/* Woken at the low mark, it takes what is missing to the high one, and no more. */
KTEST(vm_row_66_it_stops_at_the_high_mark)
{
    size_t low = reclaim_min + reclaim_min / 4, high = reclaim_min * 3 / 2;
    struct ram_pager *rp = file_in_memory(2 * low);
    struct thread *t = reclaimer();
    struct list *held;
    uint64_t dropped;
    size_t free;

    (void)reclaim(1); /* the mark is where it belongs */
    CHECK(reclaim_mark == low);
    dropped = kstat_read(STAT_DROPPED);
    held = take_all_but(low);
    while (nr_free_pages() < high || atomic_load(&t->state) != THREAD_BLOCKED)
        sched_yield();
    free = nr_free_pages();
    dropped = kstat_read(STAT_DROPPED) - dropped;
    CHECK(free < high + SOME && dropped <= high - low + SOME);
    give_back(held);
    object_put(&rp->obj);
}

/* N harts take EACH pages, so many that the marks are passed again and again.  Who
 * waits does so for one round, after which the way from the high mark to min is free
 * for all; and what is dropped is what they need, with tables and records. */
static void
burst(unsigned n, uint64_t each)
{
    size_t low = reclaim_min + reclaim_min / 4, high = reclaim_min * 3 / 2;
    struct ram_pager *rp = file_in_memory(n * each + 2 * high);
    struct mm_struct *mm = mm_create();
    struct urun run[MOST] = {0};
    uint64_t direct, dropped;
    struct list *held;
    uintptr_t at;

    CHECK(ublob_map(mm));
    at = map_pages(mm, 0, n * each, RW, 0);
    (void)reclaim(1);
    held = take_all_but(low);
    while (nr_free_pages() < high)
        sched_yield();
    direct = kstat_read(STAT_DIRECT);
    dropped = kstat_read(STAT_DROPPED);
    for (unsigned i = 0; i < n; i++)
        ublob_start(&run[i], mm, i, UBLOB_FILL, at + i * each * PG, each, 1);
    for (unsigned i = 0; i < n; i++)
        ublob_wait(&run[i]);
    direct = kstat_read(STAT_DIRECT) - direct;
    dropped = kstat_read(STAT_DROPPED) - dropped;
    CHECK(direct <= n * (n * each / (high - reclaim_min) + 1));
    CHECK(dropped >= n * each / 2); /* it was a burst */
    CHECK(dropped <= n * each + n * each / 8 + high - low);
    give_back(held);
    for (unsigned i = 0; i < n; i++)
        CHECK(run[i].signo == 0 && mm->stat[MM_OOM] == 0);
    mm_put_user(mm);
    object_put(&rp->obj);
}

KTEST(vm_row_66_a_burst_waits_for_few_rounds)
{
    burst(1, 2048);
    if (ncpu > 1)
        burst(MIN(ncpu, MOST), 1024);
}

/* Nothing can be had: a fault waits for three rounds, and fails. */
KTEST(vm_row_66_a_fault_waits_for_three_rounds_in_vain)
{
    struct mm_struct *mm = mm_create();
    uintptr_t at = map_pages(mm, 0, 64, RW, 0);
    struct list *held;
    struct marks m;
    uint64_t direct;
    unsigned n = 0;

    flush_everything();
    while (reclaim_all() > 0)
        ;
    held = take_all_but(0);
    while (n < 64 && put(mm, at + n * PG, n) == 0)
        n++;
    mark(&m, mm);
    direct = kstat_read(STAT_DIRECT);
    CHECK(n < 64 && put(mm, at + n * PG, n) == -EFAULT);
    CHECK(kstat_read(STAT_DIRECT) - direct == 3);
    CHECK(since(&m, MM_FLT) == 4 && since(&m, MM_OOM) == 4);
    give_back(held);
    fill(mm, at, 64, 1);
    mm_put_user(mm);
}
