/* trace.c: adds the memory of debug/trace.h; a first reader may skip it.
 *
 * A ring of the last events per hart; only its hart writes to it, so
 * there is no lock.  A reader may see an entry that is being overwritten; for a
 * picture after the fact that is good enough. */
#include "ext/debug/tracering.h"

#include "debug/printk.h"

#define RING_SIZE 128

struct ring {
    uint64_t next; /* events ever recorded */
    struct trace_event event[RING_SIZE];
} CACHE_ALIGNED;

static struct ring rings[NCPU_MAX];

static const char *const names[TRACE_COUNT] = {
#define X(id, name, fmt) [id] = name,
    TRACE_LIST(X)
#undef X
};

void
trace_record(enum trace_id id, uint64_t a, uint64_t b)
{
    struct ring *r;
    struct trace_event *e;

    irq_off();
    r = &rings[this_cpu()->id];
    e = &r->event[r->next++ % RING_SIZE];
    *e = (struct trace_event){.time = time_now(), .id = id, .a = a, .b = b};
    irq_restore();
}

static void
print_event(unsigned cpu, const struct trace_event *e)
{
    cprintf("  %12lu hart %u %-7s ", e->time, cpu, names[e->id]);
    switch (e->id) {
#define X(id, name, fmt)          \
    case id:                      \
        cprintf(fmt, e->a, e->b); \
        break;
        TRACE_LIST(X)
#undef X
    }
    cprintf("\n");
}

/* The event of hart CPU that is AGE events old; NULL if it is forgotten. */
static const struct trace_event *
event_of_age(unsigned cpu, unsigned age)
{
    const struct ring *r = &rings[cpu];

    if (age >= RING_SIZE || age >= r->next)
        return NULL;
    return &r->event[(r->next - 1 - age) % RING_SIZE];
}

bool
trace_read(unsigned cpu, unsigned age, struct trace_event *e)
{
    const struct trace_event *found = event_of_age(cpu, age);

    if (found != NULL)
        *e = *found;
    return found != NULL;
}

void
trace_dump(unsigned n)
{
    unsigned age[NCPU_MAX] = {0}; /* how many of each hart to print */

    /* Choose the N latest: take the latest remaining one, N times. */
    for (unsigned i = 0; i < n; i++) {
        unsigned best = NCPU_MAX;

        for (unsigned c = 0; c < ncpu; c++) {
            const struct trace_event *e = event_of_age(c, age[c]);

            if (e != NULL && (best == NCPU_MAX ||
                              e->time > event_of_age(best, age[best])->time))
                best = c;
        }
        if (best == NCPU_MAX)
            break;
        age[best]++;
    }
    /* Print them the other way round: the oldest first. */
    for (;;) {
        unsigned best = NCPU_MAX;

        for (unsigned c = 0; c < ncpu; c++) {
            if (age[c] > 0 && (best == NCPU_MAX ||
                               event_of_age(c, age[c] - 1)->time <
                                   event_of_age(best, age[best] - 1)->time))
                best = c;
        }
        if (best == NCPU_MAX)
            return;
        print_event(best, event_of_age(best, --age[best]));
    }
}
