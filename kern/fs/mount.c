/* mount.c: which file systems there are, and where they are mounted.
 *
 *     folder "mnt" ──mounted──> root of another file system
 *                  <──covers──       │ super: on the list, in order of mounting
 *
 * Walks go through covered folders without asking this file: they look at
 * inode.mounted, under inode_lock.  So an unmount first looks that nobody is in
 * and takes the pointer away, both under that lock; afterwards nobody can come. */
#include "fs/icache.h"

#include "mm/writeback.h"
#include "schedule/sched.h"

#include <atomic.h>
#include <errno.h>
#include <string.h>

static struct spinlock mount_lock = SPINLOCK_INIT(RANK_MOUNT);
static struct list supers = LIST_INIT(supers); /* [mount_lock] */
static uint64_t last_dev;                      /* [a] */

const struct fs_type *
fs_type_find(const char *name)
{
    TABLE_FOR_EACH (fs_type, struct fs_type, t) {
        if (strcmp((*t)->name, name) == 0)
            return *t;
    }
    return NULL;
}

void
super_init(struct super *s, const struct super_ops *ops, const char *source,
           bool readonly)
{
    memset(s, 0, sizeof(*s));
    s->ops = ops;
    s->dev = atomic_add(&last_dev, 1) + 1;
    s->readonly = readonly;
    strlcpy(s->source, source, sizeof(s->source));
    mutex_init(&s->rename, RANK_RENAME);
    list_init(&s->inodes);
    list_init(&s->all);
}

uint64_t
mount_option(const char *options, const char *key, uint64_t otherwise)
{
    const char *p = options;
    uint64_t n = 0;

    while (strncmp(p, key, strlen(key)) != 0) {
        p = strchr(p, ',');
        if (p++ == NULL)
            return otherwise;
    }
    for (p += strlen(key); *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (uint64_t)(*p - '0');
    return *p == 'k' ? n << 10 : *p == 'm' ? n << 20 : *p == 'g' ? n << 30 : n;
}

/* => inode_lock */
static int
cover(struct inode *at, struct inode *root)
{
    if (at->mounted != NULL || at->nlink == 0)
        return at->nlink == 0 ? -ENOENT : -EBUSY;
    inode_get(at);
    root->covers = at;
    at->mounted = root;
    return 0;
}

int
mount_at(struct inode *at, struct inode *root)
{
    struct inode *up;
    int err;

    if ((at->mode & S_IFMT) != S_IFDIR || (root->mode & S_IFMT) != S_IFDIR)
        return -ENOTDIR;
    up = inode_parent(at);
    if (up != NULL) {
        inode_set_parent(root, up);
        inode_put(up);
    }
    spin_lock(&inode_lock);
    err = cover(at, root);
    spin_unlock(&inode_lock);
    return err;
}

int
super_attach(struct super *s, struct inode *at)
{
    int err = 0;

    if (at != NULL)
        err = mount_at(at, s->root);
    else
        root_inode = s->root;
    if (err != 0)
        return err;
    spin_lock(&mount_lock);
    list_add_tail(&supers, &s->all);
    spin_unlock(&mount_lock);
    return 0;
}

int
fs_mount(const struct fs_type *t, const char *source, const char *options,
         bool readonly, struct inode *at)
{
    struct super *s;
    int err = t->mount(t, source, options, readonly, &s);

    if (err != 0)
        return err;
    err = super_attach(s, at);
    if (err != 0) {
        icache_shrink(s, SIZE_MAX);
        s->ops->unmount(s);
    }
    return err;
}

/* S is not to be found any more, if nobody uses it.  -EAGAIN: somebody walks the
 * list just now.  => both locks */
static int
uncover(struct super *s, struct inode **at)
{
    bool busy = s->ops->busy != NULL ? s->ops->busy(s) : icache_busy(s, 2);

    if (s->root->covers == NULL || s->ops->unmount == NULL)
        return -EINVAL;
    if (busy || s->root->mounted != NULL)
        return -EBUSY;
    if (s->users > 0)
        return -EAGAIN;
    *at = s->root->covers;
    (*at)->mounted = NULL;
    s->root->covers = NULL;
    list_del(&s->all);
    return 0;
}

static int
try_uncover(struct super *s, struct inode **at)
{
    int err;

    names_forget(s);
    icache_shrink(s, SIZE_MAX);
    spin_lock(&mount_lock);
    spin_lock(&inode_lock);
    err = uncover(s, at);
    spin_unlock(&inode_lock);
    spin_unlock(&mount_lock);
    return err;
}

int
fs_unmount(struct inode *root)
{
    struct super *s = root->super;
    struct inode *at = NULL;
    uint64_t ended;
    int err;

    if (s == NULL || s->root != root)
        return -EINVAL;
    flush_everything();
    if (s->ops->sync != NULL)
        (void)s->ops->sync(
            s); /* what has changed is in use until it is stored */
    for (;;) {
        ended = flushes_ended();
        err = try_uncover(s, &at);
        if (err != -EAGAIN && !(err == -EBUSY && flushes_since(ended)))
            break;
        sched_yield(); /* who has it lets go of it soon */
    }
    if (err != 0)
        return err;
    inode_put(at);
    inode_put(root); /* the caller's */
    s->ops->unmount(s);
    return 0;
}

struct super *
super_next(struct super *s)
{
    struct list *next;
    struct super *found = NULL;

    spin_lock(&mount_lock);
    next = s == NULL ? supers.next : s->all.next;
    if (next != &supers) {
        found = list_entry(next, struct super, all);
        found->users++;
    }
    if (s != NULL)
        s->users--;
    spin_unlock(&mount_lock);
    return found;
}

void
super_done(struct super *s)
{
    spin_lock(&mount_lock);
    s->users--;
    spin_unlock(&mount_lock);
}
