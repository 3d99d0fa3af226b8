/* journal.c: handles: leave to change metadata.
 *
 * A handle says how many blocks it may change, and waits until the open transaction
 * has room for them.  Handles are counted, not exclusive: all that are open at one
 * time belong to one transaction.  A page that changes joins it, once; what is
 * done with the pages that joined is in commit.c. */
#include "fs/sfs/impl.h"

/* Have the full transaction committed.  => fs->wq.lock */
static void
make_room(struct sfs *fs)
{
    if (fs->has_thread) {
        fs->wanted = true;
        wait_wake_all(&fs->wq);
        wait_sleep(&fs->wq);
    } else {
        spin_unlock(&fs->wq.lock);
        journal_commit(fs);
        spin_lock(&fs->wq.lock);
    }
}

bool
journal_idle(struct sfs *fs)
{
    bool idle;

    spin_lock(&fs->wq.lock);
    idle = fs->count == 0 && fs->handles == 0 && list_empty(&fs->ordered) &&
           list_empty(&fs->dirty);
    spin_unlock(&fs->wq.lock);
    return idle;
}

int
journal_reclaim(struct sfs *fs)
{
    bool some;

    spin_lock(&fs->freemap);
    some = fs->freed[0].npages + fs->freed[1].npages > 0;
    spin_unlock(&fs->freemap);
    if (!some)
        return -ENOSPC;
    spin_lock(&fs->wq.lock);
    for (uint64_t want = fs->count > 0 ? fs->tid : fs->tid - 1;
         fs->done < want && fs->broken == 0;)
        make_room(fs);
    spin_unlock(&fs->wq.lock);
    return 0;
}

/* May a handle of so many CREDITS begin?  => fs->wq.lock */
static inline bool
may_begin(const struct sfs *fs, unsigned credits)
{
    return fs->broken == 0 && !fs->closing &&
           fs->count + fs->reserved + credits <= fs->room;
}

/* => fs->wq.lock, dropped for a while */
static NOINLINE int
wait_room(struct sfs *fs, unsigned credits)
{
    while (fs->broken == 0 && !may_begin(fs, credits)) {
        if (fs->closing)
            wait_sleep(&fs->wq);
        else
            make_room(fs);
    }
    return fs->broken;
}

int
journal_begin(struct sfs_handle *h, struct sfs *fs, unsigned credits)
{
    int err = 0;

    *h = (struct sfs_handle){.fs = fs, .left = credits, .credits = credits};
    lock_order_check(RANK_JOURNAL);
    spin_lock(&fs->wq.lock);
    if (unlikely(!may_begin(fs, credits)))
        err = wait_room(fs, credits);
    if (err == 0) {
        fs->handles++;
        fs->reserved += credits;
        h->open = true;
    }
    spin_unlock(&fs->wq.lock);
    if (err == 0)
        lock_order_add(RANK_JOURNAL);
    return err;
}

void
journal_end(struct sfs_handle *h)
{
    struct sfs *fs = h->fs;

    if (!h->open)
        return;
    h->open = false;
    lock_order_remove(RANK_JOURNAL);
    spin_lock(&fs->wq.lock);
    fs->reserved -= h->left;
    if (--fs->handles == 0 && fs->closing)
        wait_wake_all(&fs->wq);
    spin_unlock(&fs->wq.lock);
}

int
journal_join_first(struct sfs_handle *h, struct page *page)
{
    struct sfs *fs = h->fs;

    if (h->left == 0) {
        h->need = 0;
        return -EAGAIN;
    }
    spin_lock(&fs->wq.lock);
    if (JOINED_TID(page) != fs->tid) {
        page_get(page);
        page->policy = JOINED(fs->tid, fs->count) | (page->policy & 1);
        fs->joined[fs->tid & 1][fs->count++] = page;
        fs->reserved--;
        h->left--;
    }
    spin_unlock(&fs->wq.lock);
    return 0;
}

void
journal_forget(struct sfs *fs, struct page *page)
{
    bool was;

    spin_lock(&fs->wq.lock);
    was = JOINED_TID(page) == fs->tid;
    if (was)
        fs->joined[fs->tid & 1][JOINED_SLOT(page)] = NULL;
    page->policy = 0;
    spin_unlock(&fs->wq.lock);
    if (was)
        page_put(page);
}

int
sfs_again(struct sfs_handle *h, int err)
{
    struct page *page;

    if (err != -EAGAIN)
        return err;
    if (h->need == 0) {
        journal_end(h);
        return journal_begin(h, h->fs, h->credits);
    }
    err = sfs_meta(h->fs, h->need, &page);
    h->need = 0;
    if (err == 0)
        page_put(page);
    return err;
}
