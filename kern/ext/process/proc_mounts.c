/* proc_mounts.c: adds /proc/filesystems, /proc/PID/mounts and mountinfo to ext/fs/procfs.c; a
 * first reader may skip it. */
#include "ext/fs/procfs.h"

#include "fs/root.h"
#include "mm/kmalloc.h"
#include "process/proc.h"
#include <errno.h>

static int
show_filesystems(struct proc_text *t, int pid)
{
    proc_print(t, "nodev\tdevtmpfs\nnodev\tproc\n");
    TABLE_FOR_EACH (fs_type, struct fs_type, f)
        proc_print(t, "%s\t%s\n", (*f)->nodev ? "nodev" : "", (*f)->name);
    return 0;
}

/* As the reader sees them; what lies outside his root is left out. */
static int
each_mount(struct proc_text *t,
           void (*add)(struct proc_text *t, const struct super *s,
                       const char *path, size_t n))
{
    char *path = kmalloc(PATH_MAX);
    struct walk w;

    if (path == NULL)
        return -ENOMEM;
    place_walk(current_process()->fs, &w);
    for (struct super *s = super_next(NULL); s != NULL; s = super_next(s)) {
        int n = path_of(&w, s->root, path, PATH_MAX);

        if (n > 0)
            add(t, s, path, (size_t)n - 1);
    }
    walk_put(&w);
    kfree(path);
    return 0;
}

/* proc_pid_mountinfo(5).  The number of a mount is that of its device. */
static void
add_mountinfo(struct proc_text *t, const struct super *s, const char *path,
              size_t n)
{
    const char *rights = s->readonly ? "ro" : "rw";
    uint64_t below;

    spin_lock(&inode_lock);
    below = s->root->covers == NULL ? 0 : s->root->covers->dev;
    spin_unlock(&inode_lock);
    proc_print(t, "%lu %lu %lu:%lu / ", s->dev, below, s->dev >> 8,
               s->dev & 0xff);
    proc_add(t, path, n);
    proc_print(t, " %s - %s %s %s\n", rights, s->ops->name, s->source, rights);
}

static void
add_mount(struct proc_text *t, const struct super *s, const char *path,
          size_t n)
{
    proc_print(t, "%s ", s->source);
    proc_add(t, path, n);
    proc_print(t, " %s %s 0 0\n", s->ops->name, s->readonly ? "ro" : "rw");
}

static int
show_mounts(struct proc_text *t, int pid)
{
    return each_mount(t, add_mount);
}

static int
show_mountinfo(struct proc_text *t, int pid)
{
    return each_mount(t, add_mountinfo);
}

PROC_FILE(filesystems, .name = "filesystems", .show = show_filesystems);
PROC_FILE(mounts, .name = "mounts", .show = show_mounts);
PROC_FILE(pid_mounts, .name = "mounts", .where = PROC_PID, .show = show_mounts);
PROC_FILE(pid_mountinfo, .name = "mountinfo", .where = PROC_PID,
          .show = show_mountinfo);
