/* icache.h: what the rest of fs/ asks icache.c. */
#ifndef KERN_FS_ICACHE_H
#define KERN_FS_ICACHE_H

#include "fs/inode.h"

/* Give back what may be the last reference of I.  True: it was, and nobody can
 * find I any more; it is to be released.  False: others have it, or it stays. */
bool icache_last_put(struct inode *i);
/* I is out of the table and has no references: its end.  Returns the parent,
 * whose reference is the caller's now, or NULL. */
struct inode *inode_release(struct inode *i);
/* Does somebody use an inode of S beside the ROOT_REFS references of its root?
 * => inode_lock */
bool icache_busy(struct super *s, int32_t root_refs);
/* Release some if too many are unused.  => may sleep, no lock held */
void icache_trim(void);

#endif
