/* writeback.h: when dirty pages go out: writeback.c does it, flusher.c says when. */
#ifndef KERN_MM_WRITEBACK_H
#define KERN_MM_WRITEBACK_H

#include "mm/object.h"

/* Write every object that became dirty before BEFORE (of time_now()); WAIT: until
 * all is on the disk, as far as mm/ knows.  => may sleep */
void flush_objects(uint64_t before, bool wait);
/* All of them, with waiting: for sync(2), before the file systems flush. */
void flush_everything(void);

bool objects_dirty(void); /* is there any? */

/* Has a flush had a reference of any object at any time since flushes_ended() said
 * ENDED?  While it has, the object and its inode are in use, but by nobody who
 * means to keep them. */
uint64_t flushes_ended(void);
bool flushes_since(uint64_t ended);

void flusher_start(void); /* once, at boot, in a thread */

/* The first object became dirty.  flusher.c, if linked, takes its place.
 * => any lock before RANK_WAIT may be held */
void flusher_wake(void);

/* Have the flusher write everything, and wait for that.  => may sleep, no page
 * locked, no journal handle open */
void flusher_write_all(void);

/* OBJ just got a dirty page: have some written by the flusher, or, if there are
 * far too many, write before going on.  => may sleep, no page locked */
void balance_dirty(struct vm_object *obj);

/* Numbers that tests may turn; pages, milliseconds. */
extern unsigned flush_period, flush_age;
extern unsigned dirty_background,
    dirty_limit; /* at most; set at boot: 10, 20 % of RAM */

#endif
