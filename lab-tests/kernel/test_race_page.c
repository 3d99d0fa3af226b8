/* test_race_page.c: faults against those who come from an object's page: who cuts
 * it off, throws it out, or writes it back.  See test_race.c.
 *
 * Whoever threw a page out or wrote it back and still has it locked may rely on
 * it: nobody maps the page, or nobody writes to it.  So he looks at its words
 * twice, with others at work in between (race_still()).  Whoever cut an object
 * may rely on it that nobody shows or has what lies beyond the end. */
#include "race_object.h"

#define P      PAGE_SIZE
#define TURNS  1000u
#define STORES 3000u /* of a writer in a round, at most */

static bool at_once;          /* the disk is */
static uint64_t last[2][SET]; /* [a] what each writer stored last */

/* Until writer I stored something in round R that is newer than N; but its hart
 * may have no processor now. */
static uint64_t
await_store(unsigned i, unsigned r, uint64_t n)
{
    for (unsigned k = 0; k < TURNS && atomic_load(&last[i][r]) <= n; k++)
        (void)race_wait();
    return atomic_load(&last[i][r]);
}

static void
object_begin(void)
{
    race_drop_spaces();
    memset(last, 0, sizeof(last));
    race_object_map(at_once, NULL);
}

/* --- truncate: no page beyond the end is shown, or stays in the cache --- */

/* The second writer has copies of its own. */
static void
truncate_begin(void)
{
    object_begin();
    RCHECK(do_mmap(race_mm[1], RACE_AT, SET * P, VM_READ | VM_WRITE,
                   MAP_PRIVATE | MAP_FIXED, &race_object, 0) == (long)RACE_AT);
}

/* In every other round the page is known to both. */
static void
truncate_page(unsigned r)
{
    if (r % 2) {
        (void)await_store(0, r, 0);
        (void)await_store(1, r, 0);
    }
    RCHECK(object_truncate(&race_object, (SET - 1 - r) * P) == 0);
    atomic_store_release(&race_told[r], 1u);
}

static void
truncate_act(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(SET - 1 - r);
    bool over = false, ok = true;
    uint64_t v = 0;

    if (who == 0) {
        truncate_page(r);
        return;
    }
    mm_use(race_mm[who - 1]);
    for (uint64_t n = 1; ok && n <= STORES; n++) {
        over = atomic_load_acquire(&race_told[r]) != 0;
        ok = user_store(at + 8 * who, n);
        RCHECK(!(over && ok));
        ok = user_load(at, &v);
        RCHECK(!ok || (v == 1000 + SET - 1 - r && !over));
        atomic_store(&last[who - 1][r], n);
    }
}

static void
truncate_after(unsigned who)
{
    uint64_t v;

    for (unsigned r = 0; who > 0 && r < SET; r++)
        RCHECK(!user_load(race_page_at(r), &v));
}

static void
truncate_end(unsigned n)
{
    RCHECK(race_object.npages == 0);
    RCHECK(race_mm[0]->rss == 0 && race_mm[1]->rss == 0);
    RCHECK(anon_count() == race_anons);
    object_put(&race_object);
}

static void
truncate_test(bool fast)
{
    at_once = fast;
    race_test(&(struct race){.racers = 3,
                             .begin = truncate_begin,
                             .act = truncate_act,
                             .after = truncate_after,
                             .end = truncate_end});
}

KTEST(vm_race_52_truncate_and_fault)
{
    truncate_test(false);
}

KTEST(vm_race_52_truncate_and_fault_at_once)
{
    truncate_test(true);
}

/* --- writeback and eviction: no store is lost --- */

static void
clean_pages(unsigned r)
{
    uint64_t n[2] = {0, 0};

    for (unsigned k = 0; k < 4; k++) {
        n[k % 2] = await_store(k % 2, r, n[k % 2]);
        race_clean(r, k == 2);
    }
    atomic_store_release(&race_told[r], 1u);
}

static void
store_shared(unsigned who, unsigned r)
{
    uintptr_t at = race_page_at(r);
    bool over = false;
    uint64_t v = 0;

    for (uint64_t n = 1; !over && n <= STORES; n++) {
        over = atomic_load_acquire(&race_told[r]) != 0;
        RCHECK(user_store(at + 8 * who, n));
        RCHECK(user_load(at + 8 * who, &v) && v == n);
        RCHECK(user_load(at, &v) && v == 1000 + r);
        atomic_store(&last[who - 1][r], n);
    }
}

/* A neighbour comes and goes: so the table is locked now and then. */
static void
disturb(unsigned r)
{
    for (unsigned k = 0; k < 3; k++) {
        RCHECK(user_store(race_page_at(SET + r), k));
        race_evict(race_mm[0], race_page_at(SET + r));
    }
}

static void
clean_act(unsigned who, unsigned r)
{
    if (who == 0) {
        clean_pages(r);
        return;
    }
    mm_use(race_mm[who % 2 ? 0 : 1]);
    if (who == 3)
        disturb(r);
    else
        store_shared(who, r);
}

static void
clean_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        race_clean(r, false); /* now the last stores are written, too */
        RCHECK(race_disk[r][0] == 1000 + r);
        RCHECK(race_disk[r][1] == last[0][r] && race_disk[r][2] == last[1][r]);
    }
    object_put(&race_object);
}

static void
clean_test(bool fast)
{
    at_once = fast;
    race_test(&(struct race){.racers = 4,
                             .begin = object_begin,
                             .act = clean_act,
                             .end = clean_end});
}

KTEST(vm_race_48_writeback_and_store)
{
    clean_test(false);
}

KTEST(vm_race_48_writeback_and_store_at_once)
{
    clean_test(true);
}
