/* check.h: is an image what it should be? */
#ifndef TOOLS_SFS_CHECK_H
#define TOOLS_SFS_CHECK_H

#include "tools/sfs/tree.h"

struct found_inode {
    bool used;    /* its bit in the map */
    bool good;    /* it is one */
    bool reached; /* from the root */
    uint32_t mode;
    uint32_t names;  /* entries that lead here, and for a folder "." and ".." */
    uint32_t parent; /* of a folder: where its entry is */
};

struct check {
    struct disk *disk;
    struct sfs fs; /* sizes only: nothing is mounted */
    struct sfs_super sb;
    bool repair, quiet;
    unsigned problems; /* found, and ... */
    unsigned left;     /* ... not repaired */
    unsigned changes;  /* of this pass */
    bool failed;       /* the disk cannot be read or written */
    uint8_t *used;     /* blocks, by number */
    struct found_inode *inodes;
    char first[160]; /* what was found first */
};

/* Replay the journal and look at everything; with REPAIR until nothing is wrong.
 * Returns the exit status of e2fsck: 0, 1 repaired, 4 something is left, 8 cannot
 * read or write. */
int sfs_check(struct check *c, struct disk *d, bool repair, bool quiet);

/* For check.c and repair.c. */
bool check_problem(struct check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool check_read(struct check *c, uint32_t block, void *buf);
bool check_write(struct check *c, uint32_t block, const void *buf);
/* Names for those that have none, in lost+found. */
void check_adopt(struct check *c);
/* The bits of the maps and the counts. */
void check_maps(struct check *c);

#endif
