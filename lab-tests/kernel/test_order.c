/* test_order.c: races in the one order that goes wrong if a step is left out.
 * docs/design/races.md says which mutants of the kernel each test finds.
 *
 * test_race.c leaves the order to chance.  Here a thread that reaches a race
 * point (libs/race.h) waits there until another one did what must not come in
 * between:
 *
 *     A at the point      B acts, as the mutant lets it      A goes on
 *
 * A kernel that is right either keeps B out, and A waits in vain, so no longer
 * than TURNS once B has BEGUN; or B may act, so that A may wait LONG, and no harm
 * is done.  When OVER is given, the one the others wait for is through.  A page
 * per round; in ktest.img, without race points, the threads only meet by chance.
 */
#include "ext/mm/migrate.h"
#include "race.h"

#define P      PAGE_SIZE
#define TURNS  3000u
#define LONG   200000u
#define MINE   5000ul
#define THEIRS 9000ul

enum sign { WARM, THERE, BEGUN, DONE, SEEN, OVER, SIGNS };

static struct mm_struct *mm[2];
static size_t anons;
static uint32_t sign[SET][SIGNS]; /* [a] */
static struct {
    struct thread *thread;
    unsigned round;
} CACHE_ALIGNED actor[RACERS];

static void
drop_spaces(void)
{
    for (unsigned i = 0; i < 2; i++) {
        if (mm[i] != NULL)
            mm_put_user(mm[i]);
        mm[i] = NULL;
    }
    memset(sign, 0, sizeof(sign));
}

static void
order_test(const struct race *r, void (*hook)(const char *point))
{
    anons = anon_count();
    memset(actor, 0, sizeof(actor));
    race_hook = hook;
    race_run(r);
    drop_spaces();
    CHECK(anon_count() == anons);
}

static void
enter(unsigned who, unsigned r, struct mm_struct *m)
{
    actor[who].thread = current_thread();
    actor[who].round = r;
    mm_use(m);
}

/* Is this thread WHO, at this point?  Then *R is its round. */
static bool
is_at(const char *point, const char *want, unsigned who, unsigned *r)
{
    *r = actor[who].round;
    return actor[who].thread == current_thread() && strcmp(point, want) == 0;
}

static void
give(unsigned r, enum sign s)
{
    atomic_store_release(&sign[r][s], 1u);
}

static bool
given(unsigned r, enum sign s)
{
    return atomic_load_acquire(&sign[r][s]) != 0;
}

/* At a point, with any locks held. */
static void
stay_until(unsigned r, enum sign s, unsigned turns)
{
    for (unsigned n = 0; n < turns && !given(r, s); n++)
        cpu_wait();
}

/* The same, for one who may be kept out: his hart has a processor now. */
static void
stay_a_while(unsigned r, enum sign s)
{
    stay_until(r, BEGUN, LONG);
    stay_until(r, s, TURNS);
}

/* Before a step, with no lock held. */
static void
await(unsigned r, enum sign s)
{
    while (!given(r, s) && !given(r, OVER) && race_wait())
        continue;
}

/* So that each may have an area of its own. */
static uintptr_t
page_of(unsigned r)
{
    return RACE_AT + 2 * r * P;
}

/* --- row 31: who copies lets go of the old page after the flush --- */

static void
family_begin(void)
{
    drop_spaces();
    mm[0] = race_space(2 * SET);
    for (unsigned r = 0; r < SET; r++)
        race_put(mm[0], page_of(r), 1000 + r);
    mm[1] = mm_copy(mm[0]);
    RCHECK(mm[1] != NULL);
}

/* The entry is cleared; now the relative writes, and a stale reader looks. */
static void
old_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "flush", 0, &r)) {
        give(r, THERE);
        stay_until(r, SEEN, LONG);
    }
}

static void
old_read(unsigned r)
{
    uint64_t v = 0;

    while (!given(r, SEEN) && !given(r, OVER) && race_wait()) {
        bool wrote = given(r, DONE);

        RCHECK(user_load(page_of(r), &v) && (v == 1000 + r || v == MINE));
        give(r, WARM);
        if (wrote)
            give(r, SEEN);
    }
}

static void
old_act(unsigned who, unsigned r)
{
    enter(who, r, mm[who == 2 ? 0 : 1]);
    if (who == 0) {
        await(r, WARM);
        RCHECK(user_store(page_of(r), MINE));
        give(r, OVER);
    } else if (who == 1) {
        old_read(r);
    } else {
        await(r, THERE);
        RCHECK(user_store(page_of(r), THEIRS));
        give(r, DONE);
    }
}

static void
old_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(mm[1], page_of(r)) == MINE);
        RCHECK(race_get(mm[0], page_of(r)) == THEIRS);
    }
}

KTEST(vm_order_31_old_page_goes_after_the_flush)
{
    order_test(
        &(struct race){
            .racers = 3, .begin = family_begin, .act = old_act, .end = old_end},
        old_hook);
}

/* --- row 39: the harts forget before the gate opens ---
 *
 * Thread 1 knows a page as writable, thread 2 does not know it.  If 2 could
 * copy it before 1 forgot, 1 would go on to write to the old one. */

static uint64_t last[SET];

static void
late_begin(void)
{
    drop_spaces();
    mm[0] = race_space(2 * SET);
    memset(last, 0, sizeof(last));
}

static void
late_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "copied", 0, &r)) {
        give(r, THERE);
        stay_a_while(r, SEEN);
    } else if (is_at(point, "publish", 2, &r)) {
        give(r, SEEN);
        stay_until(r, DONE, LONG);
    }
}

static void
late_write(unsigned r)
{
    uint64_t v = 0;

    for (bool copied = false; !copied && race_wait();) {
        copied = given(r, SEEN) || given(r, OVER);
        RCHECK(user_store(page_of(r), ++last[r]));
        give(r, WARM);
        if (copied)
            give(r, DONE);
        RCHECK(user_load(page_of(r), &v) && v == last[r]);
    }
}

static void
late_act(unsigned who, unsigned r)
{
    enter(who, r, mm[0]);
    if (who == 0) {
        struct mm_struct *copy;

        await(r, WARM);
        copy = mm_copy(mm[0]);
        RCHECK(copy != NULL);
        if (copy != NULL)
            mm_put_user(copy);
        give(r, OVER);
    } else if (who == 1) {
        late_write(r);
    } else {
        await(r, THERE);
        give(r, BEGUN);
        RCHECK(user_store(page_of(r) + 8, r));
    }
}

static void
late_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(mm[0], page_of(r)) == last[r]);
        RCHECK(race_get(mm[0], page_of(r) + 8) == r);
    }
}

KTEST(vm_order_39_flush_before_the_gate_opens)
{
    order_test(
        &(struct race){
            .racers = 3, .begin = late_begin, .act = late_act, .end = late_end},
        late_hook);
}

/* --- an entry is stored late, of what was right when its fault began ---
 *
 * Thread 0 reads and is about to store its entry; meanwhile thread 1 writes, and
 * its entry is taken away again, so that 0 finds no entry and stores. */

/* An area for each page, without a layer. */
static void
areas_begin(void)
{
    drop_spaces();
    mm[0] = race_space(2 * SET);
    for (unsigned r = 0; r < SET; r++)
        RCHECK(do_munmap(mm[0], page_of(r) + P, P) == 0);
}

static void
first_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "finish", 0, &r)) {
        give(r, THERE);
        stay_until(r, DONE, LONG);
    }
}

static void
first_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, mm[0]);
    if (who == 0) {
        RCHECK(user_load(page_of(r), &v) && (v == 0 || v == MINE));
        give(r, OVER);
    } else {
        await(r, THERE);
        RCHECK(user_store(page_of(r), MINE));
        race_evict(mm[0], page_of(r));
        give(r, DONE);
    }
}

static void
all_mine(unsigned who)
{
    uint64_t v = 0;

    for (unsigned r = 0; r < SET; r++)
        RCHECK(user_load(page_of(r), &v) && v == MINE);
}

KTEST(vm_order_60_layer_made_meanwhile)
{
    order_test(&(struct race){.racers = 2,
                              .begin = areas_begin,
                              .act = first_act,
                              .after = all_mine},
               first_hook);
}

/* The writer is past its look at the slot; the reader comes and looks, too. */
static struct mm_struct *shown;

static void
read_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "publish", 1, &r)) {
        give(r, WARM);
        stay_until(r, THERE, LONG);
        give(r, BEGUN);
    } else if (is_at(point, "finish", 0, &r)) {
        give(r, THERE);
        stay_a_while(r, DONE);
    }
}

static void
read_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, shown);
    if (who == 0) {
        await(r, WARM);
        RCHECK(user_load(page_of(r), &v));
    } else {
        RCHECK(user_store(page_of(r), MINE));
        race_evict(shown, page_of(r));
        give(r, DONE);
        give(r, OVER);
    }
}

static void
shared_begin(void)
{
    family_begin();
    /* No entries but those of the child. */
    RCHECK(do_mprotect(mm[0], RACE_AT, 2 * SET * P, 0) == 0);
    shown = mm[1];
}

KTEST(vm_order_32_old_page_shown_late)
{
    order_test(&(struct race){.racers = 2,
                              .begin = shared_begin,
                              .act = read_act,
                              .after = all_mine},
               read_hook);
}

/* An entry is about to give way to another; somebody comes from the old page. */
static void
way_hook(const char *point)
{
    unsigned r;

    if (is_at(point, "entry-locked", 0, &r) && given(r, WARM) &&
        !given(r, THERE)) {
        give(r, THERE);
        stay_a_while(r, DONE);
    }
}

static void
way_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, shown);
    if (who == 0) {
        RCHECK(user_load(page_of(r), &v) && v == 1000 + r);
        give(r, WARM);
        RCHECK(user_store(page_of(r), MINE));
        give(r, OVER);
    } else {
        await(r, THERE);
        give(r, BEGUN);
        race_evict(shown, page_of(r));
        give(r, DONE);
    }
}

KTEST(vm_order_60_old_page_taken_meanwhile)
{
    order_test(&(struct race){.racers = 2,
                              .begin = shared_begin,
                              .act = way_act,
                              .after = all_mine},
               way_hook);
}

static void
zeros_begin(void)
{
    drop_spaces();
    mm[0] = shown = race_space(2 * SET + 1);
    race_put(mm[0], page_of(SET), 1); /* there is a layer */
}

KTEST(vm_order_11_zeros_shown_late)
{
    order_test(&(struct race){.racers = 2,
                              .begin = zeros_begin,
                              .act = read_act,
                              .after = all_mine},
               read_hook);
}

/* --- the page of an anon moves while a fault is about to show it --- */

static struct page *to_move[SET]; /* written before THERE is given */
static bool only_read;

static struct anon *
anon_of(struct mm_struct *m, uintptr_t at)
{
    struct vma_struct *v = find_vma(m, at);

    return layer_find(v->layer, vma_layer_index(v, at));
}

/* The fault has the layer locked. */
static void
move_hook(const char *point)
{
    struct anon *a;
    unsigned r;

    if (!is_at(point, "finish", 0, &r) || given(r, THERE))
        return;
    a = anon_of(mm[0], page_of(r));
    to_move[r] = a == NULL ? NULL : a->page;
    if (a != NULL && a->page != NULL)
        page_get(a->page);
    give(r, THERE);
    stay_a_while(r, DONE);
}

static void
move_act(unsigned who, unsigned r)
{
    uint64_t v = 0;

    enter(who, r, mm[0]);
    if (who == 1) {
        await(r, THERE);
        give(r, BEGUN);
        if (given(r, THERE) && to_move[r] != NULL)
            (void)migrate_page(to_move[r]);
        give(r, DONE);
        return;
    }
    RCHECK(only_read ? user_load(page_of(r), &v) && v == MINE
                     : user_store(page_of(r), MINE));
    give(r, OVER);
}

static void
move_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        struct layer *l = find_vma(mm[0], page_of(r))->layer;
        struct page *page;

        RCHECK(race_get(mm[0], page_of(r)) == MINE);
        page = race_page(mm[0], page_of(r));
        spin_lock(&l->lock);
        RCHECK(page == NULL || page == anon_of(mm[0], page_of(r))->page);
        spin_unlock(&l->lock);
        if (page != NULL)
            page_put(page);
        if (to_move[r] != NULL)
            page_put(to_move[r]);
        to_move[r] = NULL;
    }
}

static void
there_begin(void)
{
    zeros_begin();
    for (unsigned r = 0; r < SET; r++) {
        race_put(mm[0], page_of(r), MINE);
        race_evict(mm[0], page_of(r));
    }
}

static void
move_test(void (*begin)(void), bool read)
{
    only_read = read;
    order_test(
        &(struct race){
            .racers = 2, .begin = begin, .act = move_act, .end = move_end},
        move_hook);
}

KTEST(vm_order_99_fresh_page_moves)
{
    move_test(zeros_begin, false);
}

KTEST(vm_order_99_page_moves_while_reused)
{
    move_test(there_begin, false);
}

KTEST(vm_order_99_page_moves_while_read)
{
    move_test(there_begin, true);
}
