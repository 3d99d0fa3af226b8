/* tree.c: finding one's way in a file system from this computer: paths, and what
 * is in a folder. */
#include "tools/sfs/tree.h"

#include "mm/kmalloc.h"
#include <unistd.h>

bool
complain(const char *what, int err)
{
    fprintf(stderr, "sfs: %s: %s\n", what, strerror(abs(err)));
    return false;
}

void
tree_lock(struct inode *i)
{
    mutex_lock(&i->lock);
}

void
tree_unlock(struct inode *i)
{
    mutex_unlock(&i->lock);
}

int
tree_lookup(struct inode *dir, const char *name, struct inode **found)
{
    int err;

    if ((dir->mode & S_IFMT) != S_IFDIR)
        return -ENOTDIR;
    tree_lock(dir);
    err = dir->ops->lookup(dir, name, strlen(name), found);
    tree_unlock(dir);
    return err;
}

/* --- paths --- */

/* The next component of *PATH into NAME.  False: there is none. */
static bool
component(const char **path, char *name)
{
    size_t len;

    while (**path == '/')
        ++*path;
    len = strcspn(*path, "/");
    if (len == 0 || len > NAME_MAX)
        return false;
    memcpy(name, *path, len);
    name[len] = 0;
    *path += len;
    return true;
}

int
tree_walk(struct sfs *fs, const char *path, struct inode **found)
{
    struct inode *at = fs->super.root;
    char name[NAME_MAX + 1];

    inode_get(at);
    while (component(&path, name)) {
        struct inode *next;
        int err;

        if (strcmp(name, ".") == 0)
            continue;
        err = tree_lookup(at, name, &next);
        inode_put(at);
        if (err != 0)
            return err;
        at = next;
    }
    *found = at;
    return 0;
}

int
tree_parent(struct sfs *fs, const char *path, struct inode **dir, char *name)
{
    size_t end = strlen(path), start;
    char *copy = strdup(path);
    int err;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/';)
        start--;
    if (end == start || end - start > NAME_MAX) {
        free(copy);
        return end == start ? -EINVAL : -ENAMETOOLONG;
    }
    memcpy(name, path + start, end - start);
    name[end - start] = 0;
    copy[start] = 0;
    err = tree_walk(fs, copy, dir);
    free(copy);
    return err;
}

/* --- what is in a folder --- */

struct listing {
    struct tree_entry *e;
    size_t n;
};

static bool
add_entry(void *arg, const char *name, size_t len, uint64_t ino, uint32_t mode,
          uint64_t next_pos)
{
    struct listing *l = arg;

    (void)next_pos;
    l->e = realloc(l->e, (l->n + 1) * sizeof(*l->e));
    memcpy(l->e[l->n].name, name, len);
    l->e[l->n].name[len] = 0;
    l->e[l->n].ino = ino;
    l->e[l->n].mode = mode;
    l->n++;
    return true;
}

static int
entry_by_name(const void *a, const void *b)
{
    return strcmp(((const struct tree_entry *)a)->name,
                  ((const struct tree_entry *)b)->name);
}

int
tree_list(struct inode *dir, struct tree_entry **entries, size_t *n)
{
    struct listing l = {0};
    int err;

    if ((dir->mode & S_IFMT) != S_IFDIR)
        return -ENOTDIR;
    tree_lock(dir);
    err = dir->ops->readdir(dir, 0, add_entry, &l);
    tree_unlock(dir);
    if (l.n > 0)
        qsort(l.e, l.n, sizeof(*l.e), entry_by_name);
    *entries = l.e;
    *n = l.n;
    return err;
}
