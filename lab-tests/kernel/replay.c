/* replay.c: accesses to pages, made by this hart in a space with a quota. */
#include "replay.h"

#include "ext/mm/observe.h"
#include "swap_ram.h"
#include "swap_world.h"
#include "touch.h"

/* --- traces --- */

static uint64_t
below(uint64_t *state, uint64_t n)
{
    return ktest_random(state) % n;
}

void
trace_local(struct access *a, size_t n, uint64_t seed, unsigned pages,
            unsigned writes)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && below(&seed, 100) < 40)
            a[i].page = a[i - 1 - below(&seed, MIN(4ul, i))].page;
        else
            a[i].page = (uint8_t)below(&seed, pages);
        a[i].write = below(&seed, 100) < writes;
    }
}

void
trace_zipf(struct access *a, size_t n, uint64_t seed, unsigned pages)
{
    uint64_t total = 0;

    for (unsigned i = 1; i <= pages; i++)
        total += 1000000 / i;
    for (size_t k = 0; k < n; k++) {
        uint64_t x = below(&seed, total);
        unsigned i = 0;

        while (x >= 1000000 / (i + 1))
            x -= 1000000 / ++i;
        a[k].page = (uint8_t)i;
        a[k].write = below(&seed, 100) < 30;
    }
}

size_t
trace_script(struct access *a, const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2)
        a[n++] =
            (struct access){(uint8_t)(text[1] - 'a'), (bool)(text[0] == 'w')};
    return n;
}

/* --- what they cost --- */

/* Who of the pages at AT left since THERE was right, which becomes so again. */
static void
note_victims(struct mm_struct *mm, uintptr_t at, unsigned pages, bool *there,
             struct outcome *o)
{
    for (unsigned i = 0; i < pages; i++) {
        bool now = page_at(mm, at + i * PG) != NULL;

        if (there[i] && !now) {
            if (o->victims != NULL)
                o->victims[o->nvictims] = (uint8_t)i;
            o->nvictims++;
        }
        there[i] = now;
    }
}

void
replay(const char *policy, unsigned frames, unsigned pages,
       const struct access *a, size_t n, struct outcome *o)
{
    struct swap_ram *r = swap_ram_on(4ul * pages);
    static bool there[256];
    uintptr_t at;
    struct mm_struct *mm = space_of(pages, frames, policy, &at);
    struct marks m;

    for (size_t i = 0; i < pages; i++) /* else a read shows the zero page */
        CHECK(touch(mm, at + i * PG, STORE) > 0);
    all_out(mm);
    memset(there, 0, sizeof(there));
    mark(&m, mm);
    o->nvictims = 0;
    for (size_t i = 0; i < n; i++) {
        if (touch(mm, at + a[i].page * PG, a[i].write ? STORE : LOAD) > 0)
            note_victims(mm, at, pages, there, o);
        CHECK(there[a[i].page]);
        swap_tick(mm->scope);
    }
    o->faults = since(&m, MM_SWPIN);
    o->writes = since(&m, MM_SWPOUT);
    o->looked = since(&m, MM_RESCAN);
    CHECK(since(&m, MM_ANON) == 0 && since(&m, MM_MAJ) == o->faults);
    CHECK(mmstat_lost_faults(mm) == 0);
    mm_put_user(mm);
    CHECK(swap_slots_used() == 0);
    swap_ram_off(r);
}
