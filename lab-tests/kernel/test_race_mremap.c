/* test_race_mremap.c: entries move to another address while somebody comes from
 * the page, by chance, and in the order that goes wrong if a step is left out.
 * See test_race.c and test_order.c.
 *
 * Whoever took a page away and still has its anon locked may rely on it: nobody
 * maps the page.  So he looks at its words twice, with others at work in between
 * (race_still()). */
#include "ext/mm/mapcalls.h"
#include "ext/mm/migrate.h"
#include "mm/rmap.h"
#include "race.h"

#define P      PAGE_SIZE
#define TURNS  1000u
#define LONG   200000u
#define STORES 3000u /* of a writer in a round, at most */

static uint64_t last[SET]; /* [a] what the writer stored last */

/* Until the writer stored something in round R that is newer than N; but its hart
 * may have no processor now. */
static uint64_t
await_store(unsigned r, uint64_t n)
{
    for (unsigned k = 0; k < TURNS && atomic_load(&last[r]) <= n; k++)
        (void)race_wait();
    return atomic_load(&last[r]);
}

/* --- mremap: an entry moves while somebody takes it away --- */

static struct anon *anon[SET];

/* Each is alone in its table, which so comes and goes. */
static uintptr_t
place(unsigned r, unsigned i)
{
    return RACE_AT + ((uintptr_t)i << 30) + r * pte_span(1);
}

static void
moves_begin(void)
{
    race_drop_spaces();
    memset(last, 0, sizeof(last));
    race_mm[0] = mm_create();
    for (unsigned r = 0; r < SET; r++) {
        struct page *page;

        RCHECK(do_mmap(race_mm[0], place(r, 0), P, VM_READ | VM_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) > 0);
        race_put(race_mm[0], place(r, 0), 1000 + r);
        page = race_page(race_mm[0], place(r, 0));
        anon[r] = (struct anon *)page->owner;
        page_put(page);
    }
}

/* There and back, and not before the writer knows the page where it is. */
static void
move_page(unsigned r)
{
    uint64_t n = 0;

    for (unsigned k = 0; k < 2; k++) {
        uintptr_t to = place(r, (k + 1) % 2);

        n = await_store(r, n);
        RCHECK(do_mremap(race_mm[0], place(r, k % 2), P, P,
                         MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
    }
    atomic_store(&race_told[r], 1u);
}

static void
store_wherever(unsigned r)
{
    uint64_t v = 0;
    uint64_t n = 1;
    unsigned k = 0;

    for (unsigned i = 0; i < STORES && atomic_load(&race_told[r]) == 0; i++) {
        if (!user_store(place(r, k) + 8, n)) {
            k = 1 - k;
            continue;
        }
        atomic_store(&last[r], n++);
        if (user_load(place(r, k) + 8, &v))
            RCHECK(v == n - 1);
    }
}

static void
take_page(struct anon *a, bool other_frame)
{
    struct page *page;

    spin_lock(&a->lock);
    page = a->page;
    page_get(page);
    page_unmap(page);
    race_still(page, true, STILL);
    spin_unlock(&a->lock);
    if (other_frame)
        (void)migrate_page(page);
    page_put(page);
}

static void
moves_act(unsigned who, unsigned r)
{
    mm_use(race_mm[0]);
    if (who == 0)
        move_page(r);
    else if (who == 1)
        store_wherever(r);
    else
        for (unsigned k = 0; k < 3; k++)
            take_page(anon[r], k % 2);
}

static void
moves_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(race_mm[0], place(r, 0)) == 1000 + r);
        RCHECK(race_get(race_mm[0], place(r, 0) + 8) == last[r]);
        RCHECK(do_munmap(race_mm[0], place(r, 0), P) == 0);
    }
    RCHECK(anon_count() == race_anons && race_mm[0]->rss == 0);
    RCHECK(race_mm[0]->stat[MM_PT_ALLOC] == race_mm[0]->stat[MM_PT_FREE] + 1);
}

KTEST(vm_race_97_page_taken_while_it_moves)
{
    race_test(&(struct race){
        .racers = 3, .begin = moves_begin, .act = moves_act, .end = moves_end});
}

/* --- who stored at the old address, does not any more --- */

/* Neither of the two tables goes: that would make all forget everything. */
static uintptr_t
near(unsigned r, unsigned i)
{
    return RACE_AT + ((uintptr_t)i << 30) + r * P;
}

static void
near_begin(void)
{
    race_drop_spaces();
    memset(last, 0, sizeof(last));
    race_mm[0] = race_space(SET + 1);
    for (unsigned r = 0; r <= SET; r++)
        race_put(race_mm[0], near(r, 0), 1000 + r);
    RCHECK(do_mmap(race_mm[0], near(SET, 1), P, VM_READ | VM_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) > 0);
    race_put(race_mm[0], near(SET, 1), 1);
}

static void
near_act(unsigned who, unsigned r)
{
    bool ok = true;

    mm_use(race_mm[0]);
    if (who == 0) {
        (void)await_store(r, 0);
        RCHECK(do_mremap(race_mm[0], near(r, 0), P, P,
                         MREMAP_MAYMOVE | MREMAP_FIXED,
                         near(r, 1)) == (long)near(r, 1));
        atomic_store_release(&race_told[r], 1u);
        return;
    }
    for (uint64_t n = 1; ok && n <= STORES; n++) {
        bool over = atomic_load_acquire(&race_told[r]) != 0;

        ok = user_store(near(r, 0) + 8, n);
        RCHECK(!(over && ok));
        if (ok)
            atomic_store(&last[r], n);
    }
}

static void
near_after(unsigned who)
{
    for (unsigned r = 0; who == 1 && r < SET; r++)
        RCHECK(!user_store(near(r, 0) + 8, 0));
}

static void
near_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        RCHECK(race_get(race_mm[0], near(r, 1)) == 1000 + r);
        RCHECK(race_get(race_mm[0], near(r, 1) + 8) == last[r]);
    }
}

KTEST(vm_race_97_store_while_it_moves)
{
    race_test(&(struct race){.racers = 2,
                             .begin = near_begin,
                             .act = near_act,
                             .after = near_after,
                             .end = near_end});
}

/* --- the first one in the order that goes wrong (see test_order.c) ---
 *
 * Thread 0 moves the entry and waits at a point of the kernel, while thread 2
 * takes the page away and thread 1 stores at the old address. */

static struct {
    struct thread *thread;
    unsigned round;
    const char *point;
    unsigned turns; /* it waits for who is at it; if he is not kept out, LONG */
} mover;
static uint32_t begun[SET], taken[SET]; /* [a] */

static void
stay(const uint32_t *flag, unsigned turns)
{
    for (unsigned n = 0; n < turns && atomic_load(flag) == 0; n++)
        cpu_wait();
}

static void
moved_hook(const char *point)
{
    unsigned r = mover.round;

    if (current_thread() != mover.thread || strcmp(point, mover.point) != 0)
        return;
    atomic_store_release(&race_told[r], 1u);
    stay(&begun[r], LONG);
    stay(&taken[r], mover.turns);
}

static void
moved_begin(void)
{
    moves_begin();
    memset(begun, 0, sizeof(begun));
    memset(taken, 0, sizeof(taken));
}

static void
take_meanwhile(unsigned r)
{
    while (atomic_load(&race_told[r]) == 0 && race_wait())
        continue;
    atomic_store(&begun[r], 1u);
    take_page(anon[r], false);
    atomic_store(&taken[r], 1u);
}

static void
moved_act(unsigned who, unsigned r)
{
    mm_use(race_mm[0]);
    if (who == 0) {
        (void)await_store(r, 0);
        mover.round = r;
        mover.thread = current_thread();
        RCHECK(do_mremap(race_mm[0], place(r, 0), P, P,
                         MREMAP_MAYMOVE | MREMAP_FIXED,
                         place(r, 1)) == (long)place(r, 1));
        mover.thread = NULL;
        atomic_store(&race_told[r], 1u); /* without race points */
    } else if (who == 1) {
        for (uint64_t n = 1;
             atomic_load(&taken[r]) == 0 && user_store(place(r, 0) + 8, n); n++)
            atomic_store(&last[r], n);
    } else {
        take_meanwhile(r);
    }
}

static void
moved_end(unsigned n)
{
    for (unsigned r = 0; r < n; r++) {
        struct page *page;

        RCHECK(race_get(race_mm[0], place(r, 1)) == 1000 + r);
        RCHECK(race_get(race_mm[0], place(r, 1) + 8) == last[r]);
        page = race_page(race_mm[0], place(r, 1));
        RCHECK(page != NULL && page->mapcount == 1);
        page_put(page);
    }
}

static void
moved_test(const char *point, unsigned turns)
{
    mover.point = point;
    mover.turns = turns;
    race_hook = moved_hook;
    race_test(&(struct race){
        .racers = 3, .begin = moved_begin, .act = moved_act, .end = moved_end});
}

KTEST(vm_order_97_taken_while_the_entry_is_out)
{
    moved_test("entry-out", TURNS);
}

KTEST(vm_order_97_taken_before_the_entry_is_in)
{
    moved_test("entry-moved", TURNS);
}

KTEST(vm_order_97_taken_before_mremap_ends)
{
    moved_test("entries-moved", LONG);
}
