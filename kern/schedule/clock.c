/* clock.c: ticks of the machine's clock, and nanoseconds. */
#include "schedule/clock.h"
#include "arch/riscv/csr.h"
#include "schedule/timeout.h"
#include <atomic.h>

static int64_t boot_date; /* [a] wall_ns() - uptime_ns() */

int64_t
uptime_ns(void)
{
    uint64_t t = time_now(), hz = timebase_hz;

    return (int64_t)(t / hz * NS + t % hz * NS / hz);
}

int64_t
wall_ns(void)
{
    return uptime_ns() + atomic_load(&boot_date);
}

void
wall_set(int64_t ns)
{
    atomic_store(&boot_date, ns - uptime_ns());
}

uint64_t
ticks_at(int64_t uptime)
{
    uint64_t ns = uptime < 0 ? 0 : (uint64_t)uptime, hz = timebase_hz;

    return ns / NS * hz + ns % NS * hz / NS + 1;
}
