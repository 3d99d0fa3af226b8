/* race.c: the machinery of race.h, and the delays of libs/race.h.
 *
 * A delay is a number of turns, not of ticks: mostly none, often few, seldom
 * many.  Which, is drawn per hart from the seed. */
#include "race.h"

#include "driver/event.h"
#include "mm/anon.h"
#include "mm/fault.h"
#include "mm/rmap.h"
#include <race.h>
#include <string.h>

#define SIGN_OF_LIFE 512u /* rounds: so that slow is not taken for dead */

struct mm_struct *race_mm[RACERS];
uint32_t race_told[SET];
size_t race_anons;

static struct {
    const struct race *race;
    struct wait_queue wq;
    unsigned waiting;    /* [wq.lock] at the barrier */
    unsigned gen;        /* [wq.lock] barriers passed */
    uint32_t at[RACERS]; /* [a] round each is in, from 1 */
    unsigned rounds, done;
    bool stop; /* written between two barriers by the first thread */
} run;

static uint32_t bad; /* [a] */

/* --- delays --- */

static struct {
    uint64_t state;
} CACHE_ALIGNED dice[NCPU_MAX];
static bool delays;
void (*race_hook)(const char *point);

#ifdef RACE_POINTS
void
race_delay(const char *point)
{
    uint64_t *state, n;

    if (!delays)
        return;
    if (race_hook != NULL)
        race_hook(point);
    state = &dice[this_cpu()->id].state;
    n = ktest_random(state) ^ (uintptr_t)point >> 3;
    if (n % 4 != 0)
        return;
    n = 1ul << (n >> 8) % 13;
    while (n-- > 0)
        cpu_wait();
}
#endif

/* --- rounds --- */

void
race_failed(const char *file, int line, const char *what)
{
    atomic_store(&bad, 1);
    ktest_fail(file, line, what);
}

bool
race_wait(void)
{
    if (ncpu < run.race->racers)
        sched_yield();
    else
        cpu_wait();
    return atomic_load(&bad) == 0;
}

static void
barrier(void)
{
    unsigned gen;

    spin_lock(&run.wq.lock);
    gen = run.gen;
    if (++run.waiting == run.race->racers) {
        run.waiting = 0;
        run.gen++;
        wait_wake_all(&run.wq);
    }
    while (run.gen == gen)
        wait_sleep(&run.wq);
    spin_unlock(&run.wq.lock);
}

/* Wait for the others to reach this round, but not long: nothing depends on it,
 * and their harts may have no processor now. */
static void
line_up(unsigned who, uint32_t round)
{
    atomic_store(&run.at[who], round);
    for (unsigned i = 0; i < run.race->racers; i++) {
        for (unsigned turns = 0; turns < 200; turns++) {
            if (atomic_load(&run.at[i]) >= round || ncpu < run.race->racers)
                break;
            cpu_wait();
        }
    }
}

static void
racer(unsigned who)
{
    const struct race *race = run.race;

    for (unsigned done = 0;; done += SET) {
        if (who == 0) {
            run.stop = atomic_load(&bad) != 0 || done >= run.rounds;
            if (!run.stop)
                race->begin();
        }
        barrier();
        if (run.stop)
            break;
        for (unsigned r = 0; r < SET; r++) {
            line_up(who, done + r + 1);
            race->act(who, r);
        }
        barrier();
        if (race->after != NULL) {
            race->after(who);
            barrier();
        }
        csr_clear(sstatus, SSTATUS_SUM);
        mm_use(NULL);
        barrier(); /* nobody runs in the spaces any more: they may end */
        if (who == 0) {
            run.done = done + SET;
            if (race->end != NULL)
                race->end(SET);
            if (run.done % SIGN_OF_LIFE == 0 && run.done < run.rounds)
                cprintf("%u rounds\n", run.done);
        }
    }
}

void
race_run(const struct race *race)
{
    memset(&run, 0, sizeof(run));
    wait_init(&run.wq);
    run.race = race;
    run.rounds = ktest_rounds;
    if (ncpu == 1) /* only the tick makes a race */
        run.rounds = MIN(run.rounds, 2u * SET);
    atomic_store(&bad, 0);
    for_each_cpu (c)
        dice[c->id].state = ktest_seed * 0x9e3779b97f4a7c15ul + c->id + 1;
    delays = true;
    ktest_parallel(race->racers, true, racer);
    delays = false;
    race_hook = NULL;
    if (atomic_load(&bad) == 0) {
        cprintf("%u rounds on %u harts\n", run.done, MIN(ncpu, race->racers));
        event("rounds", "%u", run.done);
    }
}

void
race_drop_spaces(void)
{
    for (unsigned i = 0; i < RACERS; i++) {
        if (race_mm[i] != NULL)
            mm_put_user(race_mm[i]);
        race_mm[i] = NULL;
    }
    memset(race_told, 0, sizeof(race_told));
}

void
race_test(const struct race *r)
{
    race_anons = anon_count();
    race_run(r);
    race_drop_spaces();
    CHECK(anon_count() == race_anons);
}

/* --- memory --- */

/* One load or store, with SUM left set: a write of SUM makes some machines forget
 * all translations, and stale ones are what these tests look for. */
#define TRY(instruction, constraint, v)                  \
    ({                                                   \
        uint64_t ok_ = 0;                                \
        if (!(csr_read(sstatus) & SSTATUS_SUM))          \
            csr_set(sstatus, SSTATUS_SUM);               \
        __asm__ volatile("1: " instruction "\n"          \
                         "li %0, 1\n"                    \
                         "2:\n"                          \
                         ".pushsection extable, \"a\"\n" \
                         ".balign 8\n"                   \
                         ".dword 1b, 2b\n"               \
                         ".popsection\n"                 \
                         : "+r"(ok_), constraint(v)      \
                         : "r"(at)                       \
                         : "memory");                    \
        ok_ != 0;                                        \
    })

static bool
fault(unsigned access, uintptr_t at)
{
    return (do_pgfault(current_thread()->mm, access | FAULT_USER, at) &
            VM_FAULT_ERROR) == 0;
}

bool
user_load(uintptr_t at, uint64_t *v)
{
    while (!TRY("ld %1, 0(%2)", "+r", *v))
        if (!fault(FAULT_READ, at))
            return false;
    return true;
}

bool
user_store(uintptr_t at, uint64_t v)
{
    while (!TRY("sd %1, 0(%2)", "+r", v))
        if (!fault(FAULT_WRITE, at))
            return false;
    return true;
}

void
race_map(struct mm_struct *mm, unsigned pages)
{
    RCHECK(do_mmap(mm, RACE_AT, pages * PAGE_SIZE, VM_READ | VM_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
                   0) == (long)RACE_AT);
}

struct mm_struct *
race_space(unsigned pages)
{
    struct mm_struct *mm = mm_create();

    RCHECK(mm != NULL);
    race_map(mm, pages);
    return mm;
}

uint64_t
race_get(struct mm_struct *mm, uintptr_t at)
{
    uint64_t v = ~0ul;

    RCHECK(mm_access(mm, at, &v, sizeof(v), false) == 0);
    return v;
}

void
race_put(struct mm_struct *mm, uintptr_t at, uint64_t v)
{
    RCHECK(mm_access(mm, at, &v, sizeof(v), true) == 0);
}

/* --- entries taken away --- */

struct page *
race_page(struct mm_struct *m, uintptr_t at)
{
    struct page *page = NULL;
    pte_t *pte;

    gate_enter(&m->gate);
    pte = get_pte(m, at, false);
    if (pte != NULL) {
        spin_lock(pte_lock(pte));
        if (pte_load(pte) & PTE_V)
            page = pa_to_page(pte_pa(pte_load(pte)));
        if (page != NULL && (page->flags & PG_ZERO))
            page = NULL;
        if (page != NULL)
            page_get(page);
        spin_unlock(pte_lock(pte));
    }
    gate_leave(&m->gate);
    return page;
}

static bool
note_writable(struct page *page, pte_t *pte, void *found)
{
    if (pte_load(pte) & PTE_W)
        *(bool *)found = true;
    return false;
}

static void
check_entries(struct page *page, bool unmapped)
{
    bool found = false;

    if (unmapped) {
        RCHECK(atomic_load(&page->mapcount) == 0);
    } else {
        (void)rmap_look(page, note_writable, &found);
        RCHECK(!found);
    }
}

void
race_still(struct page *page, bool unmapped, unsigned turns)
{
    const volatile uint64_t *word = page_to_va(page);
    uint64_t was[RACERS + 1];

    check_entries(page, unmapped);
    for (unsigned i = 0; i < ARRAY_LEN(was); i++)
        was[i] = word[i];
    for (unsigned n = 0; n < turns; n++)
        cpu_wait();
    for (unsigned i = 0; i < ARRAY_LEN(was); i++)
        RCHECK(word[i] == was[i]);
    check_entries(page, unmapped);
}

void
race_take(struct page *page)
{
    struct anon *a = (struct anon *)atomic_load_acquire(&page->owner);

    if (a == NULL)
        return;
    spin_lock(&a->lock);
    if (atomic_load(&a->page) == page) {
        page_unmap(page);
        race_still(page, true, STILL);
    }
    spin_unlock(&a->lock);
}

void
race_evict(struct mm_struct *m, uintptr_t at)
{
    struct page *page = race_page(m, at);

    if (page == NULL)
        return;
    race_take(page);
    page_put(page);
}
