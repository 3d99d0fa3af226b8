/* tmpfs.c: adds a file system in memory, for /tmp and /dev/shm, to fs/mount.c; a
 * first reader may skip it.
 *
 *     folder ── entries in order of making (a folder's positions)
 *         └─── the same by hash of the name: 10,000 names cost as 10 do
 *     file ──── a vm_object whose pages have nothing behind them but swap: what is
 *               in neither is zeros
 *
 * An entry holds a reference of its inode, a folder in memory one of its parent
 * (fs/inode.h); nothing else keeps an inode.  A page is charged to the mount when
 * it becomes dirty, so a full one is told to whoever writes; "size=N" (bytes, or
 * with k, m, g) is the limit, a half of memory if it is missing. */
#include "ext/fs/tmpfs.h"

#include "fs/namehash.h"
#include "mm/bootmem.h"
#include "mm/kmalloc.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

#define TMPFS_MAGIC 0x01021994u
#define SLOTS_MAX   (KMALLOC_MAX / sizeof(struct entry *))

static const struct inode_ops tmpfs_ops;

/* --- pages --- */

static int
tmpfs_mkwrite(struct vm_object *obj, uint64_t index, struct page *page)
{
    struct inode *i = obj->host;
    struct tmpfs *t = tmpfs_of(i);

    if (object_slot(obj, page) != 0)
        return 0; /* it has been charged since before it went to swap */
    if (atomic_add(&t->pages, 1) < t->pages_max) {
        atomic_add(&i->blocks, PAGE_SIZE / 512);
        return 0;
    }
    atomic_add(&t->pages, -1ul);
    return -ENOSPC;
}

static void
tmpfs_dropped(struct vm_object *obj)
{
    struct inode *i = obj->host;

    atomic_add(&tmpfs_of(i)->pages, -1ul);
    atomic_add(&i->blocks, -(PAGE_SIZE / 512));
}

static const struct pager_ops tmpfs_pager = {
    .name = "tmpfs",
    .at_once = true,
    .zeros = true,
    .swap = true,
    .page_in = shared_page_in,
    .mkwrite = tmpfs_mkwrite,
    .dropped = tmpfs_dropped,
    .pin = inode_pin,
    .unpin = inode_unpin,
};

/* --- inodes --- */

static struct inode *
tmpfs_inode(struct tmpfs *t, uint32_t mode, uint64_t rdev)
{
    struct tnode *n = kzalloc(sizeof(*n));
    struct inode *i;

    if (n == NULL)
        return NULL;
    i = &n->inode;
    list_init(&n->order);
    list_init(&n->all);
    if ((mode & S_IFMT) == S_IFDIR) {
        n->slots = kzalloc(TMPFS_SLOTS * sizeof(*n->slots));
        if (n->slots == NULL) {
            kfree(n);
            return NULL;
        }
        n->nslots = TMPFS_SLOTS;
    }
    inode_init(i, &tmpfs_ops, mode, atomic_add(&t->last_ino, 1) + 1);
    i->super = &t->super;
    i->dev = t->super.dev;
    i->rdev = rdev;
    i->atime = i->mtime = i->ctime = inode_now();
    if ((mode & S_IFMT) == S_IFDIR)
        i->nlink = 2;
    if ((mode & S_IFMT) == S_IFREG) {
        object_init(&n->object, &tmpfs_pager, 0, i);
        i->object = &n->object;
    }
    spin_lock(&inode_lock);
    list_add_tail(&t->all, &n->all);
    spin_unlock(&inode_lock);
    return i;
}

static void
tmpfs_release(struct inode *i)
{
    struct tnode *n = tnode_of(i);

    if (i->object != NULL)
        object_put(i->object);
    spin_lock(&inode_lock);
    list_del(&n->all);
    if (i->parent != NULL && i->parent != i && i != i->super->root)
        tmpfs_of(i)->expect_refs--;
    spin_unlock(&inode_lock);
    kfree(n->slots);
    kfree(n->target);
    kfree(n);
}

/* --- entries --- */

static struct entry **
slot_of(struct tnode *dir, uint64_t hash)
{
    return &dir->slots[hash & (dir->nslots - 1)];
}

/* The place that points to the entry, or to NULL. */
static struct entry **
find(struct tnode *dir, const char *name, size_t len)
{
    uint64_t hash = name_hash(name, len);
    struct entry **at = slot_of(dir, hash);

    while (*at != NULL && ((*at)->hash != hash || (*at)->len != len ||
                           memcmp((*at)->name, name, len) != 0))
        at = &(*at)->next;
    return at;
}

static void
grow(struct tnode *dir)
{
    size_t n = dir->nslots * 4;
    struct entry **fresh;

    if (dir->count < dir->nslots * 2 || n > SLOTS_MAX)
        return;
    fresh = kzalloc(n * sizeof(*fresh));
    if (fresh == NULL) /* slower, but as right */
        return;
    kfree(dir->slots);
    dir->slots = fresh;
    dir->nslots = n;
    list_for_each_entry (e, &dir->order, struct entry, order) {
        struct entry **at = slot_of(dir, e->hash);

        e->next = *at;
        *at = e;
    }
}

static struct entry *
entry_create(const char *name, size_t len)
{
    struct entry *e = kmalloc(sizeof(*e) + len);

    if (e == NULL)
        return NULL;
    e->hash = name_hash(name, len);
    e->len = (uint8_t)len;
    memcpy(e->name, name, len);
    return e;
}

/* E names I in DIR and holds the reference that the caller gives. */
static void
insert(struct inode *dir, struct entry *e, struct inode *i)
{
    struct tnode *d = tnode_of(dir);
    struct entry **at;

    grow(d);
    at = slot_of(d, e->hash);
    e->inode = i;
    e->next = *at;
    *at = e;
    e->pos = ++d->last_pos;
    list_add_tail(&d->order, &e->order);
    d->count++;
    dir->size += 32;
    dir->mtime = dir->ctime = inode_now();
    expect(dir, 1);
}

/* Take the entry out, with the reference it held. */
static void delete (struct inode *dir, struct entry **at)
{
    struct tnode *d = tnode_of(dir);
    struct entry *e = *at;
    struct inode *i = e->inode;

    *at = e->next;
    list_del(&e->order);
    d->count--;
    dir->size -= 32;
    dir->mtime = dir->ctime = inode_now();
    kfree(e);
    expect(dir, -1ul);
    inode_put(i);
}

static int
tmpfs_lookup(struct inode *dir, const char *name, size_t len,
             struct inode **found)
{
    struct entry *e = *find(tnode_of(dir), name, len);

    if (e != NULL)
        inode_get(*found = e->inode);
    return e != NULL ? 0 : -ENOENT;
}

static int
tmpfs_readdir(struct inode *dir, uint64_t pos, fill_fn fill, void *arg)
{
    list_for_each_entry (e, &tnode_of(dir)->order, struct entry, order) {
        if (e->pos > pos &&
            !fill(arg, e->name, e->len, e->inode->ino, e->inode->mode, e->pos))
            break;
    }
    return 0;
}

static int
tmpfs_readlink(struct inode *i, char *buf, size_t size)
{
    size_t n = MIN(size, i->size);

    memcpy(buf, tnode_of(i)->target, n);
    return (int)n;
}

/* --- changes --- */

static int
tmpfs_create(struct inode *dir, const char *name, size_t len, uint32_t mode,
             uint64_t rdev, struct inode **made)
{
    struct entry *e = entry_create(name, len);
    struct inode *i = e == NULL ? NULL : tmpfs_inode(tmpfs_of(dir), mode, rdev);

    if (i == NULL) {
        kfree(e);
        return -ENOMEM;
    }
    inode_set_parent(i, dir);
    expect(dir, 1);
    dir->nlink += (mode & S_IFMT) == S_IFDIR;
    inode_get(i);
    insert(dir, e, i);
    *made = i;
    return 0;
}

static int
tmpfs_symlink(struct inode *dir, const char *name, size_t len,
              const char *target, struct inode **made)
{
    size_t n = strlen(target);
    char *copy = kmalloc(n + 1);
    int err = copy == NULL
                  ? -ENOMEM
                  : tmpfs_create(dir, name, len, S_IFLNK | 0777, 0, made);

    if (err != 0) {
        kfree(copy);
        return err;
    }
    memcpy(copy, target, n + 1);
    tnode_of(*made)->target = copy;
    (*made)->size = n;
    return 0;
}

static int
tmpfs_link(struct inode *dir, const char *name, size_t len, struct inode *old)
{
    struct entry *e = entry_create(name, len);

    if (e == NULL)
        return -ENOMEM;
    inode_get(old);
    old->nlink++;
    old->ctime = inode_now();
    insert(dir, e, old);
    return 0;
}

/* One name of I, which lay in DIR, is gone. */
static void
lost_name(struct inode *dir, struct inode *i)
{
    if ((i->mode & S_IFMT) == S_IFDIR) {
        i->nlink = 0;
        dir->nlink--;
    } else {
        i->nlink--;
    }
    i->ctime = inode_now();
}

static bool
has_entries(struct inode *i)
{
    return (i->mode & S_IFMT) == S_IFDIR && tnode_of(i)->count > 0;
}

static int
tmpfs_unlink(struct inode *dir, const char *name, size_t len,
             struct inode *victim)
{
    if (has_entries(victim))
        return -ENOTEMPTY;
    lost_name(dir, victim);
    delete (dir, find(tnode_of(dir), name, len));
    return 0;
}

static int
tmpfs_rename(struct inode *dir, const char *name, size_t len,
             struct inode *moved, struct inode *to_dir, const char *to_name,
             size_t to_len, struct inode *replaced)
{
    struct entry *e;

    if (replaced != NULL && has_entries(replaced))
        return -ENOTEMPTY;
    e = entry_create(to_name, to_len);
    if (e == NULL)
        return -ENOMEM;
    if (replaced != NULL) {
        lost_name(to_dir, replaced);
        delete (to_dir, find(tnode_of(to_dir), to_name, to_len));
    }
    inode_get(moved);
    insert(to_dir, e, moved);
    delete (dir, find(tnode_of(dir), name, len));
    if ((moved->mode & S_IFMT) == S_IFDIR) {
        dir->nlink--;
        to_dir->nlink++;
    }
    moved->ctime = inode_now();
    return 0;
}

static int
tmpfs_truncate(struct inode *i, uint64_t size)
{
    i->size = size;
    return 0;
}

/* Pages that are written later may find the mount full: nothing is reserved for
 * holes, but what would never fit is refused. */
static int
tmpfs_allocate(struct inode *i, uint64_t pos, uint64_t end)
{
    struct tmpfs *t = tmpfs_of(i);

    return (end - pos) >> PAGE_SHIFT >
                   t->pages_max - MIN(t->pages, t->pages_max)
               ? -ENOSPC
               : 0;
}

static const struct inode_ops tmpfs_ops = {
    .lookup = tmpfs_lookup,
    .readdir = tmpfs_readdir,
    .readlink = tmpfs_readlink,
    .create = tmpfs_create,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rename = tmpfs_rename,
    .truncate = tmpfs_truncate,
    .allocate = tmpfs_allocate,
    .release = tmpfs_release,
};

static void
tmpfs_empty(struct inode *dir)
{
    struct tnode *d = tnode_of(dir);

    for (size_t k = 0; k < d->nslots; k++) {
        while (d->slots[k] != NULL)
            delete (dir, &d->slots[k]);
    }
}

/* --- the file system --- */

static void
tmpfs_statfs(struct super *s, struct statfs_info *info)
{
    struct tmpfs *t = container_of(s, struct tmpfs, super);
    uint64_t used = MIN(atomic_load(&t->pages), t->pages_max);

    *info = (struct statfs_info){.type = TMPFS_MAGIC,
                                 .bsize = PAGE_SIZE,
                                 .blocks = t->pages_max,
                                 .bfree = t->pages_max - used,
                                 .namelen = NAME_MAX};
}

/* Entries hold their inodes, folders their parents, S its root, and who asks has
 * the root, too.  => inode_lock */
static bool
tmpfs_busy(struct super *s)
{
    struct tmpfs *t = container_of(s, struct tmpfs, super);
    uint64_t refs = 0;

    list_for_each_entry (n, &t->all, struct tnode, all)
        refs += (uint64_t)atomic_load(&n->inode.refs);
    return refs != t->expect_refs + 2;
}

/* A folder that has entries, with a reference. */
static struct inode *
full_folder(struct tmpfs *t)
{
    struct inode *found = NULL;

    spin_lock(&inode_lock);
    list_for_each_entry (n, &t->all, struct tnode, all) {
        if (n->count > 0) {
            found = &n->inode;
            inode_get(found);
            break;
        }
    }
    spin_unlock(&inode_lock);
    return found;
}

static void
tmpfs_unmount(struct super *s)
{
    struct tmpfs *t = container_of(s, struct tmpfs, super);
    struct inode *dir;

    while ((dir = full_folder(t)) != NULL) {
        tmpfs_empty(dir);
        inode_put(dir);
    }
    inode_put(s->root);
    kfree(t);
}

static const struct super_ops super_ops = {
    .name = "tmpfs",
    .keep_names = true,
    .statfs = tmpfs_statfs,
    .busy = tmpfs_busy,
    .unmount = tmpfs_unmount,
};

static int
tmpfs_mount(const struct fs_type *type, const char *source, const char *options,
            bool readonly, struct super **made)
{
    struct tmpfs *t = kzalloc(sizeof(*t));

    if (t == NULL)
        return -ENOMEM;
    super_init(&t->super, &super_ops, source, readonly);
    list_init(&t->all);
    t->pages_max =
        mount_option(options, "size=", bootmem_total() / 2) >> PAGE_SHIFT;
    t->super.root = tmpfs_inode(t, S_IFDIR | 01777, 0);
    if (t->super.root == NULL) {
        kfree(t);
        return -ENOMEM;
    }
    t->super.root->parent = t->super.root;
    *made = &t->super;
    return 0;
}

static const struct fs_type tmpfs = {"tmpfs", true, NULL, tmpfs_mount};
TABLE_ADD(fs_type, tmpfs);
