/* inode.c: inodes in memory.
 *
 * The page of the table where an inode stands stays in memory as long as the inode
 * does.  Attributes change in memory; sfs_dirty() puts the inode on a list, and
 * whoever commits stores what is on it.  The lists hold a reference.
 *
 *     made -> in use -> released by icache.c -> its object has gone, too -> end
 *                                               nlink 0: blocks and number are free
 *
 * From the moment it has no name an inode is on the list of orphans, which goes
 * with every commit; so a crash is followed by the same end. */
#include "fs/sfs/impl.h"

#include "mm/kmalloc.h"
#include <atomic.h>
#include <string.h>

/* --- on the disk --- */

const char *
sfs_inode_wrong(const struct sfs *fs, const struct sfs_dinode *d)
{
    uint32_t type = d->mode & S_IFMT;

    if (d->mode >> 16 != 0 || d->nblocks > fs->nblocks || d->flags != 0)
        return "cannot be";
    if (type == S_IFREG)
        return d->size > SFS_MAX_PAGES * SFS_BLOCK ? "is too long" : NULL;
    if (type == S_IFLNK) {
        if (d->size == 0 || d->size >= PATH_MAX ||
            (d->size < SFS_LINK_INLINE &&
             strnlen(d->link, d->size + 1) != d->size))
            return "is no link";
        return NULL;
    }
    if (type == S_IFDIR)
        return d->size != (uint64_t)d->nblocks * SFS_BLOCK ? "has a wrong size"
                                                           : NULL;
    if (type != S_IFCHR && type != S_IFBLK && type != S_IFIFO &&
        type != S_IFSOCK)
        return "is of no type";
    return NULL;
}

/* The place of inode INO, and its page. */
static int
place_of(struct sfs *fs, uint32_t ino, struct page **page,
         struct sfs_dinode **d)
{
    int err = -EIO;

    if (ino < SFS_ROOT || ino >= fs->ninodes)
        return sfs_bad(fs, "there is no inode %u", ino);
    err = sfs_meta(fs, fs->at.inodes + ino / (uint32_t)SFS_PER_BLOCK, page);
    if (err == 0)
        *d = (struct sfs_dinode *)page_to_va(*page) + ino % SFS_PER_BLOCK;
    return err;
}

/* --- in memory --- */

static struct sfs_inode *
node_new(struct sfs *fs, uint32_t ino, struct sfs_dinode *d, struct page *page)
{
    struct sfs_inode *si = kmalloc(sizeof(*si));
    struct inode *i;

    if (si == NULL)
        return NULL;
    memset(&si->object, 0, sizeof(*si) - offsetof(struct sfs_inode, object));
    i = &si->inode;
    inode_init(i, &sfs_inode_ops, d->mode, ino);
    i->super = &fs->super;
    i->nlink = d->nlink;
    i->uid = d->uid;
    i->gid = d->gid;
    i->rdev = d->rdev;
    i->size = d->size;
    i->atime = d->atime;
    i->mtime = d->mtime;
    i->ctime = d->ctime;
    i->blocks = (uint64_t)d->nblocks * SFS_SECTORS;
    spin_init(&si->map, RANK_MAP);
    si->d = d;
    si->page = page;
    list_init(&si->dirty);
    list_init(&si->ordered);
    list_init(&si->orphan);
    list_init(&si->leaving);
    if ((d->mode & S_IFMT) == S_IFREG) {
        object_init(&si->object, &sfs_pager, d->size, i);
        i->object = &si->object;
    }
    return si;
}

static int
make(struct super *s, uint64_t ino, struct inode **made)
{
    struct sfs *fs = container_of(s, struct sfs, super);
    struct sfs_inode *si;
    struct sfs_dinode *d;
    struct page *page;
    const char *wrong;
    int err = place_of(fs, (uint32_t)ino, &page, &d);

    if (err != 0)
        return err;
    wrong = sfs_inode_wrong(fs, d);
    if (wrong != NULL) {
        page_put(page);
        return sfs_bad(fs, "inode %lu %s", ino, wrong);
    }
    si = node_new(fs, (uint32_t)ino, d, page);
    if (si == NULL) {
        page_put(page);
        return -ENOMEM;
    }
    *made = &si->inode;
    return 0;
}

static void
node_free(struct sfs_inode *si)
{
    page_put(si->page);
    kfree(si);
}

void
sfs_inode_undo(struct sfs_inode *si)
{
    memset(si->d, 0, sizeof(*si->d));
    node_free(si);
}

/* Somebody was faster to make it: nothing has happened to it. */
static void
drop(struct inode *i)
{
    node_free(sfs_inode(i));
}

int
sfs_inode_get(struct sfs *fs, uint32_t ino, struct inode **found)
{
    return icache_get(&fs->super, ino, make, drop, found);
}

int
sfs_inode_new(struct sfs_handle *h, uint32_t ino, uint32_t mode, uint64_t rdev,
              struct sfs_inode **made)
{
    struct sfs_dinode *d;
    struct page *page;
    int err = place_of(h->fs, ino, &page, &d);

    if (err != 0)
        return err;
    err = journal_join(h, page);
    if (err == 0) {
        memset(d, 0, sizeof(*d));
        d->mode = mode;
        d->nlink = (mode & S_IFMT) == S_IFDIR ? 2 : 1;
        d->rdev = rdev;
        d->atime = d->mtime = d->ctime = d->btime = inode_now();
        *made = node_new(h->fs, ino, d, page);
        if (*made != NULL)
            return 0;
        memset(d, 0, sizeof(*d)); /* it was free */
        err = -ENOMEM;
    }
    page_put(page);
    return err;
}

/* --- attributes --- */

/* A file that becomes longer shows what is in its last block: to be written before. */
static void
copy_attributes(struct sfs_inode *si)
{
    struct sfs_dinode *d = si->d;
    struct inode *i = &si->inode;

    if (i->object != NULL && atomic_load(&i->object->size) > d->size)
        sfs_note_new(si, d->size >> PAGE_SHIFT);
    d->mode = i->mode;
    d->nlink = i->nlink;
    d->uid = i->uid;
    d->gid = i->gid;
    d->rdev = i->rdev;
    d->size = i->object != NULL ? atomic_load(&i->object->size) : i->size;
    d->atime = i->atime;
    d->mtime = i->mtime;
    d->ctime = i->ctime;
}

/* True: it was on the list, and the list's reference is the caller's now. */
static bool
take_dirty(struct sfs_inode *si)
{
    struct sfs *fs = sfs_of(&si->inode);
    bool was;

    if (list_empty(&si->dirty)) /* who puts it there now is not waited for */
        return false;
    spin_lock(&fs->wq.lock);
    was = !list_empty(&si->dirty);
    list_del(&si->dirty);
    spin_unlock(&fs->wq.lock);
    return was;
}

int
sfs_store(struct sfs_handle *h, struct sfs_inode *si)
{
    int err = journal_join(h, si->page);
    bool was;

    if (err != 0)
        return err;
    was = take_dirty(si);
    copy_attributes(si);
    if (was) /* never the last one: the caller has one */
        inode_put(&si->inode);
    return 0;
}

void
sfs_dirty(struct inode *i)
{
    struct sfs_inode *si = sfs_inode(i);
    struct sfs *fs = sfs_of(i);

    if (fs->super.readonly || i->nlink == 0)
        return;
    spin_lock(&fs->wq.lock);
    if (list_empty(&si->dirty)) {
        inode_get(i);
        list_add_tail(&fs->dirty, &si->dirty);
    }
    spin_unlock(&fs->wq.lock);
}

/* The first of the list, off it. */
static struct sfs_inode *
next_dirty(struct sfs *fs)
{
    struct sfs_inode *si = NULL;

    spin_lock(&fs->wq.lock);
    if (!list_empty(&fs->dirty)) {
        si = list_first(&fs->dirty, struct sfs_inode, dirty);
        list_del(&si->dirty);
    }
    spin_unlock(&fs->wq.lock);
    return si;
}

int
sfs_store_all(struct sfs *fs)
{
    struct sfs_inode *si;
    int err = 0;

    while ((si = next_dirty(fs)) != NULL) {
        struct sfs_handle h;

        err = journal_begin(&h, fs, 1);
        if (err == 0)
            err = sfs_store(&h, si);
        journal_end(&h);
        inode_put(&si->inode);
    }
    return err;
}

/* --- the end --- */

void
sfs_orphan(struct sfs_inode *si, bool on)
{
    struct sfs *fs = sfs_of(&si->inode);

    spin_lock(&fs->wq.lock);
    if (on != !list_empty(&si->orphan)) {
        fs->norphans += on ? 1 : -1u;
        if (on)
            list_add_tail(&fs->orphans, &si->orphan);
        else
            list_del(&si->orphan);
    }
    spin_unlock(&fs->wq.lock);
}

static int
free_blocks(struct sfs_handle *h, struct sfs_inode *si)
{
    uint32_t type = si->d->mode & S_IFMT;
    bool mapped =
        type == S_IFREG || (type == S_IFLNK && si->d->size >= SFS_LINK_INLINE);
    int err;

    if (type == S_IFDIR)
        return sfs_dir_free(h, &si->inode);
    if (!mapped || si->d->nblocks == 0)
        return 0;
    journal_end(h);
    err = sfs_map_cut(si, 0);
    return err != 0 ? err : journal_begin(h, h->fs, h->credits);
}

/* It has no name and no user: its blocks and its number are free. */
static int
free_all(struct sfs_inode *si)
{
    struct sfs *fs = sfs_of(&si->inode);
    struct sfs_handle h;
    int err = journal_begin(&h, fs, SFS_MAP_CREDITS);

    if (err == 0)
        err = free_blocks(&h, si);
    if (err == 0 && h.left < 2) {
        journal_end(&h);
        err = journal_begin(&h, fs, SFS_MAP_CREDITS);
    }
    if (err == 0)
        err = journal_join(&h, si->page);
    while (err == 0 &&
           (err = sfs_free_inode(&h, (uint32_t)si->inode.ino)) == -EAGAIN)
        err = sfs_again(&h, err);
    if (err == 0) {
        memset(si->d, 0, sizeof(*si->d));
        sfs_orphan(si, false);
    }
    journal_end(&h);
    return err;
}

/* What an earlier cut could not free must not show up again when the file grows. */
int
sfs_finish_cut(struct sfs_inode *si)
{
    uint64_t size = atomic_load(&si->object.size);
    int err = 0;

    if (list_empty(&si->orphan) || si->inode.nlink == 0)
        return 0;
    err = sfs_map_cut(si, (size + PAGE_MASK) >> PAGE_SHIFT);
    if (err == 0)
        sfs_orphan(si, false);
    return err;
}

void
sfs_inode_end(struct inode *i)
{
    struct sfs_inode *si = sfs_inode(i);
    struct sfs *fs = sfs_of(i);

    /* What cannot be freed now stays on the list of orphans. */
    if (i->nlink == 0 && !fs->super.readonly && free_all(si) != 0)
        return;
    if (i->nlink > 0)
        (void)sfs_finish_cut(si);
    if (!list_empty(&si->orphan)) /* nobody else has SI */
        sfs_orphan(si, false);
    node_free(si);
}

void
sfs_release(struct inode *i)
{
    if (i->object != NULL)
        object_put(i->object); /* the rest when its last mapping has gone */
    else
        sfs_inode_end(i);
}

/* Drop what cannot be written any more: with it, I would stay in memory. */
static void
drop_dirty(struct vm_object *obj)
{
    struct page *page;

    while ((page = object_next(obj, 0, true)) != NULL) {
        page_lock(page);
        page_wait_written(page);
        if (object_owns(obj, page))
            object_remove(obj, page);
        page_unlock(page);
        object_settle(obj, page);
        page_put(page);
    }
}

void
sfs_forget_changes(struct sfs *fs)
{
    struct sfs_inode *si;

    while ((si = next_dirty(fs)) != NULL)
        inode_put(&si->inode);
    while (!list_empty(&fs->ordered)) { /* nobody else is here any more */
        si = list_first(&fs->ordered, struct sfs_inode, ordered);
        list_del(&si->ordered);
        inode_put(&si->inode);
    }
    list_for_each_entry (i, &fs->super.inodes, struct inode, of_super) {
        if (i->object != NULL)
            drop_dirty(i->object);
    }
}

void
sfs_retry_orphans(struct sfs *fs, bool forget)
{
    for (unsigned n = fs->norphans; n > 0; n--) {
        struct sfs_inode *si;

        spin_lock(&fs->wq.lock);
        si = list_first(&fs->orphans, struct sfs_inode, orphan);
        list_del(&si->orphan);
        list_add_tail(&fs->orphans, &si->orphan);
        spin_unlock(&fs->wq.lock);
        if (forget)
            sfs_orphan(si, false);
        if (!forget && si->inode.nlink > 0)
            (void)sfs_finish_cut(si); /* it is still icache.c's */
        else if (forget || free_all(si) == 0)
            node_free(si);
    }
}
