/* test_replace.c: which page goes: the table of replacement of docs/design/mm.md,
 * and traces whose victims tools/ktest.py holds against tools/faultmodel. */
#include "driver/event.h"
#include "mm/kmalloc.h"
#include "replay.h"
#include "swap_ram.h"
#include "swap_world.h"
#include "touch.h"

#define POLICIES 5
static const char *const policies[] = {"fifo",   "lru",      "clock",
                                       "second", "enhanced", "wsclock"};

/* Who goes was found within a turn. */
static bool
one_turn_each(const struct outcome *o, unsigned frames)
{
    return o->looked <= o->nvictims * frames;
}

/* --- the table, 1.9 --- */

#define UCORE  "wa wb wc wd wc wa wd wb we wb wa wb wc wd we ra wa"
#define BELADY "ra rb rc rd ra rb re ra rb rc rd re"
#define MIXED  "wa rb wc rd ra rb re wa rb rc rd re"
#define LOOP   "ra rb rc rd re ra rb rc rd re ra rb rc rd re ra rb rc rd re"

static const struct {
    const char *text;
    unsigned frames;
    struct {
        unsigned faults, writes;
    } want[POLICIES]; /* in the order of policies[] */
} table[] = {
    {UCORE, 4, {{11, 7}, {9, 5}, {9, 5}, {9, 5}, {9, 5}}},
    {UCORE, 3, {{10, 7}, {12, 9}, {10, 7}, {10, 7}, {10, 7}}},
    {UCORE, 5, {{5, 0}, {5, 0}, {5, 0}, {5, 0}, {5, 0}}},
    {BELADY, 3, {{9, 0}, {10, 0}, {9, 0}, {9, 0}, {9, 0}}},
    {BELADY, 4, {{10, 0}, {8, 0}, {10, 0}, {10, 0}, {10, 0}}},
    {MIXED, 3, {{9, 3}, {10, 3}, {9, 3}, {9, 3}, {9, 2}}},
    {MIXED, 4, {{10, 3}, {8, 2}, {10, 3}, {10, 3}, {8, 0}}},
    {LOOP, 4, {{20, 0}, {20, 0}, {20, 0}, {20, 0}, {20, 0}}},
};

KTEST(vm_row_71_the_table_of_replacement)
{
    struct access a[32];
    struct outcome o = {0};

    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        size_t n = trace_script(a, table[i].text);

        for (unsigned k = 0; k < POLICIES; k++) {
            replay(policies[k], table[i].frames, 8, a, n, &o);
            CHECK(one_turn_each(&o, table[i].frames));
            if (o.faults == table[i].want[k].faults &&
                o.writes == table[i].want[k].writes)
                continue;
            cprintf("%s, %u frames, %s: %lu, %lu\n", policies[k],
                    table[i].frames, table[i].text, o.faults, o.writes);
            CHECK(!"the table says so");
        }
    }
}

/* --- traces, for the host's model --- */

#define TRACES 20
#define REFS   256
#define A_LINE 128 /* victims in one record */

/* "victims POLICY FRAMES KIND SEED REFS PAGES FAULTS WRITES a b ..." as letters */
static void
tell(const char *policy, unsigned frames, const char *kind, uint64_t seed,
     unsigned pages, const struct outcome *o)
{
    char letters[A_LINE + 1];

    for (size_t from = 0; from == 0 || from < o->nvictims; from += A_LINE) {
        size_t n = MIN(o->nvictims - from, (size_t)A_LINE);

        for (size_t i = 0; i < n; i++)
            letters[i] = (char)('a' + o->victims[from + i]);
        letters[n] = '\0';
        event("victims", "%s %u %s %lu %u %u %lu %lu %s", policy, frames, kind,
              seed, REFS, pages, o->faults, o->writes, letters);
    }
}

KTEST(vm_row_71_victims_of_seeded_traces)
{
    struct access *a = kmalloc(REFS * sizeof(*a));
    struct outcome o = {.victims = kmalloc(REFS)};

    for (uint64_t seed = ktest_seed; seed < ktest_seed + TRACES; seed++) {
        unsigned frames = 3 + seed % 6, pages = 9 + seed % 8;
        bool zipf = seed % 2 == 0;

        if (zipf)
            trace_zipf(a, REFS, seed, pages);
        else
            trace_local(a, REFS, seed, pages, 50);
        for (unsigned k = 0; k < ARRAY_LEN(policies); k++) {
            replay(policies[k], frames, pages, a, REFS, &o);
            CHECK(o.nvictims >= 20 && one_turn_each(&o, frames));
            tell(policies[k], frames, zipf ? "zipf" : "local", seed, pages, &o);
        }
    }
    kfree(o.victims);
    kfree(a);
}

/* --- how often they err --- */

/* Clock within a tenth of LRU where few pages are used often and many rarely; and
 * the enhanced clock writes fewer pages where some accesses are stores.  make bench
 * prints more of it. */
KTEST(vm_row_71_clock_is_near_lru_and_enhanced_writes_less)
{
    const size_t refs = 1500;
    struct access *a = kmalloc(2 * refs * sizeof(*a)), *mixed = a + refs;

    trace_zipf(a, refs, ktest_seed, 48);
    trace_local(mixed, refs, ktest_seed, 48, 30);
    for (unsigned frames = 12; frames <= 24; frames += 12) {
        struct outcome lru = {0}, clock = {0}, enhanced = {0};

        replay("lru", frames, 48, a, refs, &lru);
        replay("clock", frames, 48, a, refs, &clock);
        CHECK(clock.faults * 10 <= lru.faults * 11);
        replay("clock", frames, 48, mixed, refs, &clock);
        replay("enhanced", frames, 48, mixed, refs, &enhanced);
        CHECK(enhanced.writes < clock.writes);
    }
    kfree(a);
}

/* --- another policy takes over --- */

KTEST(vm_row_71_another_policy_takes_all_pages_over)
{
    struct swap_ram *r = swap_ram_on(64);
    uintptr_t at;
    struct mm_struct *mm = space_of(12, 6, "fifo", &at);
    uint64_t state = ktest_seed;

    fill(mm, at, 12, 300);
    for (unsigned i = 0; i < 40; i++) {
        const char *name = policies[i % ARRAY_LEN(policies)];

        set_quota(mm, at, 12, 6, name);
        CHECK(mm->scope->nr == 6 && resident(mm, at, 12) == 6);
        for (unsigned n = 0; n < 10; n++) {
            uint64_t x = ktest_random(&state);

            CHECK(get(mm, at + x % 12 * PG) == 300 + x % 12);
            if (x >> 8 & 1)
                swap_tick(mm->scope);
        }
        CHECK(mm->scope->nr == 6);
    }
    mm_put_user(mm);
    swap_ram_off(r);
}

/* With all pages used, and none that may go, a turn ends, too. */
KTEST(vm_row_71_nobody_may_go)
{
    struct swap_ram *r = swap_ram_on(64);

    for (unsigned k = 0; k < ARRAY_LEN(policies); k++) {
        uintptr_t at;
        struct mm_struct *mm = space_of(8, 8, policies[k], &at);
        uint64_t looked;

        fill(mm, at, 8, 1);
        CHECK(do_mlock(mm, at, 8 * PG, 0) == 0);
        looked = mm->stat[MM_RESCAN];
        CHECK(swap_out(mm->scope, 1) == 0 && mm->scope->nr == 8);
        CHECK(mm->stat[MM_RESCAN] - looked <= 9);
        CHECK(do_munlock(mm, at, 8 * PG) == 0);
        CHECK(swap_out(mm->scope, 8) == 8 && filled(mm, at, 8, 1));
        mm_put_user(mm);
    }
    swap_ram_off(r);
}
