/* look.h: looking at a process from outside; adds to process/proc.h, a first
 * reader may skip it. */
#ifndef KERN_EXT_PROCESS_LOOK_H
#define KERN_EXT_PROCESS_LOOK_H

#include "process/proc.h"

/* A process at one moment.  MM and what follows are references, or NULL: it has
 * none any more. */
struct look {
    int pid, ppid, pgid, sid;
    unsigned tasks;
    char state; /* R S T Z */
    char name[16];
    bool trace;
    int nice;
    uint32_t umask;
    struct cputime ran, child_ran;
    uint64_t born; /* time_now() then */
    uintptr_t stack_start;
    uint64_t stat[MMSTAT_COUNT], child_stat[MMSTAT_COUNT];
    struct mm_struct *mm;
    struct inode *exe;
    struct files *files;
    struct fs_place *fs;
};

/* Look at PID; end with look_end().  -ESRCH */
int look_at(int pid, struct look *l);
void look_end(struct look *l); /* => may sleep */

/* The path of I as the caller sees it: as path_of(). */
int look_path(struct inode *i, char *buf, size_t size);

#endif
