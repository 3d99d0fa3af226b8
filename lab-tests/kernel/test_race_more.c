/* test_race_more.c: races with those who come from elsewhere: other calls of
 * the space, relatives, the page (reclaim), the pager; and of the gate itself.
 * See test_race.c. */
#include "mm/fault.h"
#include "mm/rmap.h"
#include "race.h"

#define P   PAGE_SIZE
#define SET 16

static struct mm_struct *mm[RACERS];
static size_t anons;  /* before the first round */
static uint32_t told; /* [a] */
static uint64_t last[RACERS];

static void
drop_spaces(void)
{
    for (unsigned i = 0; i < RACERS; i++) {
        if (mm[i] != NULL)
            mm_put_user(mm[i]);
        mm[i] = NULL;
    }
}

static void
race_test(const struct race *r)
{
    anons = anon_count();
    race_run(r);
    drop_spaces();
    CHECK(anon_count() == anons);
}

static void
pause(unsigned turns)
{
    while (turns-- > 0 && race_wait())
        ;
}

/* --- fault || mprotect: who may not write any more, does not --- */

static void
protect_begin(unsigned r)
{
    if (mm[0] == NULL)
        mm[0] = race_space(RACERS);
    RCHECK(do_mprotect(mm[0], RACE_AT, RACERS * P, VM_READ | VM_WRITE) == 0);
    for (unsigned i = 0; i < RACERS; i++)
        race_put(mm[0], RACE_AT + i * P, last[i] = 0);
    atomic_store(&told, 0);
}

static void
protect(void)
{
    uint64_t was[RACERS];

    while (atomic_load(&told) < RACERS - 1 && race_wait())
        ;
    RCHECK(do_mprotect(mm[0], RACE_AT, RACERS * P, VM_READ) == 0);
    for (unsigned i = 1; i < RACERS; i++)
        was[i] = race_get(mm[0], RACE_AT + i * P);
    pause(100);
    for (unsigned i = 1; i < RACERS; i++)
        RCHECK(race_get(mm[0], RACE_AT + i * P) == was[i]);
}

static void
protect_act(unsigned who, unsigned r)
{
    uintptr_t at = RACE_AT + who * P;
    uint64_t v = 0;

    if (who == 0) {
        protect();
        return;
    }
    mm_use(mm[0]);
    while (user_store(at, last[who] + 1) && race_wait()) {
        if (++last[who] == 1)
            atomic_add(&told, 1u);
    }
    RCHECK(user_load(at, &v) && v == last[who]);
}

static void
nothing(unsigned round)
{
    (void)round;
}

KTEST(vm_race_47_write_while_protected)
{
    race_test(&(struct race){RACERS, protect_begin, protect_act, nothing});
}

/* --- four relatives write one page, each its own --- */

static uintptr_t
page_of(unsigned round)
{
    return RACE_AT + round % SET * P;
}

static void
family_begin(unsigned r)
{
    if (r % SET != 0)
        return;
    drop_spaces();
    mm[0] = race_space(SET);
    for (unsigned i = 0; i < SET; i++)
        race_put(mm[0], RACE_AT + i * P, 1000 + i);
    for (unsigned i = 1; i < RACERS; i++)
        mm[i] = mm_copy(mm[i - 1]);
}

static void
family_act(unsigned who, unsigned r)
{
    uintptr_t at = page_of(r);
    uint64_t v = 0;

    mm_use(mm[who]);
    for (unsigned k = 0; k < 4; k++) {
        RCHECK(user_store(at + 8, who * 10 + k));
        RCHECK(user_load(at + 8, &v) && v == who * 10 + k);
        RCHECK(user_load(at, &v) && v == 1000 + r % SET);
    }
}

static void
family_end(unsigned r)
{
    for (unsigned i = 0; i < RACERS; i++)
        RCHECK(race_get(mm[i], page_of(r) + 8) == i * 10 + 3);
    RCHECK(anon_count() == anons + SET + (RACERS - 1) * (r % SET + 1));
}

KTEST(vm_race_32_relatives_write_one_page)
{
    race_test(&(struct race){RACERS, family_begin, family_act, family_end});
}

/* --- exit || fault of a relative --- */

static void
exit_begin(unsigned r)
{
    if (mm[0] == NULL)
        mm[0] = race_space(RACERS);
    for (unsigned i = 0; i < RACERS; i++)
        race_put(mm[0], RACE_AT + i * P, r);
    mm[1] = mm_copy(mm[0]);
    RCHECK(mm[1] != NULL);
}

static void
exit_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    if (who == 0) {
        mm_put_user(mm[1]);
        mm[1] = NULL;
        return;
    }
    mm_use(mm[0]);
    for (unsigned i = 0; i < RACERS; i++) {
        uintptr_t at = RACE_AT + i * P;

        RCHECK(user_load(at, &v) && v == r);
        RCHECK(user_store(at + 8 * who, r + who));
        RCHECK(user_load(at + 8 * who, &v) && v == r + who);
    }
}

static void
exit_end(unsigned r)
{
    for (unsigned i = 0; i < RACERS; i++) {
        for (unsigned who = 0; who < RACERS; who++)
            RCHECK(race_get(mm[0], RACE_AT + i * P + 8 * who) == r + who);
    }
    RCHECK(anon_count() == anons + RACERS);
}

KTEST(vm_race_80_exit_while_relative_writes)
{
    race_test(&(struct race){RACERS, exit_begin, exit_act, exit_end});
}

/* --- from the page, through its records, entries are taken away --- */

static bool
take_entry(struct page *page, pte_t *pte, void *arg)
{
    struct mm_struct *m = arg;

    if (pte_clear(pte) & PTE_D)
        atomic_or(&page->flags, PG_DIRTY);
    atomic_add(&m->rss, -1l);
    return true;
}

/* The page behind AT, with a reference; NULL: none, or the zero page. */
static struct page *
mapped_page(struct mm_struct *m, uintptr_t at)
{
    pte_t *pte = get_pte(m, at, false);
    struct page *page = NULL;

    if (pte == NULL)
        return NULL;
    spin_lock(pte_lock(pte));
    if (pte_load(pte) & PTE_V)
        page = pa_to_page(pte_pa(pte_load(pte)));
    if (page != NULL && (page->flags & PG_ZERO))
        page = NULL;
    if (page != NULL)
        page_get(page);
    spin_unlock(pte_lock(pte));
    return page;
}

/* All entries of the page are in M. */
static void
evict(struct mm_struct *m, uintptr_t at)
{
    struct gather g;
    struct page *page;

    gate_enter(&m->gate);
    page = mapped_page(m, at);
    if (page != NULL) {
        (void)rmap_walk(page, take_entry, m);
        gather_start(&g, m);
        gather_range(&g, at, at + P);
        gather_flush(&g);
    }
    gate_leave(&m->gate);
    if (page != NULL)
        page_put(page);
}

static void
evict_begin(unsigned r)
{
    atomic_store(&told, 0);
    if (mm[0] == NULL)
        mm[0] = race_space(2);
    else
        race_map(mm[0], 2);
}

/* One writes, two read, one takes the entry away. */
static void
evict_in(struct mm_struct *m, unsigned who, uintptr_t at)
{
    uint64_t v = 0, before = 0;

    mm_use(m);
    if (who == 0) {
        for (uint64_t k = 1; k <= 8; k++) {
            RCHECK(user_store(at, k));
            RCHECK(user_load(at, &v) && v == k);
        }
        atomic_store_release(&told, 1);
        return;
    }
    while (atomic_load_acquire(&told) == 0 && race_wait()) {
        if (who == 3) {
            evict(m, at);
            continue;
        }
        RCHECK(user_load(at, &v) && v >= before && v <= 8);
        before = v;
    }
    RCHECK(user_load(at, &v) && v == 8);
}

static void
evict_act(unsigned who, unsigned r)
{
    evict_in(mm[0], who, RACE_AT + r % 2 * P);
}

static void
evict_end(unsigned r)
{
    RCHECK(race_get(mm[0], RACE_AT + r % 2 * P) == 8);
    RCHECK(anon_count() == anons + 1);
    RCHECK(do_munmap(mm[0], RACE_AT, 2 * P) == 0);
}

KTEST(vm_race_60_fault_while_entry_is_taken)
{
    race_test(&(struct race){RACERS, evict_begin, evict_act, evict_end});
}

/* The same of a page that is shared with a relative before the write; the
 * entries are those of one of the two, since the other never reads. */
static void
evict_cow_begin(unsigned r)
{
    atomic_store(&told, 0);
    if (r % SET != 0)
        return;
    drop_spaces();
    mm[0] = race_space(SET);
    for (unsigned i = 0; i < SET; i++)
        race_put(mm[0], RACE_AT + i * P, 0);
    mm[1] = mm_copy(mm[0]);
    RCHECK(mm[1] != NULL);
    RCHECK(do_mprotect(mm[0], RACE_AT, SET * P, 0) == 0); /* no entries */
}

static void
evict_cow_act(unsigned who, unsigned r)
{
    evict_in(mm[1], who, page_of(r));
}

static void
evict_cow_end(unsigned r)
{
    RCHECK(race_get(mm[1], page_of(r)) == 8);
    RCHECK(mm[1]->stat[MM_COW] == r % SET + 1);
    RCHECK(anon_count() == anons + SET + r % SET + 1);
}

KTEST(vm_race_60_copy_while_entry_is_taken)
{
    race_test(&(struct race){RACERS, evict_cow_begin, evict_cow_act,
                             evict_cow_end});
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
pager_begin(unsigned r)
{
    if (r % SET != 0)
        return;
    drop_spaces();
    atomic_store(&page_ins, 0);
    object_init(&pager_object, &slow_pager, SET * P, NULL);
    mm[0] = mm_create();
    RCHECK(do_mmap(mm[0], RACE_AT, SET * P, VM_READ | VM_WRITE,
                   MAP_SHARED | MAP_FIXED, &pager_object,
                   0) == (long)RACE_AT);
    object_put(&pager_object);
}

static void
pager_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    mm_use(mm[0]);
    RCHECK(user_load(page_of(r), &v) && v == 1000 + r % SET);
    RCHECK(user_store(page_of(r) + 8 * (who + 1), r + who));
}

static void
pager_end(unsigned r)
{
    RCHECK(atomic_load(&page_ins) == r % SET + 1);
    RCHECK(mm[0]->stat[MM_MAJ] == 0 || mm[0]->stat[MM_RETRY] >= r % SET + 1);
    for (unsigned i = 0; i < RACERS; i++)
        RCHECK(race_get(mm[0], page_of(r) + 8 * (i + 1)) == r + i);
}

KTEST(vm_race_22_one_page_in_for_all)
{
    race_test(&(struct race){RACERS, pager_begin, pager_act, pager_end});
}

/* --- the gate: nobody reads while one writes --- */

static uint32_t inside; /* [a] a writer is */

static void
gate_begin(unsigned r)
{
    if (mm[0] == NULL)
        mm[0] = race_space(1);
}

static void
gate_act(unsigned who, unsigned r)
{
    struct gate *g = &mm[0]->gate;

    for (unsigned k = 0; k < 8; k++) {
        if (who == 0) {
            gate_close(g);
            RCHECK(atomic_load(&inside) == 0);
            atomic_store(&inside, 1);
            pause(k * 4);
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
    race_test(&(struct race){RACERS, gate_begin, gate_act, nothing});
}
