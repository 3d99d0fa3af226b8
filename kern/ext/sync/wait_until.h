/* wait_until.h: adds deadlines to sync/wait.c; a first reader may skip it. */
#ifndef KERN_SYNC_WAIT_UNTIL_H
#define KERN_SYNC_WAIT_UNTIL_H

#include "sync/wait.h"

/* As wait_sleep(), but at most until time_now() reaches DEADLINE.  Returns 0
 * when woken, -ETIMEDOUT otherwise. */
int wait_sleep_until(struct wait_queue *wq, uint64_t deadline);

/* As wait_finish(), in the same way. */
int wait_finish_until(struct wait_queue *wq, struct waiter *w,
                      uint64_t deadline);

#endif
