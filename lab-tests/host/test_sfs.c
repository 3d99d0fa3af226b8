/* test_sfs.c: the file system against a model of it, and against what can fail.
 *
 * The model is a table of names with sizes and a pattern for each byte; random
 * operations are done to both, and both must say the same.  In between the disk is
 * unmounted, checked by the code of fsck.sfs and mounted again.  The same with
 * allocations that fail, with a full disk, without free inodes, and with each block
 * of the disk unreadable in turn: errors are told, nothing else happens. */
#include "sfs_world.h"

#define NFILES 12

static char *data;
static struct disk *disk;
static uint64_t seed = 0x123456789;

struct model {
    bool there;
    uint64_t size;
    uint8_t *bytes; /* 64 KiB */
};
#define MODEL_SIZE 65536u

static struct model model[NFILES];

static uint32_t
roll(uint32_t n)
{
    return (uint32_t)(shim_random(&seed) % n);
}

static const char *
nth_path(unsigned k)
{
    static char path[64];

    snprintf(path, sizeof(path), k % 2 ? "/sub/file-%u" : "/name%u", k);
    return path;
}

static void
fresh_disk(uint64_t blocks, uint64_t inodes)
{
    disk = disk_memory(data, blocks * SFS_BLOCK, "test");
    w_format(disk, data, inodes);
    for (unsigned k = 0; k < NFILES; k++) {
        model[k].there = false;
        model[k].size = 0;
    }
}

static bool
check_clean(void)
{
    struct check c;
    int status = sfs_check(&c, disk, false, true);

    if (status != 0)
        printf("  not clean: %s\n", c.first);
    return status == 0;
}

static bool
remount(void)
{
    w_unmount();
    return check_clean() && w_mount(disk) == 0;
}

/* One operation on both.  False: they differ.  An error that ALLOWED names, and
 * that the model does not know, must have changed nothing. */
static bool
step(unsigned k)
{
    struct model *m = &model[k];
    uint64_t pos = roll(MODEL_SIZE), n = roll((uint32_t)(MODEL_SIZE - pos) + 1);
    static uint8_t buf[MODEL_SIZE];
    const char *path = nth_path(k);
    int err;

    switch (roll(6)) {
    case 0:
        err = w_create(path, S_IFREG | 0644, NULL);
        EXPECT(err == (m->there ? -EEXIST : 0) || err == -ENOSPC ||
               err == -ENOMEM);
        if (err == 0) {
            m->there = true;
            m->size = 0;
            memset(m->bytes, 0, MODEL_SIZE);
        }
        break;
    case 1:
        err = w_unlink(path);
        EXPECT(err == (m->there ? 0 : -ENOENT) || err == -ENOMEM);
        m->there = m->there && err != 0;
        break;
    case 2:
    case 3:
        memset(buf, (int)roll(255) + 1, n);
        n = MIN(n, 9000ul);
        err = w_write(path, pos, buf, n);
        EXPECT(err == (m->there ? 0 : -ENOENT) || err == -ENOSPC ||
               err == -ENOMEM);
        if (err == 0) {
            memcpy(m->bytes + pos, buf, n);
            if (n > 0)
                m->size = MAX(m->size, pos + n);
        } else if (m->there) { /* some of it: ask how much */
            struct inode *i;

            fail_armed = false;
            EXPECT(tree_walk(w_fs, path, &i) == 0);
            m->size = i->object->size;
            EXPECT(object_read(i->object, 0, m->bytes, m->size) ==
                   (long)m->size);
            inode_put(i);
        }
        break;
    case 4:
        err = w_truncate(path, pos);
        EXPECT(err == (m->there ? 0 : -ENOENT) || err == -ENOMEM ||
               err == -ENOSPC);
        if (err == 0) {
            if (pos < m->size)
                memset(m->bytes + pos, 0, MODEL_SIZE - pos);
            m->size = pos;
        } else if (m->there) { /* perhaps only the end was cleared, or cut */
            struct inode *i;

            fail_armed = false;
            EXPECT(tree_walk(w_fs, path, &i) == 0);
            m->size = i->object->size;
            memset(m->bytes, 0, MODEL_SIZE);
            EXPECT(object_read(i->object, 0, m->bytes, m->size) ==
                   (long)m->size);
            inode_put(i);
        }
        break;
    default:
        err = w_fsync(path);
        EXPECT(err == (m->there ? 0 : -ENOENT) || err == -ENOMEM);
    }
    return true;
}

static bool
compare(unsigned k)
{
    static uint8_t buf[MODEL_SIZE];
    struct model *m = &model[k];
    struct inode *i;
    int err = tree_walk(w_fs, nth_path(k), &i);

    EXPECT(err == (m->there ? 0 : -ENOENT));
    if (err != 0)
        return true;
    EXPECT(i->object->size == m->size);
    EXPECT(object_read(i->object, 0, buf, m->size) == (long)m->size);
    EXPECT(memcmp(buf, m->bytes, m->size) == 0);
    inode_put(i);
    return true;
}

static bool
compare_all(void)
{
    for (unsigned k = 0; k < NFILES; k++)
        EXPECT(compare(k));
    return true;
}

static bool
random_run(unsigned steps, uint64_t blocks, uint64_t inodes)
{
    size_t frames = host_frames_used(), objects = host_objects();

    fresh_disk(blocks, inodes);
    EXPECT(w_mount(disk) == 0);
    EXPECT(w_create("/sub", S_IFDIR | 0755, NULL) == 0);
    for (unsigned n = 0; n < steps; n++) {
        EXPECT(step(roll(NFILES)));
        fail_armed = false;
        if (n % 64 == 63)
            EXPECT(remount() && compare_all());
        fail_armed = fail_hook != NULL;
    }
    fail_armed = false;
    EXPECT(compare_all());
    EXPECT(remount() && compare_all());
    w_unmount();
    disk_free(disk);
    EXPECT(host_frames_used() == frames && host_objects() == objects);
    return true;
}

static bool
test_random(void)
{
    return random_run(3000, 800, 64);
}

/* 12 files of 64 KiB do not fit into 100 blocks. */
static bool
test_full_disk(void)
{
    return random_run(3000, 250, 64);
}

static bool
test_no_inodes(void)
{
    struct statfs_info info;
    unsigned made = 0;
    char path[32];

    fresh_disk(W_BLOCKS, 32);
    EXPECT(w_mount(disk) == 0);
    for (int err = 0; err == 0; made += err == 0) {
        snprintf(path, sizeof(path), "/f%u", made);
        err = w_create(path, S_IFREG | 0644, NULL);
        EXPECT(err == 0 || err == -ENOSPC);
    }
    EXPECT(made == 30);
    EXPECT(w_create("/link", 0, "somewhere") == -ENOSPC);
    EXPECT(w_create("/dir", S_IFDIR | 0755, NULL) == -ENOSPC);
    EXPECT(w_unlink("/f7") == 0 && w_create("/dir", S_IFDIR, NULL) == 0);
    w_fs->super.ops->statfs(&w_fs->super, &info);
    EXPECT(info.ffree == 0);
    EXPECT(remount());
    w_unmount();
    disk_free(disk);
    return true;
}

static bool
sometimes(enum fail_site site)
{
    (void)site;
    return roll(40) == 0;
}

static bool
test_no_memory(void)
{
    bool ok;

    fail_hook = sometimes;
    ok = random_run(6000, 800, 64);
    fail_hook = NULL;
    fail_armed = false;
    return ok;
}

/* --- folders --- */

static bool
count_entry(void *arg, const char *name, size_t len, uint64_t ino,
            uint32_t mode, uint64_t next_pos)
{
    uint64_t *at = arg;

    (void)name, (void)len, (void)ino, (void)mode;
    at[0]++;
    at[1] = next_pos;
    return at[0] % 7 != 0; /* in pieces */
}

static uint64_t
count_names(void)
{
    uint64_t at[2] = {0}, before;

    do {
        before = at[0];
        tree_lock(w_fs->super.root);
        w_fs->super.root->ops->readdir(w_fs->super.root, at[1], count_entry,
                                       at);
        tree_unlock(w_fs->super.root);
    } while (at[0] != before && at[0] % 7 == 0);
    return at[0];
}

static bool
test_many_names(void)
{
    unsigned n = 10000;
    char path[300];

    fresh_disk(4000, 11000);
    EXPECT(w_mount(disk) == 0);
    for (unsigned k = 0; k < n; k++) {
        snprintf(path, sizeof(path), "/a file with number %u", k * 7919 % n);
        EXPECT(w_create(path, S_IFREG | 0644, NULL) == 0);
    }
    EXPECT(count_names() == n);
    EXPECT(remount());
    EXPECT(count_names() == n);
    for (unsigned k = 0; k < n; k++) {
        snprintf(path, sizeof(path), "/a file with number %u", k);
        EXPECT(w_unlink(path) == 0);
        if (k % 1000 == 999)
            EXPECT(count_names() == n - 1 - k);
    }
    EXPECT(count_names() == 0);
    EXPECT(remount());
    w_unmount();
    disk_free(disk);
    return true;
}

/* Names of 255 bytes, so that folders of three levels are seen. */
static bool
test_long_names(void)
{
    unsigned n = 9000;
    char path[300];

    fresh_disk(6000, 10000);
    EXPECT(w_mount(disk) == 0);
    for (unsigned k = 0; k < n; k++) {
        snprintf(path, sizeof(path), "/%0255u", k);
        EXPECT(w_create(path, S_IFREG | 0644, NULL) == 0);
    }
    EXPECT(remount());
    EXPECT(count_names() == n);
    for (unsigned k = n; k-- > 0;) {
        snprintf(path, sizeof(path), "/%0255u", k);
        EXPECT(w_unlink(path) == 0);
    }
    EXPECT(remount());
    w_unmount();
    disk_free(disk);
    return true;
}

/* --- files --- */

static bool
test_large_file(void)
{
    static const uint64_t at[] = {0,
                                  37ul << 12,
                                  38ul << 12,
                                  1061ul << 12,
                                  1062ul << 12,
                                  (1062ul << 12) + (3ul << 30),
                                  (4ul << 30) - 10};
    char buf[20];
    struct inode *i;

    fresh_disk(W_BLOCKS, 32);
    EXPECT(w_mount(disk) == 0);
    EXPECT(w_create("/big", S_IFREG | 0644, NULL) == 0);
    for (unsigned k = 0; k < ARRAY_LEN(at); k++)
        EXPECT(w_write("/big", at[k], "here it is 1234567", 18) == 0);
    EXPECT(remount());
    EXPECT(tree_walk(w_fs, "/big", &i) == 0);
    EXPECT(i->object->size == (4ul << 30) + 8);
    for (unsigned k = 0; k < ARRAY_LEN(at); k++) {
        EXPECT(object_read(i->object, at[k], buf, 18) == 18);
        EXPECT(memcmp(buf, "here it is 1234567", 18) == 0);
    }
    inode_put(i);
    EXPECT(w_write("/big", SFS_MAX_PAGES * SFS_BLOCK, "x", 1) == -EFBIG);
    EXPECT(w_truncate("/big", 1061ul << 12) == 0 && remount());
    EXPECT(w_unlink("/big") == 0 && remount());
    w_unmount();
    disk_free(disk);
    return true;
}

/* A store to a page that has its block needs no handle; one that has none any
 * more does. */
static bool
test_reserved(void)
{
    const struct pager_ops *ops;
    struct vm_object *obj;
    struct inode *i;
    struct page *page;

    fresh_disk(W_BLOCKS, 32);
    EXPECT(w_mount(disk) == 0);
    EXPECT(w_create("/file", S_IFREG | 0644, NULL) == 0);
    for (uint64_t k = 0; k < 60; k++)
        EXPECT(k == 50 || w_write("/file", k * SFS_BLOCK, "text", 4) == 0);
    EXPECT(w_sync() == 0 && tree_walk(w_fs, "/file", &i) == 0);
    obj = i->object;
    ops = obj->ops;
    EXPECT(!ops->reserved(obj, 2)); /* nobody asked yet */
    page = object_find(obj, 2);
    page_lock(page);
    EXPECT(ops->mkwrite(obj, 2, page) == 0);
    page_unlock(page);
    page_put(page);
    EXPECT(!ops->reserved(obj, 1) && ops->reserved(obj, 2));
    EXPECT(ops->reserved(obj, 37) && !ops->reserved(obj, 38)); /* direct */
    page = object_find(obj, 45);
    page_lock(page);
    EXPECT(ops->mkwrite(obj, 45, page) == 0);
    page_unlock(page);
    page_put(page);
    EXPECT(ops->reserved(obj, 49) && !ops->reserved(obj, 50)); /* a hole */
    w_fs->super.readonly = true;
    EXPECT(!ops->reserved(obj, 49));
    w_fs->super.readonly = false;
    EXPECT(w_truncate("/file", 47 * SFS_BLOCK) == 0);
    EXPECT(!ops->reserved(obj, 45) && !ops->reserved(obj, 48));
    inode_put(i);
    EXPECT(remount());
    w_unmount();
    disk_free(disk);
    return true;
}

/* Blocks in the middle of a file go, whatever table they stand in, and come back
 * after the next commit; a store needs one again. */
static bool
test_punch(void)
{
    static const uint64_t holes[] = {10, 37, 38, 50, 50, 1100};
    struct statfs_info before, after;
    struct inode *i;
    struct page *page;

    fresh_disk(W_BLOCKS, 32);
    EXPECT(w_mount(disk) == 0 && w_create("/file", S_IFREG, NULL) == 0);
    for (uint64_t k = 0; k < 60; k++)
        EXPECT(w_write("/file", k * SFS_BLOCK, "text", 4) == 0);
    EXPECT(w_write("/file", 1100 * SFS_BLOCK, "text", 4) == 0);
    EXPECT(w_sync() == 0 && tree_walk(w_fs, "/file", &i) == 0);
    w_fs->super.ops->statfs(&w_fs->super, &before);
    page = object_find(i->object, 37);
    page_lock(page);
    EXPECT(i->object->ops->mkwrite(i->object, 37, page) == 0);
    page_unlock(page);
    page_put(page);
    EXPECT(i->object->ops->reserved(i->object, 37));
    for (size_t k = 0; k < ARRAY_LEN(holes); k++)
        EXPECT(i->ops->punch(i, holes[k]) == 0);
    EXPECT(!i->object->ops->reserved(i->object, 37));
    EXPECT(i->ops->next_block(i, 9, 5000) == 9);
    EXPECT(i->ops->next_block(i, 10, 5000) == 11);
    EXPECT(i->ops->next_block(i, 10, 11) == 11);
    EXPECT(i->ops->next_block(i, 60, 1ul << 40) == 1ul << 40);
    EXPECT(w_sync() == 0);
    w_fs->super.ops->statfs(&w_fs->super, &after);
    EXPECT(after.bfree == before.bfree + 5);
    inode_put(i);
    EXPECT(remount());
    w_unmount();
    disk_free(disk);
    return true;
}

/* An unlinked file that is in use is freed after a crash, and the blocks come back. */
static bool
test_orphan(void)
{
    struct statfs_info before, after;
    struct inode *i;
    struct disk *d;
    char *crashed = malloc(W_SIZE);
    struct check c;

    fresh_disk(W_BLOCKS, 32);
    EXPECT(w_mount(disk) == 0);
    EXPECT(w_create("/first", S_IFREG, NULL) == 0 && w_sync() == 0);
    w_fs->super.ops->statfs(&w_fs->super, &before);
    EXPECT(w_create("/file", S_IFREG, NULL) == 0);
    EXPECT(w_write("/file", 300000, "text", 4) == 0);
    EXPECT(tree_walk(w_fs, "/file", &i) == 0);
    EXPECT(w_unlink("/file") == 0 && w_sync() == 0);
    memcpy(crashed, data, W_SIZE);
    inode_put(i);
    w_unmount();
    EXPECT(check_clean());
    disk_free(disk);
    d = disk_memory(crashed, W_SIZE, "crashed");
    EXPECT(sfs_check(&c, d, false, true) == 0);
    EXPECT(w_mount(d) == 0);
    w_fs->super.ops->statfs(&w_fs->super, &after);
    EXPECT(after.bfree == before.bfree && after.ffree == before.ffree);
    w_unmount();
    disk_free(d);
    free(crashed);
    return true;
}

/* --- a bad disk --- */

static uint64_t bad_block;

static int
bad_read(struct disk *d, uint64_t pos, void *buf, size_t n)
{
    if (pos / SFS_BLOCK <= bad_block &&
        bad_block < (pos + n + 4095) / SFS_BLOCK)
        return -EIO;
    memcpy(buf, d->data + pos, n);
    return 0;
}

static void
use_everything(void)
{
    char *buf = malloc(MODEL_SIZE);

    for (unsigned k = 0; k < NFILES; k++) {
        struct inode *i;

        if (tree_walk(w_fs, nth_path(k), &i) == 0) {
            if (i->object != NULL)
                object_read(i->object, 0, buf, MODEL_SIZE);
            inode_put(i);
        }
        w_write(nth_path(k), 5000, "new", 3);
        w_create(nth_path(k + 100), S_IFREG, NULL);
        w_truncate(nth_path(k), 100);
        w_unlink(nth_path(k));
    }
    w_sync();
    free(buf);
}

static bool
test_unreadable_blocks(void)
{
    size_t frames = host_frames_used();
    char *good = malloc(W_SIZE);
    unsigned quiet = 0;

    fresh_disk(W_BLOCKS, 64);
    EXPECT(w_mount(disk) == 0);
    EXPECT(w_create("/sub", S_IFDIR | 0755, NULL) == 0);
    for (unsigned k = 0; k < NFILES; k++) {
        EXPECT(w_create(nth_path(k), S_IFREG, NULL) == 0);
        EXPECT(w_write(nth_path(k), roll(200000), nth_path(k), 10) == 0);
    }
    w_unmount();
    memcpy(good, data, W_SIZE);
    disk->read = bad_read;
    shim_quiet = true;
    for (bad_block = 0; bad_block < W_BLOCKS; bad_block++) {
        unsigned lines = shim_lines;

        memcpy(data, good, W_SIZE);
        if (w_mount(disk) == 0) {
            use_everything();
            w_unmount();
        }
        if (shim_lines > lines + 1)
            return printf("  block %lu: %u lines\n", bad_block,
                          shim_lines - lines) == 0;
        quiet += shim_lines == lines;
        if (host_frames_used() != frames)
            return printf("  block %lu: %ld frames lost\n", bad_block,
                          (long)(host_frames_used() - frames)) == 0;
    }
    shim_quiet = false;
    EXPECT(quiet > 0 && quiet < W_BLOCKS);
    free(good);
    disk_free(disk);
    return true;
}

int
main(void)
{
    host_start(16384);
    data = malloc(6000 * SFS_BLOCK);
    for (unsigned k = 0; k < NFILES; k++)
        model[k].bytes = malloc(MODEL_SIZE);
    RUN(random);
    RUN(full_disk);
    RUN(no_inodes);
    RUN(no_memory);
    RUN(many_names);
    RUN(long_names);
    RUN(large_file);
    RUN(reserved);
    RUN(punch);
    RUN(orphan);
    RUN(unreadable_blocks);
    for (unsigned k = 0; k < NFILES; k++)
        free(model[k].bytes);
    free(data);
    return shim_summary("test_sfs");
}
