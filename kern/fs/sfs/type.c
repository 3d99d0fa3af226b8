/* type.c: "sfs", for mount(2). */
#include "fs/sfs/impl.h"

static bool
probe_sfs(const void *head)
{
    return ((const struct sfs_super *)head)->magic == SFS_MAGIC;
}

static int
mount_sfs(const struct fs_type *t, const char *source, const char *options,
          bool readonly, struct super **made)
{
    struct blkdev *dev = blk_find(source);
    struct sfs *fs;
    int err = dev == NULL ? -ENOENT : sfs_mount(dev, readonly, true, &fs);

    (void)t, (void)options;
    if (err == 0)
        *made = &fs->super;
    return err;
}

static const struct fs_type sfs_type = {
    .name = "sfs", .probe = probe_sfs, .mount = mount_sfs};
TABLE_ADD(fs_type, sfs_type);
