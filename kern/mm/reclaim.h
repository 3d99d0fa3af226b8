/* reclaim.h: memory is got back when it becomes short.
 *
 *     free pages
 *       high   the thread stops                               1.5 min
 *       low    the thread is woken                            1.25 min
 *       min    who writes or reads files waits for it first   about sqrt(16 RAM)
 *       0      who fails to get a page asks it, and tries again
 */
#ifndef KERN_MM_RECLAIM_H
#define KERN_MM_RECLAIM_H

#include "mm/object.h"
#include "mm/pmm.h"

/* Start the thread; once, at boot, in a thread. */
void reclaim_start(void);

/* Have the thread get back N pages, and more if fewer than the high mark are free,
 * and wait until it has tried, once.  Returns how many it got.  0 at once if the
 * caller holds a lock that write-back may want.
 * => may sleep; no page locked, no journal handle open */
size_t reclaim(size_t n);

/* There is no memory, and reclaim() got none back: somebody is killed.  False: the
 * caller should give up; it may be who was killed.  ext/process/oom.c, if linked, takes
 * the place of one that always says so.
 * => may sleep; no lock from RANK_OOM on */
bool oom_rescue(void);

/* Before taking memory for pages of files. => as reclaim() */
static inline void
memory_wait(void)
{
    if (unlikely(memory_short()))
        (void)reclaim(0);
}

/* PAGE, of which the caller has a reference, leaves OBJ if it is clean, and neither
 * busy, locked into memory, pinned, nor referenced by anybody else.  Whoever maps
 * it has forgotten it before the frame goes.  => does not sleep; no spinlock held */
bool object_evict(struct vm_object *obj, struct page *page);

#endif
