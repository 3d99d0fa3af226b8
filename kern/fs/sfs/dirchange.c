/* dirchange.c: names come into folders and go.
 *
 *     leaf full:   [ a b c d e f ]  ->  [ a b c ] [ d e f ]   and one index more above
 *     top full:    a new top with one index, which leads to the old one
 *
 * sfs_dir_room() does one of these at a time until the leaf has room, and each
 * leaves a good tree.  Entries of one hash stay together: if a leaf is full of
 * them there is no room, -ENOSPC.  A leaf that becomes empty goes, unless it is the
 * only one below its index block. */
#include "fs/sfs/dir.h"

#include <string.h>

static uint32_t
leaf_free(const struct sfs_dirhead *d)
{
    return d->heap - (uint32_t)sizeof(*d) -
           d->count * (uint32_t)sizeof(struct sfs_slot);
}

static void
head_init(struct page *page, struct inode *dir, unsigned level)
{
    *dir_head(page) = (struct sfs_dirhead){.magic = SFS_DIR_MAGIC,
                                           .ino = (uint32_t)dir->ino,
                                           .level = (uint16_t)level,
                                           .heap = SFS_BLOCK};
}

/* A new block for DIR, which then has one more. */
static int
new_block(struct sfs_handle *h, struct inode *dir, unsigned level,
          struct page **page)
{
    struct sfs_inode *si = sfs_inode(dir);
    int err = journal_join(h, si->page);

    if (err == 0)
        err = sfs_alloc_meta(h, si->goal, page);
    if (err != 0)
        return err;
    si->goal = (uint32_t)(*page)->index + 1;
    sfs_count_blocks(si, 1);
    si->d->size = dir->size = (uint64_t)si->d->nblocks * SFS_BLOCK;
    head_init(*page, dir, level);
    (*page)->policy |= 1; /* checked */
    return 0;
}

/* TO becomes the leaf with the entries FROM to END of OLD. */
static void
rebuild(struct sfs_dirhead *to, const struct sfs_dirhead *old, unsigned from,
        unsigned end)
{
    struct sfs_slot *s = dir_slots(to);

    to->heap = SFS_BLOCK;
    to->gone = 0;
    to->count = (uint16_t)(end - from);
    for (unsigned i = from; i < end; i++) {
        const struct sfs_entry *e = dir_entry(old, i);

        to->heap -= (uint16_t)SFS_ENTRY_SIZE(e->len);
        *s = dir_slots(old)[i];
        s->at = to->heap;
        memcpy((char *)to + s->at, e, SFS_ENTRY_SIZE(e->len));
        s++;
    }
    memset(s, 0, (size_t)((char *)to + to->heap - (char *)s));
}

/* Where to split: about half of the bytes, but not between equal hashes; 0:
 * nowhere. */
static unsigned
split_point(const struct sfs_dirhead *d)
{
    const struct sfs_slot *s = dir_slots(d);
    uint32_t half = (SFS_BLOCK - d->heap - d->gone) / 2, bytes = 0;
    unsigned mid = 0;

    while (mid < d->count && bytes < half)
        bytes += SFS_ENTRY_SIZE(dir_entry(d, mid++)->len);
    for (unsigned k = 0; k < d->count; k++) {
        if (mid >= k + 1 && mid - k < d->count &&
            s[mid - k].hash != s[mid - k - 1].hash)
            return mid - k;
        if (mid + k >= 1 && mid + k < d->count &&
            s[mid + k].hash != s[mid + k - 1].hash)
            return mid + k;
    }
    return 0;
}

static void
index_insert(struct sfs_dirhead *d, unsigned at, uint32_t hash, uint32_t block)
{
    struct sfs_index *x = dir_indexes(d) + at;

    memmove(x + 1, x, (d->count++ - at) * sizeof(*x));
    *x = (struct sfs_index){hash, block};
}

static void
index_remove(struct sfs_dirhead *d, unsigned at)
{
    struct sfs_index *x = dir_indexes(d) + at;

    memmove(x, x + 1, (--d->count - at) * sizeof(*x));
}

/* A new top above the one of P. */
static int
grow(struct sfs_handle *h, struct inode *dir, struct sfs_path *p)
{
    struct sfs_dirhead *top = dir_head(p->page[0]);
    struct page *page;
    int err;

    if (top->level + 1u >= SFS_DIR_LEVELS)
        return -ENOSPC;
    err = new_block(h, dir, top->level + 1u, &page);
    if (err != 0)
        return err;
    index_insert(dir_head(page), 0, 0, (uint32_t)p->page[0]->index);
    sfs_inode(dir)->d->direct[0] = (uint32_t)page->index;
    page_put(page);
    return 0;
}

/* Split page K of P; the one above has room.  COPY is a page to work with. */
static int
split(struct sfs_handle *h, struct inode *dir, struct sfs_path *p, unsigned k,
      struct sfs_dirhead *copy)
{
    struct sfs_dirhead *d = dir_head(p->page[k]), *fresh;
    unsigned mid = d->level > 0 ? d->count / 2u : split_point(d);
    struct page *page;
    uint32_t hash;
    int err;

    if (mid == 0)
        return -ENOSPC;
    err = journal_join(h, p->page[k]);
    if (err == 0)
        err = journal_join(h, p->page[k - 1]);
    if (err == 0)
        err = new_block(h, dir, d->level, &page);
    if (err != 0)
        return err;
    fresh = dir_head(page);
    memcpy(copy, d, SFS_BLOCK);
    if (d->level > 0) {
        hash = dir_indexes(d)[mid].hash;
        fresh->count = (uint16_t)(d->count - mid);
        memcpy(dir_indexes(fresh), dir_indexes(d) + mid,
               fresh->count * sizeof(struct sfs_index));
        d->count = (uint16_t)mid;
    } else {
        hash = dir_slots(d)[mid].hash;
        rebuild(fresh, copy, mid, copy->count);
        rebuild(d, copy, 0, mid);
    }
    index_insert(dir_head(p->page[k - 1]), p->at[k - 1] + 1, hash,
                 (uint32_t)page->index);
    page_put(page);
    return 0;
}

/* One step towards room for SIZE more bytes in the leaf of P. */
static int
make_room(struct sfs_handle *h, struct inode *dir, struct sfs_path *p,
          uint32_t size)
{
    struct sfs_dirhead *leaf = path_leaf(p);
    struct page *copy = alloc_pages(0);
    unsigned k = p->n - 1;
    int err;

    if (copy == NULL)
        return -ENOMEM;
    if (leaf_free(leaf) + leaf->gone >= size) {
        err = journal_join(h, p->page[k]);
        if (err == 0) {
            memcpy(page_to_va(copy), leaf, SFS_BLOCK);
            rebuild(leaf, page_to_va(copy), 0, leaf->count);
        }
    } else {
        while (k > 0 && dir_head(p->page[k - 1])->count == SFS_DIR_FANOUT)
            k--;
        err = k == 0 ? grow(h, dir, p) : split(h, dir, p, k, page_to_va(copy));
    }
    page_put(copy);
    return err;
}

static int
first_leaf(struct sfs_handle *h, struct inode *dir)
{
    struct page *page;
    int err = new_block(h, dir, 0, &page);

    if (err != 0)
        return err;
    sfs_inode(dir)->d->direct[0] = (uint32_t)page->index;
    page_put(page);
    return 0;
}

int
sfs_dir_room(struct sfs_handle *h, struct inode *dir, const char *name,
             size_t len, struct sfs_spot *spot)
{
    uint32_t size = SFS_ENTRY_SIZE(len) + (uint32_t)sizeof(struct sfs_slot);
    struct sfs_path *p = &spot->path;
    int err;

    spot->hash = sfs_hash(h->fs->sb->hash_seed, name, len);
    for (;;) {
        err = sfs_path_to(dir, spot->hash, p);
        if (err == 0 && leaf_free(path_leaf(p)) >= size)
            return 0;
        if (err == 0) {
            err = make_room(h, dir, p, size);
            sfs_path_put(p);
        } else if (err == -ENOENT) {
            err = first_leaf(h, dir);
        }
        err = sfs_again(h, err);
        if (err != 0)
            return err;
    }
}

/* The smallest minor that no entry of the hash has, and where it belongs. */
static unsigned
minor_for(const struct sfs_dirhead *d, uint32_t hash, unsigned end,
          uint16_t *minor)
{
    const struct sfs_slot *s = dir_slots(d);
    unsigned at = end;

    while (at > 0 && s[at - 1].hash == hash)
        at--;
    for (*minor = 0; at < end && s[at].minor == *minor; at++)
        ++*minor;
    return at;
}

int
sfs_dir_add(struct sfs_handle *h, struct inode *dir, struct sfs_spot *spot,
            const char *name, size_t len, uint32_t ino, uint32_t mode)
{
    struct page *page = spot->path.page[spot->path.n - 1];
    struct sfs_dirhead *d = dir_head(page);
    struct sfs_inode *si = sfs_inode(dir);
    struct sfs_entry *e;
    struct sfs_slot *s;
    uint16_t minor;
    unsigned at;
    int err = journal_join(h, page);

    if (err == 0)
        err = journal_join(h, si->page);
    if (err != 0)
        return err;
    sfs_slot_find(d, spot->hash, name, len, &at);
    at = minor_for(d, spot->hash, at, &minor);
    d->heap -= (uint16_t)SFS_ENTRY_SIZE(len);
    s = dir_slots(d) + at;
    memmove(s + 1, s, (d->count++ - at) * sizeof(*s));
    *s = (struct sfs_slot){spot->hash, minor, d->heap};
    e = dir_entry(d, at);
    memset((char *)e + SFS_ENTRY_SIZE(len) - 4, 0, 4); /* what pads it */
    e->ino = ino;
    e->type = (uint8_t)(mode >> 12);
    e->len = (uint8_t)len;
    memcpy(e->name, name, len);
    si->d->entries++;
    return 0;
}

int
sfs_dir_set(struct sfs_handle *h, struct inode *dir, const char *name,
            size_t len, uint32_t ino, uint32_t mode)
{
    uint32_t hash = sfs_hash(h->fs->sb->hash_seed, name, len);
    struct sfs_path p;
    unsigned at;
    int err = sfs_path_to(dir, hash, &p);

    if (err != 0)
        return err;
    if (!sfs_slot_find(path_leaf(&p), hash, name, len, &at))
        err = -ENOENT;
    else
        err = journal_join(h, p.page[p.n - 1]);
    if (err == 0) {
        dir_entry(path_leaf(&p), at)->ino = ino;
        dir_entry(path_leaf(&p), at)->type = (uint8_t)(mode >> 12);
    }
    sfs_path_put(&p);
    return err;
}

/* The leaf of P, which is empty, goes.  If that cannot be, it stays. */
static void
drop_leaf(struct sfs_handle *h, struct inode *dir, struct sfs_path *p)
{
    struct sfs_inode *si = sfs_inode(dir);
    struct page *above = p->page[p->n - 2];
    uint32_t block = (uint32_t)p->page[p->n - 1]->index;
    int err = journal_join(h, above);

    if (err == 0)
        err = sfs_free(h, block, true);
    if (err == -EAGAIN && h->need != 0 && sfs_again(h, err) == 0)
        err = sfs_free(h, block, true);
    if (err != 0)
        return;
    index_remove(dir_head(above), p->at[p->n - 2]);
    sfs_count_blocks(si, -1);
    si->d->size = dir->size = (uint64_t)si->d->nblocks * SFS_BLOCK;
}

int
sfs_dir_remove(struct sfs_handle *h, struct inode *dir, const char *name,
               size_t len)
{
    uint32_t hash = sfs_hash(h->fs->sb->hash_seed, name, len);
    struct sfs_dirhead *d;
    struct sfs_path p;
    unsigned at;
    int err = sfs_path_to(dir, hash, &p);

    if (err != 0)
        return err;
    d = path_leaf(&p);
    if (!sfs_slot_find(d, hash, name, len, &at))
        err = -ENOENT;
    if (err == 0)
        err = journal_join(h, p.page[p.n - 1]);
    if (err == 0)
        err = journal_join(h, sfs_inode(dir)->page);
    if (err == 0) {
        struct sfs_slot *s = dir_slots(d) + at;
        uint32_t size = SFS_ENTRY_SIZE(dir_entry(d, at)->len);

        if (s->at == d->heap)
            d->heap += (uint16_t)size;
        else
            d->gone += (uint16_t)size;
        memmove(s, s + 1, (--d->count - at) * sizeof(*s));
        if (d->count == 0) {
            d->heap = SFS_BLOCK;
            d->gone = 0;
        }
        sfs_inode(dir)->d->entries--;
        if (d->count == 0 && p.n > 1 && dir_head(p.page[p.n - 2])->count > 1)
            drop_leaf(h, dir, &p);
    }
    sfs_path_put(&p);
    return err;
}

/* Free the blocks below and at BLOCK, the last first; as far as the handle goes.
 * What remains is a good tree again. */
static int
free_tree(struct sfs_handle *h, struct inode *dir, uint32_t block,
          unsigned level)
{
    struct page *page;
    int err = 0;

    if (!sfs_is_data(h->fs, block))
        return -EIO;
    err = sfs_meta(h->fs, block, &page);
    if (err != 0)
        return err;
    if (sfs_dir_wrong(h->fs, dir_head(page), (uint32_t)dir->ino, level))
        err = -EIO;
    level = dir_head(page)->level;
    while (err == 0 && level > 0 && dir_head(page)->count > 0) {
        struct sfs_dirhead *d = dir_head(page);

        err = journal_join(h, page);
        if (err == 0)
            err = free_tree(h, dir, dir_indexes(d)[d->count - 1].block,
                            level - 1);
        if (err == 0)
            d->count--;
    }
    if (err == 0)
        err = sfs_free(h, block, true);
    if (err == 0)
        sfs_count_blocks(sfs_inode(dir), -1);
    page_put(page);
    return err;
}

int
sfs_dir_free(struct sfs_handle *h, struct inode *dir)
{
    struct sfs_dinode *d = sfs_inode(dir)->d;
    int err = 0;

    while (err == 0 && d->direct[0] != 0) {
        err = journal_join(h, sfs_inode(dir)->page);
        if (err == 0)
            err = free_tree(h, dir, d->direct[0], SFS_DIR_LEVELS);
        if (err == 0)
            d->direct[0] = 0;
        err = sfs_again(h, err);
    }
    return err;
}
