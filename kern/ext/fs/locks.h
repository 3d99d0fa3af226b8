/* locks.h: flock() and record locks; adds to fs/file.h, a first reader may skip
 * it. */
#ifndef KERN_EXT_FS_LOCKS_H
#define KERN_EXT_FS_LOCKS_H

#include "fs/file.h"

enum lock_type { LOCK_READ, LOCK_WRITE, LOCK_NONE }; /* F_RDLCK ... */

/* OWNER: a table of files (fcntl) or an open file (flock, F_OFD_): locks of one
 * owner never get into each other's way.  WHOLE: of flock(), which record locks
 * do not see.  Bytes START to END, both included. */
struct range_lock {
    struct list link;
    const void *owner;
    int pid;
    bool whole;
    enum lock_type type;
    uint64_t start, end;
};

/* OWNER has WANT from now on, in place of what it had there.  -EAGAIN: others
 * are in the way, unless WAIT: -EINTR; -ENOMEM.  => may sleep */
int range_lock(struct inode *i, const struct range_lock *want, bool wait);
/* The first lock of another owner in the way of ASK, copied to it; or its type
 * becomes LOCK_NONE. */
void range_lock_test(struct inode *i, struct range_lock *ask);

#endif
