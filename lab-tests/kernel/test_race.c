/* test_race.c: races of the fault path, on real translations.  docs/design/
 * races.md says what settles each, and which mutant of the kernel each test
 * finds.
 *
 * The threads use the space like user programs do: through the translations of
 * their harts, which may be stale. */
#include "race.h"

#include "mm/rmap.h"

#define P   PAGE_SIZE
#define SET 64 /* pages, one per round, before a new space is made */

static struct mm_struct *mm[RACERS];
static size_t anons;    /* before the first round */
static uint32_t told;   /* [a] the round's news are out */
static uint32_t primed; /* [a] readers that have a translation */
static bool gone[RACERS];

static uintptr_t
page_of(unsigned round)
{
    return RACE_AT + round % SET * P;
}

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
nothing(unsigned round)
{
    (void)round;
}

static void
check_words(struct mm_struct *m, uintptr_t at, uint64_t want)
{
    for (unsigned i = 0; i < RACERS; i++)
        RCHECK(race_get(m, at + 8 * (i + 1)) == want + i);
}

/* --- row 11: all write one fresh page --- */

static void
fresh_begin(unsigned r)
{
    if (r % SET != 0)
        return;
    drop_spaces();
    mm[0] = race_space(SET);
}

static void
fresh_act(unsigned who, unsigned r)
{
    uintptr_t at = page_of(r) + 8 * (who + 1);
    uint64_t v = 0;

    mm_use(mm[0]);
    RCHECK(user_store(at, r + who));
    RCHECK(user_load(at, &v) && v == r + who);
}

static void
fresh_end(unsigned r)
{
    check_words(mm[0], page_of(r), r);
    RCHECK(mm[0]->stat[MM_ANON] == r % SET + 1);
    RCHECK(anon_count() == anons + r % SET + 1);
}

KTEST(vm_race_11_one_fresh_page)
{
    race_test(&(struct race){RACERS, fresh_begin, fresh_act, fresh_end});
}

/* --- row 12: the first writes of an area need its layer and its tables --- */

static void
first_begin(unsigned r)
{
    if (mm[0] == NULL)
        mm[0] = race_space(RACERS);
    else
        race_map(mm[0], RACERS);
}

static void
first_act(unsigned who, unsigned r)
{
    mm_use(mm[0]);
    RCHECK(user_store(RACE_AT + who * P, r + who));
}

static void
first_end(unsigned r)
{
    for (unsigned i = 0; i < RACERS; i++)
        RCHECK(race_get(mm[0], RACE_AT + i * P) == r + i);
    RCHECK(anon_count() == anons + RACERS);
    RCHECK(do_munmap(mm[0], RACE_AT, RACERS * P) == 0);
    RCHECK(anon_count() == anons);
    /* Only the root is left. */
    RCHECK(mm[0]->stat[MM_PT_ALLOC] == mm[0]->stat[MM_PT_FREE] + 1);
}

KTEST(vm_race_12_first_writes_of_an_area)
{
    race_test(&(struct race){RACERS, first_begin, first_act, first_end});
}

/* --- row 15: A and B read, C unmaps, D takes what frames there are --- */

#define FOREIGN   0xf0e19ul
#define PAGES_15  4
#define FRAMES_15 16

static void
unmap_begin(unsigned r)
{
    first_begin(r);
    for (unsigned i = 0; i < PAGES_15; i++)
        race_put(mm[0], RACE_AT + i * P, r + 1);
    atomic_store(&told, 0);
    atomic_store(&primed, 0);
}

static void
take_frames(void)
{
    struct page *page[FRAMES_15];
    unsigned n = 0;

    while (atomic_load(&told) == 0 && race_wait()) {
        for (n = 0; n < FRAMES_15; n++) {
            page[n] = alloc_pages(0);
            if (page[n] == NULL)
                break;
            *(volatile uint64_t *)page_to_va(page[n]) = FOREIGN;
        }
        while (n > 0)
            page_put(page[--n]);
    }
}

static void
read_until_gone(unsigned who, unsigned r)
{
    uintptr_t at = RACE_AT + (who + r) % PAGES_15 * P;
    bool first = true;
    uint64_t v = 0;

    while (user_load(at, &v) && race_wait()) {
        RCHECK(v == r + 1);
        if (first)
            atomic_add(&primed, 1u);
        first = false;
    }
}

static void
unmap_act(unsigned who, unsigned r)
{
    if (who == 3) {
        take_frames();
        return;
    }
    mm_use(mm[0]);
    if (who > 0) {
        read_until_gone(who, r);
        return;
    }
    while (atomic_load(&primed) < 2 && race_wait())
        ;
    RCHECK(do_munmap(mm[0], RACE_AT, RACERS * P) == 0);
    atomic_store(&told, 1);
}

static void
unmap_end(unsigned r)
{
    RCHECK(anon_count() == anons);
}

KTEST(vm_race_15_read_while_unmapped)
{
    race_test(&(struct race){RACERS, unmap_begin, unmap_act, unmap_end});
}

/* --- unmap and map again, while others write: gate, tables --- */

static void
remap_act(unsigned who, unsigned r)
{
    uintptr_t at = RACE_AT + who % RACERS * P;
    uint64_t v = 0;

    mm_use(mm[0]);
    if (who == 0) {
        RCHECK(do_munmap(mm[0], RACE_AT, RACERS * P) == 0);
        race_map(mm[0], RACERS);
        return;
    }
    for (unsigned k = 0; k < 4; k++) {
        if (user_store(at, r + 1) && user_load(at, &v))
            RCHECK(v == r + 1 || v == 0);
    }
}

static void
remap_end(unsigned r)
{
    size_t there = 0;

    for (unsigned i = 0; i < RACERS; i++) {
        uint64_t v = race_get(mm[0], RACE_AT + i * P);

        RCHECK(v == 0 || v == r + 1);
        there += v != 0;
    }
    RCHECK(anon_count() == anons + there);
    RCHECK(do_munmap(mm[0], RACE_AT, RACERS * P) == 0);
    RCHECK(anon_count() == anons);
    RCHECK(mm[0]->stat[MM_PT_ALLOC] == mm[0]->stat[MM_PT_FREE] + 1);
}

KTEST(vm_race_16_unmap_and_fault)
{
    race_test(&(struct race){RACERS, first_begin, remap_act, remap_end});
}

/* --- rows 32 and 33: all write a page that is shared with a relative --- */

static void
cow_begin(unsigned r)
{
    atomic_store(&told, 0);
    atomic_store(&primed, 0);
    if (r % SET != 0)
        return;
    drop_spaces();
    mm[0] = race_space(SET);
    for (unsigned i = 0; i < SET; i++)
        race_put(mm[0], RACE_AT + i * P, 1000 + i);
    mm[1] = mm_copy(mm[0]);
    RCHECK(mm[1] != NULL);
}

static void
cow_act(unsigned who, unsigned r)
{
    uintptr_t at = page_of(r) + 8 * (who + 1);
    uint64_t v = 0;

    mm_use(mm[1]);
    for (unsigned k = 0; k < 8; k++) {
        RCHECK(user_store(at, k + who));
        RCHECK(user_load(at, &v) && v == k + who);
    }
}

static void
cow_end(unsigned r)
{
    uintptr_t at = page_of(r);

    check_words(mm[1], at, 7);
    RCHECK(race_get(mm[1], at) == 1000 + r % SET);
    RCHECK(race_get(mm[0], at) == 1000 + r % SET);
    RCHECK(race_get(mm[0], at + 8) == 0);
    RCHECK(mm[1]->stat[MM_COW] == r % SET + 1);
    RCHECK(anon_count() == anons + SET + r % SET + 1);
}

KTEST(vm_race_32_33_one_copy_no_lost_store)
{
    race_test(&(struct race){RACERS, cow_begin, cow_act, cow_end});
}

/* --- a copied page is seen by those who read the old one --- */

static void
seen_act(unsigned who, unsigned r)
{
    uintptr_t at = page_of(r);
    uint64_t v = 0, was = 1000 + r % SET;
    bool first = true;

    mm_use(mm[1]);
    if (who == 0) {
        while (atomic_load(&primed) < RACERS - 1 && race_wait())
            ;
        RCHECK(user_store(at, r));
        atomic_store_release(&told, 1);
        return;
    }
    while (atomic_load(&told) == 0) {
        RCHECK(user_load(at, &v) && (v == was || v == r));
        if (first)
            atomic_add(&primed, 1u);
        first = false;
        if (!race_wait())
            return;
    }
    RCHECK(user_load(at, &v) && v == r);
}

KTEST(vm_race_32_readers_see_the_copy)
{
    race_test(&(struct race){RACERS, cow_begin, seen_act, nothing});
}

/* --- the old page is not the relative's alone before all forgot it --- */

static void
alone_act(unsigned who, unsigned r)
{
    uintptr_t at = page_of(r);
    uint64_t v = 0, was = 1000 + r % SET, mine = 5000, theirs = 1ul << 32;
    bool first = true;

    if (who == 1) { /* the relative */
        mm_use(mm[0]);
        for (unsigned k = 0; k < 40; k++)
            RCHECK(user_store(at, theirs + k));
        return;
    }
    mm_use(mm[1]);
    if (who == 0) {
        while (atomic_load(&primed) < 2 && race_wait())
            ;
        RCHECK(user_store(at, mine));
        atomic_store_release(&told, 1);
        return;
    }
    while (atomic_load(&told) == 0) {
        RCHECK(user_load(at, &v) && (v == was || v == mine));
        if (first)
            atomic_add(&primed, 1u);
        first = false;
        if (!race_wait())
            return;
    }
    RCHECK(user_load(at, &v) && v == mine);
}

KTEST(vm_race_31_relative_waits_for_the_flush)
{
    race_test(&(struct race){RACERS, cow_begin, alone_act, nothing});
}

/* --- row 39: copies are made while others write --- */

static uint64_t last[RACERS];
static unsigned copiers;

static uintptr_t
word_of(unsigned who)
{
    return RACE_AT + who * P + 8 * who;
}

static void
hammer_begin(unsigned r)
{
    if (mm[0] == NULL) {
        mm[0] = race_space(RACERS);
        for (unsigned i = 0; i < RACERS; i++)
            last[i] = 0;
    }
    atomic_store(&told, 0);
    for (unsigned i = 0; i < RACERS; i++)
        gone[i] = false;
}

static void
snapshot(unsigned who)
{
    struct mm_struct *copy = mm_copy(mm[0]);
    uint64_t was[RACERS];

    RCHECK(copy != NULL);
    for (unsigned i = 0; i < RACERS; i++)
        was[i] = race_get(copy, word_of(i));
    for (unsigned n = 0; n < 100 && race_wait(); n++)
        ;
    for (unsigned i = 0; i < RACERS; i++)
        RCHECK(race_get(copy, word_of(i)) == was[i]);
    mm_put_user(copy);
    atomic_add(&told, 1u);
}

static void
hammer_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    if (who < copiers) {
        snapshot(who);
        return;
    }
    mm_use(mm[0]);
    while (atomic_load(&told) < copiers && race_wait()) {
        RCHECK(user_store(word_of(who), ++last[who]));
        RCHECK(user_load(word_of(who), &v) && v == last[who]);
    }
}

static void
hammer_end(unsigned r)
{
    for (unsigned i = copiers; i < RACERS; i++)
        RCHECK(race_get(mm[0], word_of(i)) == last[i]);
}

KTEST(vm_race_39_copy_while_others_write)
{
    copiers = 1;
    race_test(&(struct race){RACERS, hammer_begin, hammer_act, hammer_end});
}

KTEST(vm_race_39_two_copies_at_once)
{
    copiers = 2;
    race_test(&(struct race){RACERS, hammer_begin, hammer_act, hammer_end});
}
