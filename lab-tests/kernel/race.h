/* race.h: rounds of a few threads that do something at the same time.
 *
 *     begin()           one thread prepares a set of rounds
 *     act(who, r)       all, thread WHO on hart WHO, for each round of the set
 *     after(who)        all, when all are through
 *     end(n)            one thread looks at what came out of N rounds
 *
 * Between these steps all threads sleep until the last one is there.  From one
 * round of a set to the next they only wait a little for each other: a machine
 * with fewer processors than harts must not spend its time in waiting.
 *
 * Boot argument rounds= says how many.  In build/races.img the kernel delays
 * harts between its own steps, by chance (seed=), see libs/race.h.  No verdict
 * depends on time: only on data and counts. */
#ifndef LAB_TESTS_KERNEL_RACE_H
#define LAB_TESTS_KERNEL_RACE_H

#include "ktest.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include <string.h>

#define RACERS 4

#define SET 16 /* rounds */

struct race {
    unsigned racers; /* 2 .. RACERS */
    void (*begin)(void);
    void (*act)(unsigned who, unsigned r); /* r < SET */
    void (*after)(unsigned who);           /* may be NULL */
    void (*end)(unsigned n);
};

/* Ends early after a round in which a check failed. */
void race_run(const struct race *r);

/* As CHECK(), and the last round was this one. */
#define RCHECK(x)                                \
    do {                                         \
        if (!(x))                                \
            race_failed(__FILE__, __LINE__, #x); \
    } while (0)
void race_failed(const char *file, int line, const char *what);
/* What a test does at each point, in races.img only; NULL: nothing. */
extern void (*race_hook)(const char *point);
/* One turn of a loop that waits for another thread; false: no use waiting. */
bool race_wait(void);

/* One aligned word of the space the thread uses, through the hart's own
 * translation, with all the faults that takes.  False: SIGSEGV or SIGBUS. */
bool user_load(uintptr_t at, uint64_t *v);
bool user_store(uintptr_t at, uint64_t v);

/* What most tests work on; race_drop_spaces() before each set of rounds. */
extern struct mm_struct *race_mm[RACERS];
extern uint32_t race_told[SET]; /* [a] the round's news are out */
extern size_t race_anons;       /* that there were before the first round */
/* The spaces of race_mm end, and race_told is zeros. */
void race_drop_spaces(void);
/* race_run(), and nothing is left behind. */
void race_test(const struct race *r);

/* A space with PAGES of anonymous memory at RACE_AT, alone in its tables. */
#define RACE_AT (3ul << 30)
static inline uintptr_t
race_page_at(unsigned i)
{
    return RACE_AT + i * PAGE_SIZE;
}
struct mm_struct *race_space(unsigned pages);
void race_map(struct mm_struct *mm, unsigned pages);
/* A word of MM, by the tables. */
uint64_t race_get(struct mm_struct *mm, uintptr_t at);
void race_put(struct mm_struct *mm, uintptr_t at, uint64_t v);

/* The page the entry of AT shows, with a reference; NULL: none, or zeros. */
struct page *race_page(struct mm_struct *mm, uintptr_t at);
/* Take that private page's entries away, as one who comes from the page: through
 * its records, whoever's they are.  Whoever took the entries away and keeps out
 * new ones may rely on it: see race_still(). */
void race_evict(struct mm_struct *mm, uintptr_t at);
/* The same of a page that was private a moment ago. */
void race_take(struct page *page);
/* The first words of PAGE stay as they are, though others try to change them for
 * TURNS; nor has it entries, UNMAPPED or not writable ones.  => what keeps out
 * such entries is held */
#define STILL 100u
void race_still(struct page *page, bool unmapped, unsigned turns);

#endif
