/* proc_mounts.c: adds /proc/filesystems and /proc/mounts to ext/fs/procfs.c; a
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
show_mounts(struct proc_text *t, int pid)
{
    char *path = kmalloc(PATH_MAX);
    struct walk w;

    if (path == NULL)
        return -ENOMEM;
    place_walk(current_process()->fs, &w);
    for (struct super *s = super_next(NULL); s != NULL; s = super_next(s)) {
        int n = path_of(&w, s->root, path, PATH_MAX);

        if (n <= 0)
            continue;
        proc_print(t, "%s ", s->source);
        proc_add(t, path, (size_t)n - 1);
        proc_print(t, " %s %s 0 0\n", s->ops->name, s->readonly ? "ro" : "rw");
    }
    walk_put(&w);
    kfree(path);
    return 0;
}

PROC_FILE(filesystems, .name = "filesystems", .show = show_filesystems);
PROC_FILE(mounts, .name = "mounts", .show = show_mounts);
