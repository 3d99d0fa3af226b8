/* clock.h: what time it is, in nanoseconds.
 *
 *     time_now()  --/ timebase_hz-->  uptime_ns()  --+ what the date was at boot-->
 *     wall_ns()
 *
 * The second step is known once somebody has said the date: a chip
 * (kern/ext/driver) or a program.  Until then the machine was started in 1970. */
#ifndef KERN_SCHEDULE_CLOCK_H
#define KERN_SCHEDULE_CLOCK_H

#include <stdint.h>

#define NS 1000000000ll

/* Since boot. */
int64_t uptime_ns(void);

/* Since 1970-01-01, UTC. */
int64_t wall_ns(void);

/* It is NS nanoseconds since 1970 now. */
void wall_set(int64_t ns);

/* The time_now() when UPTIME nanoseconds have passed since boot; not before. */
uint64_t ticks_at(int64_t uptime);

#endif
