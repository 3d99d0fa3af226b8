/* super.c: mount and unmount, and what happens when the disk is wrong.
 *
 * The super block names the sizes, which say where everything is (sfs.h).  It is
 * logged with every transaction, because it has the counts of what is free.
 * What is found to be wrong is said once, on one line, and from then on nothing is
 * written: a disk that was damaged is not damaged further. */
#include "fs/sfs/impl.h"

#include "debug/printk.h"
#include "mm/kmalloc.h"
#include <atomic.h>
#include <printfmt.h>
#include <stdarg.h>
#include <string.h>

int
sfs_bad(struct sfs *fs, const char *fmt, ...)
{
    int good = 0;
    va_list ap;
    char text[96];

    if (!atomic_cas(&fs->broken, &good, -EROFS))
        return -EIO;
    atomic_store(&fs->super.readonly, true);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cprintf("sfs: %s: %s; read-only from now on\n", fs->dev->name, text);
    return -EIO;
}

/* --- blocks of metadata --- */

static int
meta_page_in(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct sfs *fs = obj->host;

    page->policy = 0; /* joined nothing, not checked */
    return blk_read(fs->dev, index * SFS_SECTORS, page_to_va(page), SFS_BLOCK);
}

static const struct pager_ops meta_pager = {.name = "sfs metadata",
                                            .page_in = meta_page_in};
static const struct pager_ops no_pager = {.name = "freed"};

struct page *
sfs_meta_find(struct sfs *fs, uint32_t block)
{
    struct page *page = object_find(&fs->meta, block);

    if (page == NULL || (atomic_load(&page->flags) & PG_UPTODATE))
        return page;
    page_put(page);
    return NULL;
}

int
sfs_meta(struct sfs *fs, uint32_t block, struct page **page)
{
    char *data;
    int err;

    *page = sfs_meta_find(fs, block);
    if (*page != NULL)
        return 0;
    err = object_page(&fs->meta, block, page, &data);
    if (err == -EIO)
        sfs_bad(fs, "block %u cannot be read", block);
    return err;
}

/* --- mount --- */

const char *
sfs_super_wrong(const struct sfs_super *sb, uint64_t nblocks)
{
    struct sfs_places p;

    if (sb->magic != SFS_MAGIC)
        return "there is no file system";
    if (sb->sum != sfs_sum(0, sb, offsetof(struct sfs_super, sum)))
        return "the super block is damaged";
    if (sb->version != SFS_VERSION || sb->block_size != SFS_BLOCK ||
        (sb->incompat & ~SFS_INCOMPAT))
        return "it was made by a newer version";
    if (sb->nblocks > nblocks || sb->nblocks > SFS_MAX_BLOCKS)
        return "it is larger than the disk";
    if (sb->half < SFS_HALF_MIN || sb->half > SFS_HALF_MAX || sb->ninodes < 2 ||
        sb->ninodes > SFS_MAX_BLOCKS)
        return "the super block has wrong sizes";
    p = sfs_places(sb->nblocks, sb->ninodes, sb->half);
    if (p.data >= sb->nblocks || p.data < p.journal)
        return "the super block has wrong sizes";
    return NULL;
}

/* Read block 0 and see what it is. */
static int
read_super(struct sfs *fs)
{
    const char *wrong;
    int err = blk_read(fs->dev, 0, fs->sb, SFS_BLOCK);

    if (err != 0) {
        cprintf("sfs: %s: the super block cannot be read\n", fs->dev->name);
        return -EIO;
    }
    wrong = sfs_super_wrong(fs->sb, fs->dev->nsectors / SFS_SECTORS);
    if (wrong != NULL) {
        cprintf("sfs: %s: %s\n", fs->dev->name, wrong);
        return -EINVAL;
    }
    if (fs->sb->ro_compat & ~SFS_RO_COMPAT)
        fs->super.readonly = true;
    fs->nblocks = fs->sb->nblocks;
    fs->ninodes = fs->sb->ninodes;
    fs->at = sfs_places(fs->nblocks, fs->ninodes, fs->sb->half);
    return 0;
}

static void
statfs(struct super *s, struct statfs_info *info)
{
    struct sfs *fs = container_of(s, struct sfs, super);

    *info = (struct statfs_info){.type = 0x53465331,
                                 .bsize = SFS_BLOCK,
                                 .blocks = fs->nblocks - fs->at.data,
                                 .bfree = atomic_load(&fs->sb->free_blocks),
                                 .files = fs->ninodes - 1,
                                 .ffree = atomic_load(&fs->sb->free_inodes),
                                 .namelen = NAME_MAX};
}

static int
sync_all(struct super *s)
{
    struct sfs *fs = container_of(s, struct sfs, super);
    int err = 0;

    if (s->readonly)
        return 0;
    err = sfs_store_all(fs);
    if (err == 0)
        err = journal_commit(fs);
    journal_wait_put(fs); /* who unmounts finds only inodes that are in use */
    return err;
}

static const struct super_ops super_ops = {.keep_names = true,
                                           .name = "sfs",
                                           .sync = sync_all,
                                           .statfs = statfs,
                                           .unmount = sfs_unmount};

static void
set_up(struct sfs *fs, struct blkdev *dev, bool readonly)
{
    super_init(&fs->super, &super_ops, dev->name, readonly || dev->readonly);
    fs->super.max_size = SFS_MAX_PAGES * SFS_BLOCK;
    fs->dev = dev;
    spin_init(&fs->freemap, RANK_FREEMAP);
    wait_init(&fs->wq);
    list_init(&fs->dirty);
    list_init(&fs->ordered);
    list_init(&fs->orphans);
    list_init(&fs->leaving);
    object_init(&fs->meta, &meta_pager, UINT64_MAX, fs);
    object_init(&fs->freed[0], &no_pager, UINT64_MAX, NULL);
    object_init(&fs->freed[1], &no_pager, UINT64_MAX, NULL);
}

/* The super block is a page of metadata like any other from now on. */
static int
keep_super(struct sfs *fs)
{
    struct page *page;
    int err = object_add(&fs->meta, 0, &page);

    if (err != 0)
        return err;
    page->policy = 0;
    fs->sb_page = page;
    fs->sb = page_to_va(page);
    err = read_super(fs);
    if (err == 0)
        atomic_or(&page->flags, PG_UPTODATE);
    page_unlock(page);
    return err;
}

/* What a crash interrupted: inodes without names, and files that were being cut. */
static int
end_orphans(struct sfs *fs, const uint32_t *ino, unsigned n)
{
    struct inode *i;
    int err = 0;

    for (unsigned k = 0; k < n && err == 0;
         k++) { /* all, before the first ends */
        err = sfs_inode_get(fs, ino[k], &i);
        if (err == 0)
            sfs_orphan(sfs_inode(i), true);
    }
    for (unsigned k = 0; k < n && err == 0; k++) {
        err = sfs_inode_get(fs, ino[k], &i);
        if (err != 0)
            break;
        inode_put(i);
        if (i->nlink > 0 && i->object != NULL)
            err = sfs_truncate(i, i->object->size);
        inode_put(i);
    }
    return err;
}

static int
start(struct sfs *fs, bool thread)
{
    uint32_t *orphans = NULL;
    unsigned n = 0;
    int err = keep_super(fs);

    if (err == 0)
        err = sfs_io_start(fs);
    if (err == 0)
        err = journal_replay(fs, &orphans, &n);
    if (err == 0)
        err = read_super(fs);
    if (err == 0)
        err = journal_start(fs, thread && !fs->super.readonly);
    if (err == 0) {
        fs->next_block = fs->at.data;
        fs->low_inode = SFS_ROOT + 1;
        err = sfs_inode_get(fs, SFS_ROOT, &fs->super.root);
    }
    if (err == 0 && ((fs->super.root->mode & S_IFMT) != S_IFDIR ||
                     fs->super.root->nlink == 0))
        err = sfs_bad(fs, "the root is no folder");
    if (err == 0) {
        fs->super.root->parent = fs->super.root;
        if (!fs->super.readonly)
            err = end_orphans(fs, orphans, n);
    }
    kfree(orphans);
    return err;
}

static void
stop(struct sfs *fs)
{
    sfs_forget_changes(fs);
    if (fs->super.root != NULL) {
        inode_put(fs->super.root);
        icache_shrink(&fs->super, SIZE_MAX);
    }
    sfs_retry_orphans(fs, true);
    journal_stop(fs);
    sfs_io_stop(fs);
    if (fs->sb_page != NULL)
        page_put(fs->sb_page);
    if (fs->last_freemap != NULL)
        page_put(fs->last_freemap);
    if (fs->last_imap != NULL)
        page_put(fs->last_imap);
    object_put(&fs->meta);
    object_put(&fs->freed[0]);
    object_put(&fs->freed[1]);
    atomic_store_release(&fs->dev->mounted, 0);
    kfree(fs);
}

int
sfs_mount(struct blkdev *dev, bool readonly, bool thread, struct sfs **made)
{
    struct sfs *fs = kzalloc(sizeof(*fs));
    int err;

    if (fs == NULL)
        return -ENOMEM;
    /* A second one would not know what this one has in memory. */
    if (atomic_swap_acquire(&dev->mounted, 1)) {
        kfree(fs);
        return -EBUSY;
    }
    set_up(fs, dev, readonly);
    err = start(fs, thread);
    if (err != 0) {
        fs->broken = fs->broken != 0 ? fs->broken : -EROFS;
        stop(fs);
        return err;
    }
    *made = fs;
    return 0;
}

/* All is in its place: the next mount need not look into the journal.  Only the
 * first sector of the block changes, so it is the old one or the new one. */
static void
mark_clean(struct sfs *fs)
{
    fs->sb->clean = fs->done;
    fs->sb->sum = sfs_sum(0, fs->sb, offsetof(struct sfs_super, sum));
    if (blk_flush(fs->dev) != 0 ||
        blk_write(fs->dev, 0, fs->sb, SFS_BLOCK) != 0 ||
        blk_flush(fs->dev) != 0)
        sfs_bad(fs, "the super block cannot be written");
}

void
sfs_unmount(struct super *s)
{
    struct sfs *fs = container_of(s, struct sfs, super);

    if (!s->readonly && sync_all(s) == 0 && fs->norphans > 0) {
        sfs_retry_orphans(fs, false); /* nobody holds them but the list */
        sync_all(s);
    }
    if (!s->readonly && fs->broken == 0 && fs->norphans == 0)
        mark_clean(fs);
    stop(fs);
}
