/* test_sfs.c: the file system of the disk, on the real machine: several harts in
 * it at once, the thread that commits, requests that end in interrupts.  The tests
 * want vda with an empty file system, as tools/ktest_prepare.py makes it; without one they
 * are skipped.  What they leave is checked by the next mount, and by fsck.sfs. */
#include "arch/riscv/csr.h"
#include "driver/blk.h"
#include "fs/ops.h"
#include "fs/sfs/impl.h"
#include "ktest.h"
#include "mm/writeback.h"
#include <atomic.h>
#include <printfmt.h>
#include <string.h>

#define THREADS 4
#define FILES   60

static struct sfs *fs;

static bool
mount_it(void)
{
    struct blkdev *dev = blk_find("vda");
    int err = dev == NULL ? -ENODEV : sfs_mount(dev, false, true, &fs);

    if (dev == NULL)
        ktest_skip("no disk");
    else if (err == -EINVAL)
        ktest_skip("no file system on it");
    else
        CHECK(err == 0);
    return err == 0;
}

static void
unmount_it(void)
{
    icache_shrink(&fs->super, SIZE_MAX);
    sfs_unmount(&fs->super);
}

/* Page INDEX of I is all BYTE.  As file_pages.c, without a user's buffer. */
static int
fill_page(struct inode *i, uint64_t index, int byte)
{
    struct page *page;
    int err = object_add(i->object, index, &page);

    if (err == -EEXIST)
        page_lock(page);
    else if (err != 0)
        return err;
    err = 0;
    if (!(atomic_load(&page->flags) & PG_DIRTY)) {
        page_wait_written(page);
        err = i->object->ops->mkwrite(i->object, index, page);
    }
    if (err == 0) {
        memset(page_to_va(page), byte, PAGE_SIZE);
        atomic_or(&page->flags, PG_UPTODATE);
        object_set_dirty(i->object, page);
        if ((index + 1) * PAGE_SIZE > i->size) {
            i->size = (index + 1) * PAGE_SIZE;
            atomic_store(&i->object->size, i->size);
        }
    }
    page_unlock(page);
    page_put(page);
    return err;
}

static bool
page_is(struct inode *i, uint64_t index, int byte)
{
    struct page *page;
    char *data;
    bool same;

    if (object_page(i->object, index, &page, &data) != 0)
        return false;
    same = data[0] == byte && data[PAGE_SIZE - 1] == byte;
    page_put(page);
    return same;
}

static int
find(struct inode *dir, const char *name, struct inode **found)
{
    int err;

    mutex_lock(&dir->lock);
    err = dir->ops->lookup(dir, name, strlen(name), found);
    mutex_unlock(&dir->lock);
    return err;
}

static const char *
file_name(char *buf, unsigned thread, unsigned k)
{
    snprintf(buf, 32, "file %u of thread %u", k, thread);
    return buf;
}

/* One file from nothing to the disk; every third one goes again. */
static void
one_file(struct inode *dir, unsigned thread, unsigned k)
{
    struct inode *i;
    char name[32];

    CHECK(fs_create(dir, name_of(file_name(name, thread, k)), S_IFREG | 0644, 0,
                    &i) == 0);
    mutex_lock(&i->lock);
    for (unsigned p = 0; p <= k % 5; p++)
        CHECK(fill_page(i, p, (int)(k + p + 1)) == 0);
    i->ops->dirty(i);
    mutex_unlock(&i->lock);
    if (k % 7 == 0) {
        CHECK(sfs_write_new(sfs_inode(i), 0, 10) == 0);
        CHECK(i->ops->sync(i, false) == 0);
    }
    if (k % 3 == 0)
        CHECK(fs_unlink(dir, name_of(name), false) == 0);
    inode_put(i);
}

static void
many_files(unsigned thread)
{
    struct inode *root = fs->super.root, *dir;
    char name[32];

    snprintf(name, sizeof(name), "dir %u", thread);
    CHECK(fs_create(root, name_of(name), S_IFDIR | 0755, 0, &dir) == 0);
    for (unsigned k = 0; k < FILES; k++)
        one_file(thread % 2 ? dir : root, thread, k);
    inode_put(dir);
}

/* ... is there, or not, and as it was written; then it goes. */
static void
verify_file(struct inode *dir, unsigned thread, unsigned k)
{
    struct inode *i;
    char name[32];
    int err = find(dir, file_name(name, thread, k), &i);

    CHECK(err == (k % 3 == 0 ? -ENOENT : 0));
    if (err != 0)
        return;
    CHECK(i->size == (k % 5 + 1) * PAGE_SIZE);
    for (unsigned p = 0; p <= k % 5; p++)
        CHECK(page_is(i, p, (int)(k + p + 1)));
    CHECK(fs_unlink(dir, name_of(name), false) == 0);
    inode_put(i);
}

static void
verify(unsigned thread)
{
    struct inode *root = fs->super.root, *dir;
    char name[32];

    snprintf(name, sizeof(name), "dir %u", thread);
    CHECK(find(root, name, &dir) == 0);
    for (unsigned k = 0; k < FILES; k++)
        verify_file(thread % 2 ? dir : root, thread, k);
    inode_put(dir);
    CHECK(fs_unlink(root, name_of(name), true) == 0);
}

KTEST(sfs_four_at_once)
{
    struct statfs_info before, after;

    if (!mount_it())
        return;
    fs->super.ops->statfs(&fs->super, &before);
    ktest_parallel(THREADS, false, many_files);
    unmount_it();
    if (!mount_it())
        return;
    ktest_parallel(THREADS, false, verify);
    unmount_it();
    if (!mount_it())
        return;
    fs->super.ops->statfs(&fs->super, &after);
    /* A folder keeps its first leaf. */
    CHECK(after.ffree == before.ffree && after.bfree + 4 >= before.bfree);
    unmount_it();
}

KTEST(sfs_create_unlink)
{
    struct inode *i;
    uint64_t start;
    unsigned flushes;

    if (!mount_it())
        return;
    flushes = (unsigned)fs->dev->requests[BLK_FLUSH];
    for (unsigned k = 0; k < 100; k++) {
        start = csr_read(instret);
        CHECK(fs_create(fs->super.root, name_of("new"), S_IFREG | 0644, 0,
                        &i) == 0);
        inode_put(i);
        CHECK(fs_unlink(fs->super.root, name_of("new"), false) == 0);
    }
    cprintf("# create and unlink: %lu instructions\n",
            csr_read(instret) - start);
    CHECK(fs->dev->requests[BLK_FLUSH] <= flushes + 2); /* the thread's */
    unmount_it();
    if (!mount_it())
        return;
    CHECK(fs->sb->clean == fs->done); /* nothing had to be replayed */
    unmount_it();
}

/* The flusher takes a reference of the object, not of the inode: those it must
 * leave as they are, also if the inode is not in use, or about to end. */
KTEST(sfs_flush_leaves_references)
{
    struct inode *i;

    if (!mount_it())
        return;
    CHECK(fs_create(fs->super.root, name_of("f"), S_IFREG | 0644, 0, &i) == 0);
    mutex_lock(&i->lock);
    CHECK(fill_page(i, 0, 1) == 0);
    mutex_unlock(&i->lock);
    CHECK(fs->super.ops->sync(&fs->super) == 0); /* none is on its lists */
    mutex_lock(&i->lock);
    CHECK(fill_page(i, 0, 2) == 0);
    mutex_unlock(&i->lock);
    names_forget(&fs->super);
    CHECK(atomic_load(&i->refs) == 1);
    flush_everything();
    CHECK(atomic_load(&i->refs) == 1);
    mutex_lock(&i->lock);
    CHECK(fill_page(i, 0, 3) == 0);
    mutex_unlock(&i->lock);
    inode_put(i); /* unused, and dirty */
    flush_everything();
    CHECK(atomic_load(&i->refs) == 0);
    CHECK(find(fs->super.root, "f", &i) == 0 && atomic_load(&i->refs) == 1);
    CHECK(fs_unlink(fs->super.root, name_of("f"), false) == 0);
    inode_put(i);
    unmount_it();
}

/* Half of the threads make, write, and remove files, the others flush. */
static void
come_and_go(unsigned thread)
{
    struct inode *i;
    char name[32];

    for (unsigned k = 0; k < 100; k++) {
        if (thread % 2 != 0) {
            flush_everything();
            continue;
        }
        CHECK(fs_create(fs->super.root, name_of(file_name(name, thread, k)),
                        S_IFREG | 0644, 0, &i) == 0);
        mutex_lock(&i->lock);
        CHECK(fill_page(i, k % 3, (int)k) == 0);
        mutex_unlock(&i->lock);
        if (k % 2 != 0) {
            inode_put(i);
            CHECK(find(fs->super.root, name, &i) == 0);
        }
        CHECK(page_is(i, k % 3, (int)k));
        CHECK(fs_unlink(fs->super.root, name_of(name), false) == 0);
        inode_put(i);
    }
}

KTEST(sfs_flush_while_files_go)
{
    if (!mount_it())
        return;
    ktest_parallel(THREADS, false, come_and_go);
    unmount_it();
}
