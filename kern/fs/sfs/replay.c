/* replay.c: the journal before and after: what a crash left, start and stop.
 *
 * A commit block counts if its sums are right.  Of two the higher number is the
 * last transaction; the other half holds the one before, whose blocks are in their
 * places, or pieces of one that never was. */
#include "fs/sfs/impl.h"

#include "mm/kmalloc.h"
#include "mm/kthread.h"
#include "schedule/timeout.h"
#include <string.h>

#define COMMIT_SECONDS 5

static int
read_block(struct sfs *fs, uint32_t block, struct page *page)
{
    return blk_read(fs->dev, (uint64_t)block * SFS_SECTORS, page_to_va(page),
                    SFS_BLOCK);
}

static bool
commit_sane(const struct sfs *fs, const struct sfs_commit *c)
{
    return c->magic == SFS_COMMIT_MAGIC &&
           c->sum == sfs_sum(0, c, offsetof(struct sfs_commit, sum)) &&
           c->tid > 0 && c->tid < 1ul << 46 &&
           c->nblocks <= fs->sb->half - 1 - SFS_LIST_BLOCKS &&
           c->norphans <= SFS_LIST_MAX - c->nblocks;
}

/* Is all of the log of half K there?  1: yes. */
static int
log_whole(struct sfs *fs, unsigned k, const struct sfs_commit *c,
          struct page *page)
{
    uint32_t first = fs->at.journal + k * fs->sb->half + 1;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SFS_LIST_BLOCKS + c->nblocks; i++) {
        int err = read_block(fs, first + i, page);

        if (err != 0)
            return err;
        sum = sfs_sum(sum, page_to_va(page), SFS_BLOCK);
    }
    return sum == c->logged;
}

/* The half with the last transaction, in *C; 2: there was none yet. */
static int
find_last(struct sfs *fs, struct sfs_commit *c, struct page *page)
{
    int best = 2, whole;

    c->tid = 0;
    for (unsigned k = 0; k < 2; k++) {
        struct sfs_commit *here = page_to_va(page), copy;
        int err = read_block(fs, fs->at.journal + k * fs->sb->half, page);

        if (err != 0)
            return err;
        if (!commit_sane(fs, here) || (here->tid & 1) != k ||
            here->tid <= c->tid)
            continue;
        copy = *here;
        whole = log_whole(fs, k, &copy, page);
        if (whole < 0)
            return whole;
        if (whole == 0)
            continue;
        *c = copy;
        best = (int)k;
    }
    return best;
}

/* Copy the logged blocks to their places. */
static int
copy_back(struct sfs *fs, unsigned k, const struct sfs_commit *c,
          const uint32_t *list, struct page *page)
{
    uint32_t log = fs->at.journal + k * fs->sb->half + 1 + SFS_LIST_BLOCKS;
    int err = 0;

    for (uint32_t i = 0; i < c->nblocks; i++) {
        bool journal = list[i] >= fs->at.journal && list[i] < fs->at.data;

        if (list[i] >= fs->nblocks || journal)
            return sfs_bad(fs, "the journal names block %u", list[i]);
    }
    for (uint32_t i = 0; i < c->nblocks && err == 0; i++) {
        err = read_block(fs, log + i, page);
        if (err == 0)
            err = blk_write(fs->dev, (uint64_t)list[i] * SFS_SECTORS,
                            page_to_va(page), SFS_BLOCK);
    }
    return err;
}

static int
replay(struct sfs *fs, struct page *page, uint32_t *list, unsigned *norphans)
{
    struct sfs_commit c = {0};
    int k = find_last(fs, &c, page), err = 0;
    uint32_t first;

    if (k < 0)
        return k;
    fs->done = MAX(c.tid, fs->sb->clean);
    fs->tid = fs->done + 1;
    if (c.tid <= fs->sb->clean)
        return 0;
    if (fs->dev->readonly)
        return -EROFS;
    first = fs->at.journal + (uint32_t)k * fs->sb->half + 1;
    for (unsigned i = 0; i < SFS_LIST_BLOCKS && err == 0; i++) {
        err = read_block(fs, first + i, page);
        memcpy(list + i * 1024, page_to_va(page), SFS_BLOCK);
    }
    if (err == 0)
        err = copy_back(fs, (unsigned)k, &c, list, page);
    memmove(list, list + c.nblocks, c.norphans * sizeof(*list));
    *norphans = c.norphans;
    return err != 0 ? err : blk_flush(fs->dev);
}

int
journal_replay(struct sfs *fs, uint32_t **orphans, unsigned *norphans)
{
    struct page *page = alloc_pages(0);
    int err = -ENOMEM;

    *norphans = 0;
    *orphans = kmalloc(SFS_LIST_BLOCKS * SFS_BLOCK);
    if (page != NULL && *orphans != NULL)
        err = replay(fs, page, *orphans, norphans);
    if (page != NULL)
        page_put(page);
    return err;
}

/* --- the thread --- */

struct alarm {
    struct timeout timeout;
    struct sfs *fs;
};

static void
ring(struct timeout *t)
{
    struct sfs *fs = container_of(t, struct alarm, timeout)->fs;

    spin_lock(&fs->wq.lock);
    fs->wanted = true;
    wait_wake_all(&fs->wq);
    spin_unlock(&fs->wq.lock);
}

/* Every few seconds, and whenever the journal is full. */
static void
commit_thread(void *arg)
{
    struct sfs *fs = arg;
    struct alarm a = {.fs = fs};
    bool leave = false;

    while (!leave) {
        timeout_arm(&a.timeout, time_now() + COMMIT_SECONDS * timebase_hz,
                    ring);
        spin_lock(&fs->wq.lock);
        while (!fs->wanted && !fs->leave)
            wait_sleep(&fs->wq);
        fs->wanted = false;
        leave = fs->leave;
        spin_unlock(&fs->wq.lock);
        timeout_cancel(&a.timeout);
        if (!leave && journal_idle(fs))
            continue;
        sfs_store_all(fs);
        journal_commit(fs);
    }
    spin_lock(&fs->wq.lock);
    fs->left = true;
    wait_wake_all(&fs->wq);
    spin_unlock(&fs->wq.lock);
}

int
journal_start(struct sfs *fs, bool thread)
{
    unsigned n = fs->sb->half;

    fs->room = n - 1 - SFS_LIST_BLOCKS - 1;
    fs->joined[0] = kmalloc(n * sizeof(*fs->joined[0]));
    fs->joined[1] = kmalloc(n * sizeof(*fs->joined[0]));
    fs->log = kzalloc(n * sizeof(*fs->log));
    if (fs->joined[0] == NULL || fs->joined[1] == NULL || fs->log == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < SFS_LIST_BLOCKS; i++) {
        fs->log[i] = alloc_pages(0);
        if (fs->log[i] == NULL)
            return -ENOMEM;
    }
    fs->has_thread = thread;
    return thread ? kthread_run("sfs", commit_thread, fs) : 0;
}

void
journal_stop(struct sfs *fs)
{
    spin_lock(&fs->wq.lock);
    fs->leave = true;
    wait_wake_all(&fs->wq);
    while (fs->has_thread && !fs->left)
        wait_sleep(&fs->wq);
    spin_unlock(&fs->wq.lock);
    for (unsigned i = 0; i < fs->count;
         i++) { /* of what could not be committed */
        if (fs->joined[fs->tid & 1][i] != NULL)
            page_put(fs->joined[fs->tid & 1][i]);
    }
    for (unsigned i = 0; fs->log != NULL && i < SFS_LIST_BLOCKS; i++) {
        if (fs->log[i] != NULL)
            page_put(fs->log[i]);
    }
    kfree(fs->joined[0]);
    kfree(fs->joined[1]);
    kfree(fs->log);
}
