/* bmap.c: which block holds which page of a file.
 *
 *     inode:  direct[38]   indirect   dindirect
 *                 |            |          |
 *               data         [1024]     [1024] -> [1024]        see sfs.h
 *
 * The map of one file changes under si->map, a spinlock; so a block of the map that
 * is not in memory is read without it, and the walk begins again.  Every number
 * is looked at before it is followed: it may be anything. */
#include "fs/sfs/impl.h"

#include <string.h>

/* Where the number of a page stands, or of what is missing on the way there. */
struct spot {
    uint32_t *at;
    struct page *page; /* that AT points into, with a reference */
    unsigned missing;  /* levels below AT that are not there; 0: AT is it */
    unsigned follow;   /* numbers from AT on that belong to the next pages */
    uint32_t before;   /* the number in front of AT, or 0 */
};

static bool
sane(struct sfs_inode *si, uint32_t block)
{
    struct sfs *fs = sfs_of(&si->inode);

    if (likely(sfs_is_data(fs, block)))
        return true;
    sfs_bad(fs, "inode %lu: block %u is none of a file", si->inode.ino, block);
    return false;
}

/* => si->map.  0, -EIO, or -EAGAIN: *NEED is to be read */
static int
walk(struct sfs_inode *si, uint64_t index, struct spot *s, uint32_t *need)
{
    uint32_t slot[2] = {0};
    unsigned depth = 0;

    s->page = si->page;
    page_get(s->page);
    if (index < SFS_NDIRECT) {
        s->at = &si->d->direct[index];
        s->before = index > 0 ? s->at[-1] : 0;
        s->follow = SFS_NDIRECT - (unsigned)index;
    } else if ((index -= SFS_NDIRECT) < SFS_NINDIRECT) {
        s->at = &si->d->indirect;
        slot[depth++] = (uint32_t)index;
    } else {
        index -= SFS_NINDIRECT;
        s->at = &si->d->dindirect;
        slot[depth++] = (uint32_t)(index / SFS_NINDIRECT);
        slot[depth++] = (uint32_t)(index % SFS_NINDIRECT);
    }
    for (unsigned i = 0; i < depth; i++) {
        struct page *next = NULL;

        s->missing = depth - i;
        s->follow = SFS_NINDIRECT - slot[depth - 1];
        if (*s->at == 0)
            return 0;
        *need = *s->at;
        if (sane(si, *need))
            next = sfs_meta_find(sfs_of(&si->inode), *need);
        page_put(s->page);
        if (next == NULL)
            return sfs_is_data(sfs_of(&si->inode), *need) ? -EAGAIN : -EIO;
        s->page = next;
        s->at = (uint32_t *)page_to_va(next) + slot[i];
        s->before = slot[i] > 0 ? s->at[-1] : 0;
    }
    s->missing = 0;
    return 0;
}

/* Pages from INDEX on have these N numbers: how many have blocks?
 * => si->map, so nothing is cut meanwhile */
static void
note_placed(struct sfs_inode *si, uint64_t index, const uint32_t *block,
            unsigned n)
{
    uint64_t end = index;

    while (end < index + n && sfs_placed(block[end - index]))
        end++;
    if (end > index)
        atomic_store(&si->placed, end << 32 | index);
}

/* Copy what S leads to.  A level that is missing is a hole as long as it. */
static int
copy_numbers(struct sfs_inode *si, struct spot *s, uint32_t *block, unsigned n)
{
    n = MIN(n, s->follow);
    if (s->missing > 0)
        memset(block, 0, n * sizeof(*block));
    else
        memcpy(block, s->at, n * sizeof(*block));
    page_put(s->page);
    if (block[0] != 0 && !sane(si, block[0] & ~SFS_UNWRITTEN))
        return -EIO;
    for (unsigned i = 1; i < n; i++) {
        if (block[i] != 0 &&
            !sfs_is_data(sfs_of(&si->inode), block[i] & ~SFS_UNWRITTEN))
            return (int)i; /* who asks for that one is told */
    }
    return (int)n;
}

int
sfs_map(struct sfs_inode *si, uint64_t index, uint32_t *block, unsigned n,
        bool writes)
{
    if (index >= SFS_MAX_PAGES)
        return -EFBIG;
    n = (unsigned)MIN((uint64_t)n, SFS_MAX_PAGES - index);
    for (;;) {
        struct page *page;
        struct spot s;
        uint32_t need;
        int got;

        spin_lock(&si->map);
        got = walk(si, index, &s, &need);
        if (got == 0)
            got = copy_numbers(si, &s, block, n);
        if (got > 0 && writes)
            note_placed(si, index, block, (unsigned)got);
        spin_unlock(&si->map);
        if (got != -EAGAIN)
            return got;
        got = sfs_meta(sfs_of(&si->inode), need, &page);
        if (got != 0)
            return got;
        page_put(page);
    }
}

/* Pages of new blocks are written before the open transaction is committed. */
static void
note_new(struct sfs *fs, struct sfs_inode *si, uint64_t index)
{
    spin_lock(&fs->wq.lock);
    if (list_empty(&si->ordered)) {
        inode_get(&si->inode);
        list_add_tail(&fs->ordered, &si->ordered);
        si->new_from = index;
        si->new_to = index + 1;
    }
    si->new_from = MIN(si->new_from, index);
    si->new_to = MAX(si->new_to, index + 1);
    spin_unlock(&fs->wq.lock);
}

void
sfs_note_new(struct sfs_inode *si, uint64_t index)
{
    note_new(sfs_of(&si->inode), si, index);
}

/* The page gets its block.  => si->map */
static int
place(struct sfs_handle *h, struct sfs_inode *si, struct spot *s,
      uint64_t index, bool unwritten)
{
    uint32_t old = *s->at, goal = (s->before & ~SFS_UNWRITTEN) + 1, block;
    int err;

    if (old != 0 && (unwritten || !(old & SFS_UNWRITTEN)))
        return 0;
    err = journal_join(h, s->page);
    if (err == 0 && old == 0)
        err = journal_join(h, si->page);
    if (err == 0 && old == 0)
        err = sfs_alloc(h, goal > 1 ? goal : si->goal, &block);
    if (err != 0)
        return err;
    if (old == 0) {
        si->goal = block + 1;
        sfs_count_blocks(si, 1);
        *s->at = unwritten ? block | SFS_UNWRITTEN : block;
    } else {
        *s->at = old & ~SFS_UNWRITTEN;
    }
    if (!unwritten)
        note_new(h->fs, si, index);
    return 0;
}

/* One level that is missing.  Empty, it does no harm if nothing follows.
 * => si->map */
static int
grow(struct sfs_handle *h, struct sfs_inode *si, struct spot *s)
{
    struct page *page;
    int err = journal_join(h, s->page);

    if (err == 0)
        err = journal_join(h, si->page);
    if (err == 0)
        err = sfs_alloc_meta(h, si->goal, &page);
    if (err != 0)
        return err;
    si->goal = (uint32_t)page->index + 1;
    sfs_count_blocks(si, 1);
    *s->at = (uint32_t)page->index;
    page_put(page);
    return -EAGAIN;
}

int
sfs_map_add(struct sfs_handle *h, struct sfs_inode *si, uint64_t index,
            bool unwritten)
{
    int err = index < SFS_MAX_PAGES ? -EAGAIN : -EFBIG;
    bool grown;

    while (err == -EAGAIN) {
        struct spot s;

        grown = false;
        spin_lock(&si->map);
        err = walk(si, index, &s, &h->need);
        if (err == 0) {
            grown = s.missing > 0;
            err = grown ? grow(h, si, &s) : place(h, si, &s, index, unwritten);
            page_put(s.page);
        }
        spin_unlock(&si->map);
        if (err == -EAGAIN && !(grown && h->need == 0 && h->left > 3)) {
            err = sfs_again(h, err);
            err = err == 0 ? -EAGAIN : err;
        }
    }
    return err;
}

/* --- giving back --- */

#define CUT_AT_ONCE 256 /* blocks freed under one hold of the lock */

/* Free what the tree at *AT, which stands in HOLDER and is DEPTH levels deep,
 * has from page FROM on, the last first; all of it: the tree, too.
 * => si->map.  -EINTR: that was enough for one time */
static int
cut_tree(struct sfs_handle *h, struct sfs_inode *si, uint32_t *at,
         struct page *holder, unsigned depth, uint64_t from, unsigned *budget)
{
    uint32_t block = *at & ~SFS_UNWRITTEN;
    int err = 0;

    if (block == 0)
        return 0;
    if (!sane(si, block))
        return -EIO;
    if (depth > 0) {
        uint64_t span = depth == 2 ? SFS_NINDIRECT : 1;
        struct page *page = sfs_meta_find(h->fs, block);
        uint32_t *number;

        h->need = block;
        if (page == NULL)
            return -EAGAIN;
        h->need = 0;
        number = page_to_va(page);
        for (uint64_t i = SFS_NINDIRECT; i-- > from / span && err == 0;)
            err = cut_tree(h, si, &number[i], page, depth - 1,
                           i == from / span ? from % span : 0, budget);
        page_put(page);
        if (err != 0 || from > 0)
            return err;
    }
    if ((*budget)-- == 0)
        return -EINTR;
    err = journal_join(h, holder);
    if (err == 0)
        err = journal_join(h, si->page);
    if (err == 0)
        err = sfs_free(h, block, depth > 0);
    if (err == 0) {
        *at = 0;
        sfs_count_blocks(si, -1);
    }
    return err;
}

/* => si->map */
static int
cut_all(struct sfs_handle *h, struct sfs_inode *si, uint64_t from)
{
    unsigned budget = CUT_AT_ONCE;
    uint64_t first2 = SFS_NDIRECT + SFS_NINDIRECT;
    int err;

    atomic_store(&si->placed, 0ul);
    err = cut_tree(h, si, &si->d->dindirect, si->page, 2,
                   from > first2 ? from - first2 : 0, &budget);
    if (err == 0 && from < first2)
        err = cut_tree(h, si, &si->d->indirect, si->page, 1,
                       from > SFS_NDIRECT ? from - SFS_NDIRECT : 0, &budget);
    for (uint64_t i = SFS_NDIRECT; i-- > from && err == 0;)
        err = cut_tree(h, si, &si->d->direct[i], si->page, 0, 0, &budget);
    return err;
}

int
sfs_map_cut(struct sfs_inode *si, uint64_t from)
{
    struct sfs_handle h;
    int err = journal_begin(&h, sfs_of(&si->inode), SFS_MAP_CREDITS);

    if (err != 0)
        return err;
    do {
        spin_lock(&si->map);
        err = cut_all(&h, si, from);
        spin_unlock(&si->map);
        if (err == -EAGAIN)
            err = sfs_again(&h, err) == 0 ? -EAGAIN : -EIO;
    } while (err == -EAGAIN || err == -EINTR);
    si->goal = 0;
    journal_end(&h);
    return err;
}

/* --- holes --- */

uint64_t
sfs_next_block(struct inode *i, uint64_t index, uint64_t end)
{
    uint32_t block[64];

    while (index < MIN(end, SFS_MAX_PAGES)) {
        int got = sfs_map(sfs_inode(i), index, block, 64, false);

        if (got < 0)
            return index; /* who wants the block hears why not */
        for (int k = 0; k < got; k++) {
            if (block[k] != 0)
                return MIN(index + (unsigned)k, end);
        }
        index += (unsigned)got;
    }
    return end;
}

/* => si->map */
static int
punch(struct sfs_handle *h, struct sfs_inode *si, struct spot *s)
{
    uint32_t block = s->missing > 0 ? 0 : *s->at & ~SFS_UNWRITTEN;
    int err;

    if (block == 0)
        return 0;
    if (!sane(si, block))
        return -EIO;
    err = journal_join(h, s->page);
    if (err == 0)
        err = journal_join(h, si->page);
    atomic_store(&si->placed, 0ul);
    if (err == 0)
        err = sfs_free(h, block, false);
    if (err == 0) {
        *s->at = 0;
        sfs_count_blocks(si, -1);
    }
    return err;
}

/* Tables stay, even if they are empty now. */
int
sfs_punch(struct inode *i, uint64_t index)
{
    struct sfs_inode *si = sfs_inode(i);
    struct sfs_handle h;
    int err = journal_begin(&h, sfs_of(i), SFS_MAP_CREDITS);

    if (err != 0)
        return err;
    do {
        struct spot s;

        spin_lock(&si->map);
        err = walk(si, index, &s, &h.need);
        if (err == 0) {
            h.need = 0;
            err = punch(&h, si, &s);
            page_put(s.page);
        }
        spin_unlock(&si->map);
        if (err == -EAGAIN)
            err = sfs_again(&h, err) == 0 ? -EAGAIN : -EIO;
    } while (err == -EAGAIN);
    journal_end(&h);
    return err;
}
