/* nice.h: how much of a hart a thread gets beside others, as programs say it: from
 * -20, most, to 19.  Adds to schedule/thread.h; a first reader may skip it. */
#ifndef KERN_EXT_SCHEDULE_NICE_H
#define KERN_EXT_SCHEDULE_NICE_H

#include "schedule/thread.h"

#define NICE_MIN (-20)
#define NICE_MAX 19

int thread_nice(const struct thread *t);
/* NICE beyond the ends is the end.  The stride policy follows it from now on, round
 * robin does not. */
void thread_set_nice(struct thread *t, int nice);

#endif
