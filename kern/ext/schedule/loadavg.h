/* loadavg.h: how many threads run or want to, on average; adds to schedule/sched.h, a
 * first reader may skip it. */
#ifndef KERN_EXT_SCHEDULE_LOADAVG_H
#define KERN_EXT_SCHEDULE_LOADAVG_H

#include <stdint.h>

#define LOAD_SHIFT 11 /* bits behind the point */

/* Over the last 1, 5 and 15 minutes.  WEAK: 0 */
void load_average(uint64_t load[3]);

#endif
