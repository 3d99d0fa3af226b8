/* condvar.h: adds to sync/mutex.c, for labs and tests; a first reader may skip
 * it.  Wait inside a monitor (Hansen, Hoare; Mesa's rule: the woken
 * thread competes for the mutex again and must test its condition again). */
#ifndef KERN_SYNC_CONDVAR_H
#define KERN_SYNC_CONDVAR_H

#include "sync/mutex.h"

struct condvar {
    struct wait_queue wq;
};

void cond_init(struct condvar *c);
/* => M held; dropped while asleep, held again on return */
void cond_wait(struct condvar *c, struct mutex *m);
int cond_wait_until(struct condvar *c, struct mutex *m, uint64_t deadline);
void cond_signal(struct condvar *c);
void cond_broadcast(struct condvar *c);

#endif
