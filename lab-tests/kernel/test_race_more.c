/* test_race_more.c: races with those who come from elsewhere: other calls of
 * the space, relatives, the page (reclaim), the pager; and of the gate itself.
 * See test_race.c. */
#include "race.h"

#define P     PAGE_SIZE
#define TURNS 1000u

static uint32_t wrote[SET]; /* [a] the writer knows the page */

/* --- fault || mprotect: who may not write any more, does not --- */

static void
protect_begin(void)
{
    race_drop_spaces();
    memset(wrote, 0, sizeof(wrote));
    race_mm[0] = race_space(SET);
}

/* Not before the writer knows the page; but its hart may have no processor. */
static void
protect(uintptr_t at, unsigned r)
{
    uint64_t was;

    for (unsigned n = 0; n < TURNS && atomic_load(&wrote[r]) == 0; n++)
        (void)race_wait();

    RCHECK(do_mprotect(race_mm[0], at, P, VM_READ) == 0);
    atomic_store_release(&race_told[r], 1u);
    was = race_get(race_mm[0], at);
    for (unsigned n = 0; n < 30; n++)
        (void)race_wait();
    RCHECK(race_get(race_mm[0], at) == was);
}

static void
protect_act(unsigned who, unsigned r)
{
    uint64_t v = 0, n = 0;

    if (who == 0) {
        protect(race_page_at(r), r);
        return;
    }
    mm_use(race_mm[0]);
    while (n < 5000) {
        bool over = atomic_load_acquire(&race_told[r]) != 0;

        if (!user_store(race_page_at(r), n + 1))
            break;
        RCHECK(!over);
        n++;
        atomic_store(&wrote[r], 1u);
    }
    RCHECK(user_load(race_page_at(r), &v) && v == n);
}

static void
protect_after(unsigned who)
{
    for (unsigned r = 0; who == 1 && r < SET; r++)
        RCHECK(!user_store(race_page_at(r), 1));
}

KTEST(vm_race_47_write_while_protected)
{
    race_test(&(struct race){.racers = 2,
                             .begin = protect_begin,
                             .act = protect_act,
                             .after = protect_after});
}

/* --- four relatives write one page, each its own --- */

static void
family_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(SET);
    for (unsigned i = 0; i < SET; i++)
        race_put(race_mm[0], RACE_AT + i * P, 1000 + i);
    for (unsigned i = 1; i < RACERS; i++)
        race_mm[i] = mm_copy(race_mm[i - 1]);
}

static void
family_act(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(r);
    uint64_t v = 0;

    mm_use(race_mm[who]);
    RCHECK(user_load(at, &v) && v == 1000 + r);
    for (unsigned k = 0; k < 4; k++) {
        RCHECK(user_store(at + 8, who * 10 + k));
        RCHECK(user_load(at + 8, &v) && v == who * 10 + k);
        RCHECK(user_load(at, &v) && v == 1000 + r);
    }
}

static void
family_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < RACERS; i++)
            RCHECK(race_get(race_mm[i], race_page_at(r) + 8) == i * 10 + 3);
    }
    RCHECK(anon_count() == race_anons + RACERS * n);
}

KTEST(vm_race_32_relatives_write_one_page)
{
    race_test(&(struct race){.racers = 4,
                             .begin = family_begin,
                             .act = family_act,
                             .end = family_end});
}

/* --- from the page, through its records, entries are taken away --- */

/* An area for each page, so that each has its first private write. */
static uintptr_t
area_of(unsigned r)
{
    return RACE_AT + 2 * r * P;
}

static void
evict_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(2 * SET);
    for (unsigned r = 0; r < SET; r++)
        RCHECK(do_munmap(race_mm[0], area_of(r) + P, P) == 0);
}

/* One writes, one reads, one takes the entry away. */
static void
evict_act_in(struct mm_struct *m, unsigned who, unsigned r, uintptr_t at)
{
    uint64_t v = 0, before = 0;

    mm_use(m);
    for (unsigned k = 1; k <= 4; k++) {
        if (who == 2) {
            for (unsigned n = 0; n < 3; n++)
                race_evict(m, at);
        } else if (who == 1) {
            RCHECK(user_load(at, &v) && v >= before && v <= 4);
            before = v;
        } else {
            RCHECK(user_store(at, k));
            RCHECK(user_load(at, &v) && v == k);
        }
    }
}

static void
evict_act(unsigned who, unsigned r)
{
    evict_act_in(race_mm[0], who, r, area_of(r));
}

static void
evict_after(unsigned who)
{
    uint64_t v = 0;

    for (unsigned r = 0; r < SET; r++)
        RCHECK(user_load(area_of(r), &v) && v == 4);
}

static void
evict_end(unsigned n)
{
    RCHECK(anon_count() == race_anons + n);
}

KTEST(vm_race_60_fault_while_entry_is_taken)
{
    race_test(&(struct race){.racers = 3,
                             .begin = evict_begin,
                             .act = evict_act,
                             .after = evict_after,
                             .end = evict_end});
}

/* The same of a page that is shared with a relative before the write; the
 * entries are those of one of the two, since the other has none. */
static void
evict_cow_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(SET);
    for (unsigned i = 0; i < SET; i++)
        race_put(race_mm[0], RACE_AT + i * P, 0);
    race_mm[1] = mm_copy(race_mm[0]);
    RCHECK(race_mm[1] != NULL);
    RCHECK(do_mprotect(race_mm[0], RACE_AT, SET * P, 0) == 0); /* no entries */
}

static void
evict_cow_act(unsigned who, unsigned r)
{
    evict_act_in(race_mm[1], who, r, race_page_at(r));
}

static void
evict_cow_after(unsigned who)
{
    uint64_t v = 0;

    for (unsigned r = 0; r < SET; r++)
        RCHECK(user_load(race_page_at(r), &v) && v == 4);
}

static void
evict_cow_end(unsigned n)
{
    RCHECK(race_mm[1]->stat[MM_COW] == n);
    RCHECK(anon_count() == race_anons + 2 * n);
}

KTEST(vm_race_60_copy_while_entry_is_taken)
{
    race_test(&(struct race){.racers = 3,
                             .begin = evict_cow_begin,
                             .act = evict_cow_act,
                             .after = evict_cow_after,
                             .end = evict_cow_end});
}

/* --- one page-in for all who wait for it --- */

static struct vm_object pager_object;
static uint32_t page_ins; /* [a] */

static int
slow_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    uint64_t *word = page_to_va(page);

    atomic_add(&page_ins, 1u);
    *word = 0;
    sched_yield();
    *word = 1000 + index;
    return 0;
}

static const struct pager_ops slow_pager = {.name = "slow",
                                            .page_in = slow_page_in};

static void
pager_begin(void)
{
    race_drop_spaces();
    atomic_store(&page_ins, 0);
    object_init(&pager_object, &slow_pager, SET * P, NULL);
    race_mm[0] = mm_create();
    RCHECK(do_mmap(race_mm[0], RACE_AT, SET * P, VM_READ | VM_WRITE,
                   MAP_SHARED | MAP_FIXED, &pager_object, 0) == (long)RACE_AT);
    object_put(&pager_object);
}

static void
pager_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    mm_use(race_mm[0]);
    RCHECK(user_load(race_page_at(r), &v) && v == 1000 + r);
    RCHECK(user_store(race_page_at(r) + 8 * (who + 1), r + who));
}

static void
pager_end(unsigned n)
{
    RCHECK(atomic_load(&page_ins) == n);
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < RACERS; i++)
            RCHECK(race_get(race_mm[0], race_page_at(r) + 8 * (i + 1)) ==
                   r + i);
    }
}

KTEST(vm_race_22_one_page_in_for_all)
{
    race_test(&(struct race){
        .racers = 4, .begin = pager_begin, .act = pager_act, .end = pager_end});
}

/* --- the gate: nobody reads while one writes --- */

static uint32_t inside; /* [a] a writer is */

static void
gate_act(unsigned who, unsigned r)
{
    struct gate *g = &race_mm[0]->gate;

    for (unsigned k = 0; k < 4; k++) {
        if (who == 0) {
            gate_close(g);
            RCHECK(atomic_load(&inside) == 0);
            atomic_store(&inside, 1);
            for (unsigned n = 0; n < 10; n++)
                (void)race_wait();
            atomic_store(&inside, 0);
            gate_open(g);
        } else {
            gate_enter(g);
            RCHECK(atomic_load(&inside) == 0);
            gate_leave(g);
        }
    }
}

KTEST(vm_race_gate_reader_and_writer)
{
    race_test(
        &(struct race){.racers = 3, .begin = protect_begin, .act = gate_act});
}
