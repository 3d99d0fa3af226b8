/* vmfile.h: files on a disk, mapped: what tests of rows about files share.  They
 * run only where dir= names a disk with our file system, which each mounts. */
#ifndef LAB_TESTS_USER_VMFILE_H
#define LAB_TESTS_USER_VMFILE_H

#include "files.h"

#define AT ((char *)0x40000000) /* begins a table, and a window of 16 pages */

/* Into a folder NAME on the disk, with all of our program in memory, so that only
 * what the test does is counted; nobody writes back but who is told to. */
void enter_disk(const char *name);
void quiet(void); /* ... again, for a child */

/* A new file of N pages, page I is filled with seed I; on the disk and in memory.
 * Page N - 1 has LAST bytes. */
long file_of(const char *name, unsigned n, unsigned last);
void drop(const char *name, long fd); /* close and unlink */
void cold(void);                      /* no clean page is in memory */
char *map_at(char *at, long fd, unsigned n, int prot, int flags);

/* One load, one store; has this process an entry for it? */
static inline char
look(const char *p)
{
    return *(volatile const char *)p;
}

static inline void
put(char *p, char c)
{
    *(volatile char *)p = c;
}

static inline bool
present(const char *p)
{
    return page_of(p).flags & PAGE_PRESENT;
}

/* The disk: what /proc/diskstats says. */
enum { READS = 0, READ_SECTORS = 2, WRITES = 4, IN_FLIGHT = 8, FLUSHES = 15 };
uint64_t disk_count(unsigned column);
/* Where on the disk the page lies that begins as DATA does, in pages; it may lie
 * in several places, then the first.  -1: nowhere. */
long find_on_disk(const void *data);

#endif
