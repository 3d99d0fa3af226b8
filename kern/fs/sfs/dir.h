/* dir.h: what dir.c (looking) and dirchange.c (changing) share. */
#ifndef KERN_FS_SFS_DIR_H
#define KERN_FS_SFS_DIR_H

#include "fs/sfs/impl.h"

static inline struct sfs_dirhead *
dir_head(const struct page *page)
{
    return page_to_va(page);
}

static inline struct sfs_slot *
dir_slots(const struct sfs_dirhead *d)
{
    return (struct sfs_slot *)(d + 1);
}

static inline struct sfs_index *
dir_indexes(const struct sfs_dirhead *d)
{
    return (struct sfs_index *)(d + 1);
}

static inline struct sfs_entry *
dir_entry(const struct sfs_dirhead *d, unsigned slot)
{
    return (struct sfs_entry *)((char *)d + dir_slots(d)[slot].at);
}

/* Its position for readdir(). */
static inline uint64_t
dir_pos(const struct sfs_slot *s)
{
    return (uint64_t)s->hash << 16 | s->minor;
}

static inline struct sfs_dirhead *
path_leaf(const struct sfs_path *p)
{
    return dir_head(p->page[p->n - 1]);
}

/* To the leaf of HASH; -ENOENT: the folder has no blocks. */
int sfs_path_to(struct inode *dir, uint32_t hash, struct sfs_path *p);
/* Is NAME there, in slot *AT?  If not, *AT is where the entries of its hash end. */
bool sfs_slot_find(const struct sfs_dirhead *d, uint32_t hash, const char *name,
                   size_t len, unsigned *at);

#endif
