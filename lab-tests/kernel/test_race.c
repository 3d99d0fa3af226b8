/* test_race.c: races of the fault path, on real translations.
 * docs/design/races.md says what settles each, and which mutants of the kernel
 * each test finds.
 *
 * The threads use the space as user programs do: through the translations of
 * their harts, which may be stale.  Each round of a set has a page of its own.
 */
#include "race.h"

#define P PAGE_SIZE

static void
check_words(struct mm_struct *m, uintptr_t at, uint64_t want)
{
    for (unsigned i = 0; i < RACERS; i++)
        RCHECK(race_get(m, at + 8 * (i + 1)) == want + i);
}

/* --- row 11: all write one fresh page --- */

static void
fresh_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(SET);
}

static void
fresh_act(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(r) + 8 * (who + 1);
    uint64_t v = 0;

    mm_use(race_mm[0]);
    RCHECK(user_store(at, r + who));
    RCHECK(user_load(at, &v) && v == r + who);
}

static void
fresh_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++)
        check_words(race_mm[0], race_page_at(r), r);
    RCHECK(race_mm[0]->stat[MM_ANON] == n);
    RCHECK(anon_count() == race_anons + n);
}

KTEST(vm_race_11_one_fresh_page)
{
    race_test(&(struct race){
        .racers = 4, .begin = fresh_begin, .act = fresh_act, .end = fresh_end});
}

/* --- row 12: the first writes of an area need its layer and its tables --- */

static uintptr_t
far_page(unsigned r, unsigned who)
{
    return RACE_AT + ((uintptr_t)r << 30) + who * P;
}

static void
first_begin(void)
{
    race_drop_spaces();
    race_mm[0] = mm_create();
    for (unsigned r = 0; r < SET; r++)
        RCHECK(do_mmap(race_mm[0], far_page(r, 0), RACERS * P,
                       VM_READ | VM_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) > 0);
}

static void
first_act(unsigned who, unsigned r)
{
    mm_use(race_mm[0]);
    RCHECK(user_store(far_page(r, who), r + who));
}

static void
first_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        for (unsigned i = 0; i < RACERS; i++)
            RCHECK(race_get(race_mm[0], far_page(r, i)) == r + i);
    }
    RCHECK(anon_count() == race_anons + n * RACERS);
    RCHECK(do_munmap(race_mm[0], RACE_AT, (uintptr_t)SET << 30) == 0);
    RCHECK(anon_count() == race_anons);
    /* Only the root is left. */
    RCHECK(race_mm[0]->stat[MM_PT_ALLOC] == race_mm[0]->stat[MM_PT_FREE] + 1);
}

KTEST(vm_race_12_first_writes_of_an_area)
{
    race_test(&(struct race){
        .racers = 4, .begin = first_begin, .act = first_act, .end = first_end});
}

/* --- row 15: A reads, B unmaps, C takes what frames there are --- */

#define FOREIGN   0xf0e19ul
#define FRAMES_15 8

static struct thread *unmapper; /* inside munmap */

static void
unmap_begin(void)
{
    fresh_begin();
    for (unsigned r = 0; r < SET; r++)
        race_put(race_mm[0], race_page_at(r), 1000 + r);
}

static void
take_frames(unsigned times)
{
    struct page *page[FRAMES_15];
    unsigned n = 0;

    while (times-- > 0) {
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

/* Between the steps of B: C needs no processor of its own. */
static void
take_frames_now(const char *point)
{
    if (current_thread() == unmapper)
        take_frames(1);
}

static void
unmap_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    if (who == 2) {
        take_frames(10);
        return;
    }
    mm_use(race_mm[0]);
    if (who == 1) {
        unmapper = current_thread();
        RCHECK(do_munmap(race_mm[0], race_page_at(r), P) == 0);
        unmapper = NULL;
        return;
    }
    for (unsigned k = 0; k < 5000 && user_load(race_page_at(r), &v); k++)
        RCHECK(v == 1000 + r);
}

static void
unmap_after(unsigned who)
{
    uint64_t v;

    for (unsigned r = 0; who == 0 && r < SET; r++)
        RCHECK(!user_load(race_page_at(r), &v));
}

static void
unmap_end(unsigned n)
{
    RCHECK(anon_count() == race_anons);
}

KTEST(vm_race_15_read_while_unmapped)
{
    race_hook = take_frames_now;
    race_test(&(struct race){.racers = 3,
                             .begin = unmap_begin,
                             .act = unmap_act,
                             .after = unmap_after,
                             .end = unmap_end});
}

/* --- unmap and map again, while others write: gate, tables --- */

static void
remap_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(RACERS);
}

static void
remap_act(unsigned who, unsigned r)
{
    uintptr_t at = RACE_AT + who * P;
    uint64_t v = 0;

    mm_use(race_mm[0]);
    if (who == 0) {
        RCHECK(do_munmap(race_mm[0], RACE_AT, RACERS * P) == 0);
        race_map(race_mm[0], RACERS);
        return;
    }
    for (unsigned k = 0; k < 4; k++) {
        if (user_store(at, 7) && user_load(at, &v))
            RCHECK(v == 7 || v == 0);
    }
}

static void
remap_end(unsigned n)
{
    size_t there = 0;

    for (unsigned i = 0; i < RACERS; i++) {
        uint64_t v = race_get(race_mm[0], RACE_AT + i * P);

        RCHECK(v == 0 || v == 7);
        there += v != 0;
    }
    RCHECK(anon_count() == race_anons + there);
    RCHECK(do_munmap(race_mm[0], RACE_AT, RACERS * P) == 0);
    RCHECK(anon_count() == race_anons);
    RCHECK(race_mm[0]->stat[MM_PT_ALLOC] == race_mm[0]->stat[MM_PT_FREE] + 1);
}

KTEST(vm_race_16_unmap_and_fault)
{
    race_test(&(struct race){
        .racers = 3, .begin = remap_begin, .act = remap_act, .end = remap_end});
}

/* --- rows 32 and 33: all write a page that is shared with a relative --- */

static void
cow_begin(void)
{
    fresh_begin();
    for (unsigned i = 0; i < SET; i++)
        race_put(race_mm[0], RACE_AT + i * P, 1000 + i);
    race_mm[1] = mm_copy(race_mm[0]);
    RCHECK(race_mm[1] != NULL);
}

static void
cow_act(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(r) + 8 * (who + 1);
    uint64_t v = 0;

    mm_use(race_mm[1]);
    for (unsigned k = 0; k < 8; k++) {
        RCHECK(user_store(at, k + who));
        RCHECK(user_load(at, &v) && v == k + who);
    }
}

static void
cow_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        check_words(race_mm[1], race_page_at(r), 7);
        RCHECK(race_get(race_mm[1], race_page_at(r)) == 1000 + r);
        RCHECK(race_get(race_mm[0], race_page_at(r)) == 1000 + r);
        RCHECK(race_get(race_mm[0], race_page_at(r) + 8) == 0);
    }
    RCHECK(race_mm[1]->stat[MM_COW] == n);
    RCHECK(anon_count() == race_anons + 2 * n);
}

KTEST(vm_race_32_33_one_copy_no_lost_store)
{
    race_test(&(struct race){
        .racers = 4, .begin = cow_begin, .act = cow_act, .end = cow_end});
}

/* --- a copied page is seen by those who read the old one --- */

#define MINE   5000ul
#define THEIRS 9000ul

static void
read_page(unsigned r)
{
    uint64_t v = 0;
    uint32_t t = 0;

    for (unsigned k = 0; k < 5000 && t == 0; k++) {
        t = atomic_load_acquire(&race_told[r]);
        RCHECK(user_load(race_page_at(r), &v));
        RCHECK(v == MINE || (v == 1000 + r && t == 0));
    }
}

static void
seen_act(unsigned who, unsigned r)
{
    mm_use(race_mm[1]);
    if (who == 0) {
        RCHECK(user_store(race_page_at(r), MINE));
        atomic_store_release(&race_told[r], 1u);
    } else {
        read_page(r);
    }
}

static void
seen_after(unsigned who)
{
    uint64_t v = 0;

    for (unsigned r = 0; r < SET; r++)
        RCHECK(user_load(race_page_at(r), &v) && v == MINE);
}

KTEST(vm_race_32_readers_see_the_copy)
{
    race_test(&(struct race){
        .racers = 3, .begin = cow_begin, .act = seen_act, .after = seen_after});
}

/* --- the old page is not the relative's alone before all forgot it --- */

static void
alone_act(unsigned who, unsigned r)
{
    if (who == 2) { /* the relative */
        mm_use(race_mm[0]);
        RCHECK(user_store(race_page_at(r), THEIRS));
    } else {
        seen_act(who, r);
    }
}

static void
alone_after(unsigned who)
{
    uint64_t v = 0;

    for (unsigned r = 0; r < SET; r++)
        RCHECK(user_load(race_page_at(r), &v) &&
               v == (who == 2 ? THEIRS : MINE));
}

KTEST(vm_race_31_relative_waits_for_the_flush)
{
    race_test(&(struct race){.racers = 3,
                             .begin = cow_begin,
                             .act = alone_act,
                             .after = alone_after});
}

/* --- row 39: copies are made while others write ---
 *
 * Each writer counts in a word of page 0, which all of them write, and then in
 * a page of its own.  A copy shows one moment: the second word is the first, or
 * one less. */

static uint64_t last[RACERS];
static unsigned copiers;

static uintptr_t
word_of(unsigned who)
{
    return RACE_AT + who * P + 8 * who;
}

static uintptr_t
first_word_of(unsigned who)
{
    return RACE_AT + 8 * who;
}

static void
hammer_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(RACERS);
    memset(last, 0, sizeof(last));
}

static void
snapshot(void)
{
    struct mm_struct *copy = mm_copy(race_mm[0]);
    uint64_t was[RACERS];

    RCHECK(copy != NULL);
    for (unsigned i = copiers; i < RACERS; i++) {
        was[i] = race_get(copy, word_of(i));
        RCHECK(race_get(copy, first_word_of(i)) - was[i] <= 1);
    }
    for (unsigned n = 0; n < 30; n++)
        (void)race_wait();
    for (unsigned i = copiers; i < RACERS; i++)
        RCHECK(race_get(copy, word_of(i)) == was[i]);
    mm_put_user(copy);
}

static void
hammer_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    if (who < copiers) {
        snapshot();
        return;
    }
    mm_use(race_mm[0]);
    for (unsigned k = 0; k < 12; k++) {
        RCHECK(user_store(first_word_of(who), ++last[who]));
        RCHECK(user_store(word_of(who), last[who]));
        RCHECK(user_load(word_of(who), &v) && v == last[who]);
    }
}

static void
hammer_end(unsigned n)
{
    for (unsigned i = copiers; i < RACERS; i++)
        RCHECK(race_get(race_mm[0], word_of(i)) == last[i]);
}

KTEST(vm_race_39_copy_while_others_write)
{
    copiers = 1;
    race_test(&(struct race){.racers = 4,
                             .begin = hammer_begin,
                             .act = hammer_act,
                             .end = hammer_end});
}

KTEST(vm_race_39_two_copies_at_once)
{
    copiers = 2;
    race_test(&(struct race){.racers = 3,
                             .begin = hammer_begin,
                             .act = hammer_act,
                             .end = hammer_end});
}
