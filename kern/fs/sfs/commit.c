/* commit.c: all of a change, or nothing, whenever the power goes.
 *
 * Changes to metadata are made in handles.  All handles that are open at one time
 * belong to one transaction; a page that changes joins it, once.  A commit
 *
 *     1. lets no new handle in, waits for the open ones, copies the pages that
 *        joined, and lets handles in again: theirs is the next transaction
 *     2. has the data of new blocks written, and the copies to the log
 *     3. flush; commit block; flush: now it has happened
 *     4. writes the copies to their places
 *
 * The first flush of the next commit makes 4 last, and after that commit only the
 * next log is needed; so two halves are enough (docs/design/files.md).
 *
 * What never waits for a handle while it is open itself, or holds what a commit
 * waits for: a committer waits for handles (1) and for dirty pages that are
 * locked (2); a page is clean while its mkwrite() waits for a handle.
 *
 * If there is no memory for copies, handles stay out until 4 is done. */
#include "fs/sfs/impl.h"

#include <string.h>

struct commit {
    uint64_t tid;
    unsigned n;
    struct page **joined; /* the pages, by block */
    struct page **log;    /* the list, then their copies */
    struct list ordered;
    struct sfs_commit block;
    bool copied;
};

/* By block number, so that neighbours go out together; what was freed is left
 * out. (Shell's sort.) */
static unsigned
sort_pages(struct page **p, unsigned n)
{
    unsigned live = 0;

    for (unsigned i = 0; i < n; i++) {
        if (p[i] != NULL)
            p[live++] = p[i];
    }
    for (unsigned gap = live / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (unsigned i = gap; i < live; i++) {
            struct page *page = p[i];
            unsigned k = i;

            for (; k >= gap && p[k - gap]->index > page->index; k -= gap)
                p[k] = p[k - gap];
            p[k] = page;
        }
    }
    return live;
}

/* The numbers of the blocks, and then of the orphans. */
static void
write_list(struct sfs *fs, struct commit *c)
{
    unsigned at = 0;

    for (unsigned i = 0; i < SFS_LIST_BLOCKS; i++)
        page_zero(page_to_va(c->log[i]));
    c->block = (struct sfs_commit){.magic = SFS_COMMIT_MAGIC, .tid = c->tid};
    for (; at < c->n; at++)
        ((uint32_t *)page_to_va(c->log[at / 1024]))[at % 1024] =
            (uint32_t)c->joined[at]->index;
    spin_lock(&fs->wq.lock);
    list_for_each_entry (si, &fs->orphans, struct sfs_inode, orphan) {
        if (at == SFS_LIST_MAX)
            break;
        ((uint32_t *)page_to_va(c->log[at / 1024]))[at % 1024] =
            (uint32_t)si->inode.ino;
        at++;
    }
    spin_unlock(&fs->wq.lock);
    c->block.nblocks = c->n;
    c->block.norphans = at - c->n;
}

static void
copy_pages(struct commit *c)
{
    struct page **copy = c->log + SFS_LIST_BLOCKS;

    c->copied = true;
    for (unsigned i = 0; i < c->n && c->copied; i++) {
        copy[i] = alloc_pages(0);
        c->copied = copy[i] != NULL;
    }
    for (unsigned i = 0; i < c->n; i++) {
        if (c->copied)
            page_copy(page_to_va(copy[i]), page_to_va(c->joined[i]));
        else if (copy[i] != NULL)
            page_put(copy[i]);
        if (!c->copied)
            copy[i] = c->joined[i];
    }
}

/* Let handles in, to the next transaction.  => fs->wq.lock */
static void
let_in(struct sfs *fs)
{
    fs->closing = false;
    wait_wake_all(&fs->wq);
}

/* Step 1. */
static void
close_transaction(struct sfs *fs, struct commit *c)
{
    spin_lock(&fs->wq.lock);
    fs->closing = true;
    while (fs->handles > 0)
        wait_sleep(&fs->wq);
    spin_unlock(&fs->wq.lock);

    c->tid = fs->tid;
    c->joined = fs->joined[c->tid & 1];
    c->log = fs->log;
    memset(c->log + SFS_LIST_BLOCKS, 0, fs->room * sizeof(*c->log));
    page_get(fs->sb_page);
    c->joined[fs->count] = fs->sb_page; /* there is room for one more */
    c->n = sort_pages(c->joined, fs->count + 1);
    fs->sb->sum = sfs_sum(0, fs->sb, offsetof(struct sfs_super, sum));
    write_list(fs, c);
    copy_pages(c);
    list_init(&c->ordered);

    spin_lock(&fs->wq.lock);
    while (!list_empty(&fs->ordered)) {
        struct list *l = fs->ordered.next;

        list_del(l);
        list_add_tail(&c->ordered, l);
    }
    fs->count = 0;
    fs->tid++;
    if (c->copied)
        let_in(fs);
    spin_unlock(&fs->wq.lock);
}

/* An inode may be taken off that list by who frees it. */
static struct sfs_inode *
next_ordered(struct sfs *fs, struct commit *c, uint64_t *from, uint64_t *to)
{
    struct sfs_inode *si = NULL;

    spin_lock(&fs->wq.lock);
    if (!list_empty(&c->ordered)) {
        si = list_first(&c->ordered, struct sfs_inode, ordered);
        list_del(&si->ordered);
        *from = si->new_from;
        *to = si->new_to;
    }
    spin_unlock(&fs->wq.lock);
    return si;
}

/* The end of an inode takes a handle, and those may have to wait for the commit:
 * so its reference is given back after it. */
static void
put_later(struct sfs *fs, struct sfs_inode *si)
{
    spin_lock(&fs->wq.lock);
    if (si->puts++ == 0)
        list_add_tail(&fs->leaving, &si->leaving);
    spin_unlock(&fs->wq.lock);
}

static void
put_all(struct sfs *fs)
{
    struct sfs_inode *si;
    unsigned n;

    spin_lock(&fs->wq.lock);
    fs->putting++;
    while (!list_empty(&fs->leaving)) {
        si = list_first(&fs->leaving, struct sfs_inode, leaving);
        list_del(&si->leaving);
        n = si->puts;
        si->puts = 0;
        spin_unlock(&fs->wq.lock);
        while (n-- > 0)
            inode_put(&si->inode);
        spin_lock(&fs->wq.lock);
    }
    if (--fs->putting == 0)
        wait_wake_all(&fs->wq);
    spin_unlock(&fs->wq.lock);
}

void
journal_wait_put(struct sfs *fs)
{
    spin_lock(&fs->wq.lock);
    while (fs->putting > 0)
        wait_sleep(&fs->wq);
    spin_unlock(&fs->wq.lock);
}

/* Steps 2 to 4. */
static int
write_out(struct sfs *fs, struct commit *c)
{
    uint32_t half = fs->at.journal + (c->tid & 1) * fs->sb->half;
    struct sfs_batch batch = {0};
    struct page **copy = c->log + SFS_LIST_BLOCKS;
    struct sfs_inode *si;
    uint64_t from, to;
    int err = 0;

    while ((si = next_ordered(fs, c, &from, &to)) != NULL) {
        if (err == 0)
            err = sfs_write_new(si, from, to);
        put_later(fs, si);
    }
    for (unsigned i = 0; i < SFS_LIST_BLOCKS + c->n; i++)
        c->block.logged =
            sfs_sum(c->block.logged, page_to_va(c->log[i]), SFS_BLOCK);
    c->block.sum = sfs_sum(0, &c->block, offsetof(struct sfs_commit, sum));
    if (err == 0) {
        sfs_io_pages(fs, &batch, BLK_WRITE, half + 1, c->log,
                     SFS_LIST_BLOCKS + c->n);
        err = sfs_io_wait(fs, &batch);
    }
    if (err == 0)
        err = blk_flush(fs->dev);
    page_zero(page_to_va(fs->log[0]));
    memcpy(page_to_va(fs->log[0]), &c->block, sizeof(c->block));
    if (err == 0)
        err = blk_write(fs->dev, (uint64_t)half * SFS_SECTORS,
                        page_to_va(fs->log[0]), SFS_BLOCK);
    if (err == 0)
        err = blk_flush(fs->dev);
    for (unsigned i = 0, n; i < c->n && err == 0; i += n) {
        uint64_t block = c->joined[i]->index;

        for (n = 1; i + n < c->n && c->joined[i + n]->index == block + n;)
            n++;
        sfs_io_pages(fs, &batch, BLK_WRITE, (uint32_t)block, copy + i, n);
    }
    return err != 0 ? err : sfs_io_wait(fs, &batch);
}

/* What was freed in TID may be used again. */
static void
forget_freed(struct sfs *fs, uint64_t tid)
{
    struct vm_object *freed = &fs->freed[tid & 1];

    for (uint64_t m = 0; freed->npages > 0; m++) { /* TID + 2 may add more */
        struct page *page = object_find(freed, m);

        if (page == NULL)
            continue;
        page_lock(page);
        spin_lock(&fs->freemap);
        object_remove(freed, page);
        spin_unlock(&fs->freemap);
        page_unlock(page);
        page_put(page);
    }
}

static void
commit_one(struct sfs *fs)
{
    struct commit c;
    int err;

    close_transaction(fs, &c);
    err = write_out(fs, &c);
    for (unsigned i = 0; i < c.n; i++) {
        if (c.copied)
            page_put(c.log[SFS_LIST_BLOCKS + i]);
        page_put(c.joined[i]);
    }
    if (err != 0)
        sfs_bad(fs, "the journal cannot be written (error %d)", -err);
    forget_freed(fs, c.tid);
    spin_lock(&fs->wq.lock);
    fs->done = c.tid;
    if (!c.copied)
        let_in(fs);
    spin_unlock(&fs->wq.lock);
}

int
journal_commit(struct sfs *fs)
{
    bool ours = false;
    uint64_t want;
    int err;

    spin_lock(&fs->wq.lock);
    want = fs->tid;
    if (fs->count == 0 && fs->handles == 0 && list_empty(&fs->ordered))
        want--;
    while (fs->done < want && fs->broken == 0) {
        if (fs->busy) {
            wait_sleep(&fs->wq);
            continue;
        }
        ours = fs->busy = true;
        spin_unlock(&fs->wq.lock);
        commit_one(fs);
        spin_lock(&fs->wq.lock);
        fs->busy = false;
        wait_wake_all(&fs->wq);
    }
    err = fs->broken;
    spin_unlock(&fs->wq.lock);
    put_all(fs);
    /* Somebody else's flush may have come before what we wrote. */
    return err == 0 && !ours ? blk_flush(fs->dev) : err;
}
