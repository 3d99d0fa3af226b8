/* tmpfs_boot.c: adds a tmpfs on /tmp and one on /dev/shm to fs/root.c; a first
 * reader may skip it. */
#include "fs/root.h"

static struct super *
at_boot(void)
{
    const struct fs_type *t = fs_type_find("tmpfs");
    struct super *s;

    return t != NULL && t->mount(t, "tmpfs", "", false, &s) == 0 ? s : NULL;
}

static const struct mount tmp_mount = {"/tmp", at_boot};
static const struct mount shm_mount = {"/dev/shm", at_boot};
TABLE_ADD(mount, tmp_mount);
TABLE_ADD(mount, shm_mount);
