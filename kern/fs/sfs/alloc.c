/* alloc.c: which blocks and which inodes are free.
 *
 * Both are bit maps on the disk.  A search for a block begins where its caller
 * would like to have it, and takes the next that is free: a file that grows
 * gets consecutive blocks.  The next search without a wish begins behind the last
 * one.  Of inodes the lowest free one is taken, so that the table stays dense.
 *
 * A block freed in transaction n still belongs to its file if n is lost.  So it is
 * free in the map at once, but marked in fs->freed, too, until n is on the disk,
 * and a block marked there is not given out:
 *
 *     free to take  =  not in the map, not in freed[n & 1], not in freed[n - 1 & 1]
 */
#include "fs/sfs/impl.h"

#include <atomic.h>
#include <string.h>

/* The map block that says whether NR is used, if it is in memory; LAST has the one
 * that was asked for last, with a reference.  => freemap */
static struct page *
map_page(struct sfs_handle *h, struct page **last, uint32_t first, uint32_t nr)
{
    uint32_t block = first + nr / SFS_BITS;
    struct page *page = *last;

    if (page == NULL || page->index != block) {
        page = sfs_meta_find(h->fs, block);
        if (page == NULL) {
            h->need = block;
            return NULL;
        }
        if (*last != NULL)
            page_put(*last);
        *last = page;
    }
    page_get(page);
    return page;
}

static void
put_maybe(struct page *page)
{
    if (page != NULL)
        page_put(page);
}

/* The first bit from FROM on that is 0 in all of the maps, of which two may be
 * NULL; SFS_BITS: none. */
static uint32_t
first_free(struct page *const map[3], uint32_t from)
{
    const uint64_t *w[3];

    for (unsigned k = 0; k < 3; k++)
        w[k] = map[k] == NULL ? NULL : page_to_va(map[k]);
    for (uint32_t i = from / 64; i < SFS_BITS / 64; i++) {
        uint64_t used = w[0][i];

        if (i == from / 64)
            used |= (1ul << from % 64) - 1;
        if (used == UINT64_MAX)
            continue;
        if (w[1] != NULL)
            used |= w[1][i];
        if (w[2] != NULL)
            used |= w[2][i];
        if (used != UINT64_MAX)
            return i * 64 + (uint32_t)__builtin_ctzll(~used);
    }
    return SFS_BITS;
}

static uint64_t *
word_of(struct page *map, uint32_t nr)
{
    return (uint64_t *)page_to_va(map) + nr % SFS_BITS / 64;
}

/* Take the first free block of the map block with number M, from bit FROM on.
 * 0: there is none.  => freemap */
static int
take_block(struct sfs_handle *h, uint32_t m, uint32_t from, uint32_t *block)
{
    struct sfs *fs = h->fs;
    struct page *map[3] = {
        map_page(h, &fs->last_freemap, fs->at.freemap, m * SFS_BITS)};
    uint32_t bit;
    int err = -EAGAIN;

    if (map[0] == NULL)
        return err;
    map[1] = fs->freed[0].npages ? object_find(&fs->freed[0], m) : NULL;
    map[2] = fs->freed[1].npages ? object_find(&fs->freed[1], m) : NULL;
    bit = first_free(map, from);
    *block = m * SFS_BITS + bit;
    if (bit == SFS_BITS)
        err = 0;
    else if (!sfs_is_data(fs, *block))
        err = sfs_bad(fs, "block %u is marked free", *block);
    else
        err = journal_join(h, map[0]);
    if (err == 0 && bit < SFS_BITS) {
        *word_of(map[0], bit) |= 1ul << bit % 64;
        err = 1;
    }
    for (unsigned k = 0; k < 3; k++)
        put_maybe(map[k]);
    return err;
}

int
sfs_alloc(struct sfs_handle *h, uint32_t goal, uint32_t *block)
{
    struct sfs *fs = h->fs;
    uint32_t nmaps = fs->at.imap - fs->at.freemap, m;
    int err = 0;

    spin_lock(&fs->freemap);
    if (!sfs_is_data(fs, goal))
        goal = sfs_is_data(fs, fs->next_block) ? fs->next_block : fs->at.data;
    m = goal / SFS_BITS;
    if (fs->sb->free_blocks > 0)
        err = take_block(h, m, goal % SFS_BITS, block);
    /* Once around, back to the beginning of the one where it began. */
    for (uint32_t k = 1; k <= nmaps && err == 0 && fs->sb->free_blocks > 0; k++)
        err = take_block(h, (m + k) % nmaps, 0, block);
    if (err == 1) {
        fs->sb->free_blocks--;
        fs->next_block = *block + 1;
    }
    spin_unlock(&fs->freemap);
    return err == 1 ? 0 : err == 0 ? -ENOSPC : err;
}

/* The page that marks what was freed in the open transaction.  => freemap */
static int
freed_page(struct sfs *fs, uint32_t m, struct page **page)
{
    struct vm_object *freed = &fs->freed[fs->tid & 1];
    int err;

    *page = object_find(freed, m);
    if (*page != NULL)
        return 0;
    err = object_add(freed, m, page);
    if (err != 0)
        return err;
    page_zero(page_to_va(*page));
    page_unlock(*page);
    return 0;
}

/* A page of metadata leaves memory. */
static void
drop_meta(struct sfs *fs, uint32_t block)
{
    struct page *page = sfs_meta_find(fs, block);

    if (page == NULL)
        return;
    journal_forget(fs, page);
    if (page_trylock(page)) {
        if (object_owns(&fs->meta, page))
            object_remove(&fs->meta, page);
        page_unlock(page);
    }
    page_put(page);
}

int
sfs_free(struct sfs_handle *h, uint32_t block, bool meta)
{
    struct sfs *fs = h->fs;
    struct page *map, *freed = NULL;
    uint64_t bit = 1ul << block % 64;
    int err = -EAGAIN;

    spin_lock(&fs->freemap);
    map = map_page(h, &fs->last_freemap, fs->at.freemap, block);
    if (map != NULL)
        err = freed_page(fs, block / SFS_BITS, &freed);
    if (err == 0)
        err = journal_join(h, map);
    if (err == 0 && !(*word_of(map, block) & bit))
        err = sfs_bad(fs, "block %u is free already", block);
    if (err == 0) {
        *word_of(map, block) &= ~bit;
        *word_of(freed, block) |= bit;
        fs->sb->free_blocks++;
    }
    put_maybe(map);
    put_maybe(freed);
    spin_unlock(&fs->freemap);
    if (err == 0 && meta)
        drop_meta(fs, block);
    return err;
}

/* BLOCK was never used.  => its map is joined */
static void
give_back(struct sfs_handle *h, uint32_t block)
{
    struct sfs *fs = h->fs;
    struct page *map;

    spin_lock(&fs->freemap);
    map = map_page(h, &fs->last_freemap, fs->at.freemap, block);
    if (map != NULL) {
        *word_of(map, block) &= ~(1ul << block % 64);
        fs->sb->free_blocks++;
        page_put(map);
    }
    spin_unlock(&fs->freemap);
}

int
sfs_alloc_meta(struct sfs_handle *h, uint32_t goal, struct page **page)
{
    struct sfs *fs = h->fs;
    uint32_t block;
    int err = sfs_alloc(h, goal, &block);

    if (err != 0)
        return err;
    *page = sfs_meta_find(fs, block);
    if (*page == NULL)
        err = object_add(&fs->meta, block, page);
    else if (!page_trylock(*page)) /* cannot be: nobody reads a free block */
        err = -EIO;
    if (err == 0) {
        (*page)->policy = 0;
        page_zero(page_to_va(*page));
        atomic_or(&(*page)->flags, PG_UPTODATE);
        page_unlock(*page);
        err = journal_join(h, *page);
    }
    if (err != 0) {
        put_maybe(err == -ENOMEM ? NULL : *page);
        give_back(h, block);
    }
    return err;
}

/* --- inodes --- */

int
sfs_alloc_inode(struct sfs_handle *h, uint32_t *ino)
{
    struct sfs *fs = h->fs;
    int err = 0;

    spin_lock(&fs->freemap);
    *ino = fs->low_inode;
    while (err == 0 && *ino < fs->ninodes) {
        struct page *map[3] = {map_page(h, &fs->last_imap, fs->at.imap, *ino)};
        uint32_t bit;

        if (map[0] == NULL) {
            err = -EAGAIN;
            break;
        }
        bit = first_free(map, *ino % SFS_BITS);
        *ino = *ino / SFS_BITS * SFS_BITS + bit;
        if (bit < SFS_BITS && *ino < fs->ninodes) {
            err = journal_join(h, map[0]);
            if (err == 0) {
                *word_of(map[0], bit) |= 1ul << bit % 64;
                fs->sb->free_inodes--;
                fs->low_inode = *ino + 1;
                err = 1;
            }
        }
        page_put(map[0]);
    }
    spin_unlock(&fs->freemap);
    return err == 1 ? 0 : err == 0 ? -ENOSPC : err;
}

int
sfs_free_inode(struct sfs_handle *h, uint32_t ino)
{
    struct sfs *fs = h->fs;
    struct page *map;
    int err = -EAGAIN;

    spin_lock(&fs->freemap);
    map = map_page(h, &fs->last_imap, fs->at.imap, ino);
    if (map != NULL)
        err = journal_join(h, map);
    if (err == 0) {
        *word_of(map, ino) &= ~(1ul << ino % 64);
        fs->sb->free_inodes++;
        fs->low_inode = MIN(fs->low_inode, ino);
    }
    put_maybe(map);
    spin_unlock(&fs->freemap);
    return err;
}
