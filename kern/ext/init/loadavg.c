/* loadavg.c: adds the load average to schedule/sched.h; a first reader may skip it.
 *
 * Every five seconds the threads that run or want to are counted, and each of three
 * numbers moves towards the count: after M minutes, what was counted before weighs
 * 1/e.  With f = e^(-5 s / M min) in fixed point:
 *
 *     load = load * f + count * (1 - f) */
#include "ext/schedule/loadavg.h"

#include "init/initcall.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include <atomic.h>

#define ONE     (1ul << LOAD_SHIFT)
#define SECONDS 5u

static const uint16_t factors[3] = {1884, 2014, 2037};
static uint64_t loads[3]; /* [a] written by the timer */
static struct timeout timer;

static void
count_one(struct thread *t, void *arg)
{
    uint32_t state = atomic_load(&t->state);

    *(uint64_t *)arg += state == THREAD_READY || state == THREAD_RUNNING;
}

static void
sample(struct timeout *t)
{
    uint64_t count = 0;

    thread_for_each(count_one, &count);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t old = atomic_load(&loads[i]), now = count * ONE;
        uint64_t sum = old * factors[i] + now * (ONE - factors[i]);

        /* Rounded up on the way up, or it would never arrive. */
        atomic_store(&loads[i], (sum + (now >= old ? ONE - 1 : 0)) / ONE);
    }
    timeout_arm(t, time_now() + SECONDS * timebase_hz, sample);
}

void
load_average(uint64_t load[3])
{
    for (unsigned i = 0; i < 3; i++)
        load[i] = atomic_load(&loads[i]);
}

static void
begin(const struct machine *m)
{
    timeout_arm(&timer, time_now() + SECONDS * timebase_hz, sample);
}

static const struct initcall loadavg_call = {"loadavg", INIT_DISKS, begin};
TABLE_ADD(initcall, loadavg_call);
