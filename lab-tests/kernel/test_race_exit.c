/* test_race_exit.c: races with a space that ends: faults of its relatives, and of
 * those who reach into it.  See test_race.c. */
#include "race.h"
#include <errno.h>

#define P    PAGE_SIZE
#define LONG 200000u

/* --- exit || fault of a relative --- */

static void
exit_begin(void)
{
    race_drop_spaces();
    race_mm[0] = race_space(SET);
    for (unsigned i = 0; i < SET; i++)
        race_put(race_mm[0], RACE_AT + i * P, i);
}

static void
exit_act(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(r);
    uint64_t v = 0;

    if (who == 0) {
        struct mm_struct *child = mm_copy(race_mm[0]);

        RCHECK(child != NULL);
        mm_put_user(child);
        return;
    }
    mm_use(race_mm[0]);
    for (unsigned k = 0; k < 5; k++) {
        RCHECK(user_load(at, &v) && v == r);
        RCHECK(user_store(at + 8 * who, k));
        RCHECK(user_load(at + 8 * who, &v) && v == k);
    }
}

static void
exit_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(race_mm[0], race_page_at(r) + 8) == 4);
        RCHECK(race_get(race_mm[0], race_page_at(r) + 16) == 4);
    }
    RCHECK(anon_count() == race_anons + n);
}

KTEST(vm_race_80_exit_while_relative_writes)
{
    race_test(&(struct race){
        .racers = 3, .begin = exit_begin, .act = exit_act, .end = exit_end});
}

/* --- exit || somebody reaches into the space --- */

static struct mm_struct *child[SET];

static void
reach_begin(void)
{
    exit_begin();
    for (unsigned r = 0; r < SET; r++) {
        child[r] = mm_copy(race_mm[0]);
        RCHECK(child[r] != NULL);
        mm_get(child[r]);
    }
}

static void
reach_into(unsigned r)
{
    uintptr_t at = race_page_at(r) + 24;

    for (uint64_t k = 0; k < 5; k++) {
        bool over = atomic_load_acquire(&race_told[r]) != 0;
        int err = mm_access(child[r], at, &k, sizeof(k), true);

        RCHECK(err == -EFAULT || (err == 0 && !over));
    }
    mm_put(child[r]);
}

static void
reach_act(unsigned who, unsigned r)
{
    if (who == 0) {
        mm_put_user(child[r]);
        atomic_store_release(&race_told[r], 1u);
    } else if (who == 1) {
        reach_into(r);
    } else {
        mm_use(race_mm[0]);
        RCHECK(user_store(race_page_at(r) + 8, 4));
    }
}

static void
reach_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(race_mm[0], race_page_at(r) + 8) == 4);
        RCHECK(race_get(race_mm[0], race_page_at(r) + 24) == 0);
    }
    RCHECK(anon_count() == race_anons + n);
}

KTEST(vm_race_80_access_while_the_space_ends)
{
    race_test(&(struct race){
        .racers = 3, .begin = reach_begin, .act = reach_act, .end = reach_end});
}

/* --- both relatives let go of a page at once, in the order that goes wrong ---
 *
 * The kernel has no point "anon-put"; a mutant has one between two steps that
 * should be one. */

static struct mm_struct *parent[SET];
static uint32_t copied[SET]; /* [a] */
static struct {
    struct thread *thread;
    unsigned round;
} leaver;

static void
leave_hook(const char *point)
{
    unsigned r = leaver.round;

    if (current_thread() != leaver.thread || strcmp(point, "anon-put") != 0 ||
        atomic_load(&race_told[r]) != 0)
        return;
    atomic_store_release(&race_told[r], 1u);
    for (unsigned n = 0; n < LONG && atomic_load(&copied[r]) == 0; n++)
        cpu_wait();
}

/* Each has its own leaf, and both leaves have the first page. */
static void
leave_begin(void)
{
    race_drop_spaces();
    memset(copied, 0, sizeof(copied));
    for (unsigned r = 0; r < SET; r++) {
        parent[r] = race_space(2);
        race_put(parent[r], RACE_AT, 1000 + r);
        child[r] = mm_copy(parent[r]);
        RCHECK(child[r] != NULL);
        race_put(parent[r], RACE_AT + P, r);
    }
}

static void
leave_act(unsigned who, unsigned r)
{
    if (who == 0) {
        leaver.round = r;
        leaver.thread = current_thread();
        mm_put_user(child[r]);
        leaver.thread = NULL;
        atomic_store_release(&race_told[r], 1u);
        return;
    }
    mm_use(parent[r]);
    while (atomic_load_acquire(&race_told[r]) == 0 && race_wait())
        continue;
    RCHECK(user_store(RACE_AT + 8, 5));
    atomic_store(&copied[r], 1u);
}

static void
leave_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++)
        RCHECK(race_get(parent[r], RACE_AT) == 1000 + r);
    RCHECK(anon_count() == race_anons + 2 * n);
    for (unsigned r = 0; r < n; r++)
        mm_put_user(parent[r]);
}

KTEST(vm_order_80_both_let_go_of_a_page)
{
    race_hook = leave_hook;
    race_test(&(struct race){
        .racers = 2, .begin = leave_begin, .act = leave_act, .end = leave_end});
}
