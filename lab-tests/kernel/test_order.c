/* test_order.c: races of the fault path in the one order that goes wrong if a step
 * is left out.  See order.h; docs/design/races.md says which mutants of the
 * kernel each test finds. */
#include "order.h"

#define P PAGE_SIZE

/* --- row 31: who copies lets go of the old page after the flush --- */

static void
family_begin(void)
{
    order_begin();
    race_mm[0] = race_space(2 * SET);
    for (unsigned r = 0; r < SET; r++)
        race_put(race_mm[0], order_page(r), 1000 + r);
    race_mm[1] = mm_copy(race_mm[0]);
    RCHECK(race_mm[1] != NULL);
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

        RCHECK(user_load(order_page(r), &v) && (v == 1000 + r || v == MINE));
        give(r, WARM);
        if (wrote)
            give(r, SEEN);
    }
}

static void
old_act(unsigned who, unsigned r)
{
    enter(who, r, race_mm[who == 2 ? 0 : 1]);
    if (who == 0) {
        await(r, WARM);
        RCHECK(user_store(order_page(r), MINE));
        give(r, OVER);
    } else if (who == 1) {
        old_read(r);
    } else {
        await(r, THERE);
        RCHECK(user_store(order_page(r), THEIRS));
        give(r, DONE);
    }
}

static void
old_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(race_mm[1], order_page(r)) == MINE);
        RCHECK(race_get(race_mm[0], order_page(r)) == THEIRS);
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
    order_begin();
    race_mm[0] = race_space(2 * SET);
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
        RCHECK(user_store(order_page(r), ++last[r]));
        give(r, WARM);
        if (copied)
            give(r, DONE);
        RCHECK(user_load(order_page(r), &v) && v == last[r]);
    }
}

static void
late_act(unsigned who, unsigned r)
{
    enter(who, r, race_mm[0]);
    if (who == 0) {
        struct mm_struct *copy;

        await(r, WARM);
        copy = mm_copy(race_mm[0]);
        RCHECK(copy != NULL);
        if (copy != NULL)
            mm_put_user(copy);
        give(r, OVER);
    } else if (who == 1) {
        late_write(r);
    } else {
        await(r, THERE);
        give(r, BEGUN);
        RCHECK(user_store(order_page(r) + 8, r));
    }
}

static void
late_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(race_mm[0], order_page(r)) == last[r]);
        RCHECK(race_get(race_mm[0], order_page(r) + 8) == r);
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
    order_begin();
    race_mm[0] = race_space(2 * SET);
    for (unsigned r = 0; r < SET; r++)
        RCHECK(do_munmap(race_mm[0], order_page(r) + P, P) == 0);
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

    enter(who, r, race_mm[0]);
    if (who == 0) {
        RCHECK(user_load(order_page(r), &v) && (v == 0 || v == MINE));
        give(r, OVER);
    } else {
        await(r, THERE);
        RCHECK(user_store(order_page(r), MINE));
        race_evict(race_mm[0], order_page(r));
        give(r, DONE);
    }
}

static void
all_mine(unsigned who)
{
    uint64_t v = 0;

    for (unsigned r = 0; r < SET; r++)
        RCHECK(user_load(order_page(r), &v) && v == MINE);
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
        RCHECK(user_load(order_page(r), &v));
    } else {
        RCHECK(user_store(order_page(r), MINE));
        race_evict(shown, order_page(r));
        give(r, DONE);
        give(r, OVER);
    }
}

static void
shared_begin(void)
{
    family_begin();
    /* No entries but those of the child. */
    RCHECK(do_mprotect(race_mm[0], RACE_AT, 2 * SET * P, 0) == 0);
    shown = race_mm[1];
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
        RCHECK(user_load(order_page(r), &v) && v == 1000 + r);
        give(r, WARM);
        RCHECK(user_store(order_page(r), MINE));
        give(r, OVER);
    } else {
        await(r, THERE);
        give(r, BEGUN);
        race_evict(shown, order_page(r));
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
known_write(unsigned r)
{
    uint64_t v = 0;

    RCHECK(user_load(order_page(r), &v) && v == 1000 + r);
    give(r, WARM);
    await(r, SEEN);
    RCHECK(user_store(order_page(r), MINE));
    give(r, OVER);
}

/* The same by one who knows the page already, so that only its records tell him
 * which table to lock. */
static void
known_act(unsigned who, unsigned r)
{
    struct page *page;

    enter(who, r, shown);
    if (who == 0) {
        known_write(r);
        return;
    }
    await(r, WARM);
    page = race_page(shown, order_page(r));
    give(r, SEEN);
    await(r, THERE);
    give(r, BEGUN);
    RCHECK(page != NULL);
    if (page != NULL) {
        race_take(page);
        page_put(page);
    }
    give(r, DONE);
}

KTEST(vm_order_60_record_taken_meanwhile)
{
    order_test(&(struct race){.racers = 2,
                              .begin = shared_begin,
                              .act = known_act,
                              .after = all_mine},
               way_hook);
}

static void
zeros_begin(void)
{
    order_begin_zeros();
    shown = race_mm[0];
}

KTEST(vm_order_11_zeros_shown_late)
{
    order_test(&(struct race){.racers = 2,
                              .begin = zeros_begin,
                              .act = read_act,
                              .after = all_mine},
               read_hook);
}

/* --- the gate: nobody comes in while a writer is inside --- */

static void
gate_act(unsigned who, unsigned r)
{
    struct gate *g = &race_mm[0]->gate;

    if (who == 0) {
        gate_close(g);
        give(r, THERE);
        stay_a_while(r, SEEN);
        RCHECK(!given(r, SEEN));
        gate_open(g);
    } else {
        await(r, THERE);
        give(r, BEGUN);
        gate_enter(g);
        give(r, SEEN);
        gate_leave(g);
    }
}

KTEST(vm_order_gate_is_closed)
{
    order_test(&(struct race){.racers = 2,
                              .begin = order_begin_zeros,
                              .act = gate_act},
               NULL);
}
