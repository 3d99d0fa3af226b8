/* tmpfs_boot.c: adds a tmpfs on /tmp, one on /dev/shm, and one that is mounted
 * nowhere, for files that never had a name, to fs/root.c; a first reader may skip
 * it. */
#include "ext/fs/memfd.h"
#include "fs/ops.h"
#include "fs/root.h"

#include <atomic.h>
#include <errno.h>
#include <printfmt.h>

static struct super *hidden; /* [I] after boot */

static struct super *
new_tmpfs(void)
{
    const struct fs_type *t = fs_type_find("tmpfs");
    struct super *s;

    return t != NULL && t->mount(t, "tmpfs", "", false, &s) == 0 ? s : NULL;
}

static struct super *
at_boot(void)
{
    if (hidden == NULL)
        hidden = new_tmpfs();
    return new_tmpfs();
}

static const struct mount tmp_mount = {"/tmp", at_boot};
static const struct mount shm_mount = {"/dev/shm", at_boot};
TABLE_ADD(mount, tmp_mount);
TABLE_ADD(mount, shm_mount);

int
memfd_inode(struct inode **made)
{
    static uint64_t count; /* [a] */
    char name[24];
    int err;

    if (hidden == NULL)
        return -ENOSYS;
    snprintf(name, sizeof(name), "%lu", atomic_add(&count, 1));
    err = fs_create(hidden->root, name_of(name), S_IFREG | 0777, 0, made);
    if (err == 0)
        (void)fs_unlink(hidden->root, name_of(name), false);
    return err;
}
