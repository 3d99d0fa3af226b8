/* sem.h: adds to sync/wait.c, for labs and tests; a first reader may skip it.
 * A counting semaphore (Dijkstra's P is down, V is up).
 * => sem_down() may sleep; sem_up() may be called from an interrupt. */
#ifndef KERN_SYNC_SEM_H
#define KERN_SYNC_SEM_H

#include "sync/wait.h"

struct semaphore {
    struct wait_queue wq;
    unsigned value; /* [wq.lock] */
};

void sem_init(struct semaphore *s, unsigned value);
void sem_down(struct semaphore *s);
bool sem_try_down(struct semaphore *s);
/* Returns 0, or -ETIMEDOUT when time_now() reached DEADLINE first. */
int sem_down_until(struct semaphore *s, uint64_t deadline);
void sem_up(struct semaphore *s);

#endif
