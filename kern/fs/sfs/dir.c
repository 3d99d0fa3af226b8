/* dir.c: folders: a tree of blocks in the order of the hashes of names (sfs.h).
 *
 * Look-up goes down by binary search, so it costs about the same for ten
 * entries and for ten thousand.  Insertion makes room first: a full block is
 * split in two, and if the block above has no room for one more, that one first.
 * Each split leaves a good tree, so whoever fails half-way leaves one, too.
 *
 * A block is checked when it is first used after it was read; the bit in
 * page->policy says that it was.  => the folder's inode lock in all of this */
#include "fs/sfs/dir.h"

#include <string.h>

#define CHECKED 1ul

/* --- blocks --- */

static int
slots_wrong(const struct sfs *fs, const struct sfs_dirhead *d)
{
    const struct sfs_slot *s = dir_slots(d);
    uint32_t bytes = 0;

    if (d->heap > SFS_BLOCK || d->heap % 4 != 0 ||
        sizeof(*d) + d->count * sizeof(*s) > d->heap)
        return 1;
    for (unsigned i = 0; i < d->count; i++) {
        const struct sfs_entry *e = dir_entry(d, i);

        if (s[i].at < d->heap || s[i].at % 4 != 0 ||
            s[i].at + sizeof(*e) > SFS_BLOCK || e->len == 0 ||
            s[i].at + SFS_ENTRY_SIZE(e->len) > SFS_BLOCK ||
            e->ino <= SFS_ROOT || e->ino >= fs->ninodes ||
            memchr(e->name, 0, e->len) || memchr(e->name, '/', e->len) ||
            s[i].hash != sfs_hash(fs->sb->hash_seed, e->name, e->len))
            return 1;
        if (i > 0 && dir_pos(&s[i]) <= dir_pos(&s[i - 1]))
            return 1;
        bytes += SFS_ENTRY_SIZE(e->len);
    }
    return bytes + d->gone != SFS_BLOCK - d->heap;
}

static int
indexes_wrong(const struct sfs *fs, const struct sfs_dirhead *d)
{
    const struct sfs_index *x = dir_indexes(d);

    if (d->count > SFS_DIR_FANOUT)
        return 1;
    for (unsigned i = 0; i < d->count; i++) {
        if (!sfs_is_data(fs, x[i].block) ||
            (i > 0 && x[i].hash <= x[i - 1].hash))
            return 1;
    }
    return 0;
}

const char *
sfs_dir_wrong(const struct sfs *fs, const void *block, uint32_t ino,
              unsigned level)
{
    const struct sfs_dirhead *d = block;

    if (d->magic != SFS_DIR_MAGIC || d->ino != ino)
        return "is no block of this folder";
    if (d->level >= SFS_DIR_LEVELS ||
        (level != SFS_DIR_LEVELS && d->level != level))
        return "is of the wrong level";
    if (d->level == 0 ? slots_wrong(fs, d) : indexes_wrong(fs, d))
        return "has wrong entries";
    return NULL;
}

/* BLOCK of DIR, checked; LEVEL as sfs_dir_wrong(). */
static int
get_block(struct inode *dir, uint32_t block, unsigned level, struct page **page)
{
    struct sfs *fs = sfs_of(dir);
    const char *wrong;
    int err;

    if (!sfs_is_data(fs, block))
        return sfs_bad(fs, "folder %lu: block %u is none of a folder", dir->ino,
                       block);
    err = sfs_meta(fs, block, page);
    if (err != 0)
        return err;
    if (likely((*page)->policy & CHECKED) &&
        (level == SFS_DIR_LEVELS || dir_head(*page)->level == level) &&
        dir_head(*page)->ino == dir->ino)
        return 0;
    wrong = sfs_dir_wrong(fs, dir_head(*page), (uint32_t)dir->ino, level);
    if (wrong != NULL) {
        page_put(*page);
        return sfs_bad(fs, "folder %lu: block %u %s", dir->ino, block, wrong);
    }
    (*page)->policy |= CHECKED;
    return 0;
}

/* --- from the top to a leaf --- */

static unsigned
index_of(const struct sfs_dirhead *d, uint32_t hash)
{
    const struct sfs_index *x = dir_indexes(d);
    unsigned lo = 0, hi = d->count;

    while (hi - lo > 1) { /* x[lo].hash <= hash < x[hi].hash */
        unsigned mid = (lo + hi) / 2;

        if (x[mid].hash <= hash)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* The first slot at POS or behind. */
static unsigned
slot_of(const struct sfs_dirhead *d, uint64_t pos)
{
    const struct sfs_slot *s = dir_slots(d);
    unsigned lo = 0, hi = d->count;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (dir_pos(&s[mid]) < pos)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void
sfs_path_put(struct sfs_path *p)
{
    for (unsigned i = 0; i < p->n; i++)
        page_put(p->page[i]);
    p->n = 0;
}

int
sfs_path_to(struct inode *dir, uint32_t hash, struct sfs_path *p)
{
    uint32_t block = sfs_inode(dir)->d->direct[0];
    unsigned level = SFS_DIR_LEVELS;
    struct sfs *fs = sfs_of(dir);
    int err;

    p->n = 0;
    p->end = UINT64_MAX;
    if (block == 0)
        return -ENOENT;
    do {
        struct page *page;
        const struct sfs_dirhead *d;

        err = get_block(dir, block, level, &page);
        if (err != 0) {
            sfs_path_put(p);
            return err;
        }
        d = dir_head(page);
        p->page[p->n] = page;
        level = d->level;
        p->n++;
        if (level > 0 && d->count == 0) {
            sfs_path_put(p);
            return sfs_bad(fs, "folder %lu: block %u is empty", dir->ino,
                           block);
        }
        if (level > 0) {
            unsigned at = index_of(d, hash);

            p->at[p->n - 1] = at;
            block = dir_indexes(d)[at].block;
            if (at + 1u < d->count)
                p->end = (uint64_t)dir_indexes(d)[at + 1].hash << 16;
        }
    } while (level-- > 0);
    return 0;
}

bool
sfs_slot_find(const struct sfs_dirhead *d, uint32_t hash, const char *name,
              size_t len, unsigned *at)
{
    for (*at = slot_of(d, (uint64_t)hash << 16); *at < d->count; ++*at) {
        const struct sfs_slot *s = &dir_slots(d)[*at];
        const struct sfs_entry *e = dir_entry(d, *at);

        if (s->hash != hash)
            break;
        if (e->len == len && memcmp(e->name, name, len) == 0)
            return true;
    }
    return false;
}

int
sfs_dir_find(struct inode *dir, const char *name, size_t len, uint32_t *ino)
{
    uint32_t hash = sfs_hash(sfs_of(dir)->sb->hash_seed, name, len);
    struct sfs_path p;
    unsigned at;
    int err = sfs_path_to(dir, hash, &p);

    if (err != 0)
        return err;
    if (sfs_slot_find(path_leaf(&p), hash, name, len, &at))
        *ino = dir_entry(path_leaf(&p), at)->ino;
    else
        err = -ENOENT;
    sfs_path_put(&p);
    return err;
}

int
sfs_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg)
{
    bool more = true;

    while (more && pos >> 48 == 0) {
        struct sfs_path p;
        int err = sfs_path_to(dir, (uint32_t)(pos >> 16), &p);
        const struct sfs_dirhead *d;

        if (err != 0)
            return err == -ENOENT ? 0 : err;
        d = path_leaf(&p);
        for (unsigned i = slot_of(d, pos); more && i < d->count; i++) {
            const struct sfs_entry *e = dir_entry(d, i);

            more = fill(arg, e->name, e->len, e->ino, (uint32_t)e->type << 12,
                        dir_pos(&dir_slots(d)[i]) + 1);
        }
        pos = p.end;
        sfs_path_put(&p);
    }
    return 0;
}
