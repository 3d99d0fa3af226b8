/* ops.c: making, moving and removing names.
 *
 * Each call locks every inode it is about to change, looks at all of them, and
 * only then asks the file system, which does all of it or nothing.  The locks
 * are of one rank; what keeps two calls from waiting for each other is this:
 *
 *     super.rename            only if a folder's entry moves to another folder
 *       a folder above another before the other; else the lower address first
 *         what their names name, the lower address first
 *
 * Who lies in whom changes only under super.rename, so "above" cannot change
 * while somebody goes by it; and an inode that is locked because it has a name is
 * never above a folder that is locked because it holds one, because such calls
 * are refused before (a folder cannot move below itself, nor replace one that is
 * not empty). */
#include "fs/ops.h"

#include "fs/file.h"
#include "fs/icache.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

static bool
is_dots(const struct name *n)
{
    return n->len > 0 && n->len <= 2 && n->text[0] == '.' &&
           n->text[n->len - 1] == '.';
}

/* --- locks of several inodes --- */

struct held {
    struct inode *inode[4];
    unsigned n;
};

static void
hold(struct held *h, struct inode *i)
{
    for (unsigned k = 0; k < h->n; k++) {
        if (h->inode[k] == i)
            return;
    }
    if (h->n == 0)
        mutex_lock(&i->lock);
    else
        mutex_lock_nested(&i->lock);
    h->inode[h->n++] = i;
}

static void
hold_two(struct held *h, struct inode *a, struct inode *b)
{
    hold(h, a < b ? a : b);
    hold(h, a < b ? b : a);
}

static void
let_go(struct held *h)
{
    while (h->n > 1)
        mutex_unlock_nested(&h->inode[--h->n]->lock);
    if (h->n == 1)
        mutex_unlock(&h->inode[--h->n]->lock);
}

/* Is A the folder B, or above it?  => of one file system, super.rename held */
static bool
above(const struct inode *a, const struct inode *b)
{
    while (b != a && b != b->super->root && b->parent != NULL)
        b = b->parent;
    return a == b;
}

/* --- new names --- */

/* May N become an entry of DIR?  OP is whether its file system can do that.
 * => DIR locked */
static int
may_add(struct inode *dir, const struct name *n, bool op)
{
    struct inode *i;
    int err;

    if (!is_dir(dir))
        return -ENOTDIR;
    if (dir->nlink == 0)
        return -ENOENT;
    if (n->len == 0 || is_dots(n))
        return -EEXIST;
    err = dir_lookup(dir, n, &i);
    if (err == 0)
        inode_put(i);
    if (err != -ENOENT)
        return err == 0 ? -EEXIST : err;
    return !op || dir->super == NULL || dir->super->readonly ? -EROFS : 0;
}

/* The end of a call that made an inode. */
static int
was_made(struct inode *dir, const struct name *n, int err, struct inode *i,
         struct inode **made)
{
    if (err != 0)
        return err;
    inode_set_parent(i, dir);
    name_learned(dir, n, i);
    if (made != NULL)
        *made = i;
    else
        inode_put(i);
    return 0;
}

int
fs_create(struct inode *dir, struct name n, uint32_t mode, uint64_t rdev,
          struct inode **made)
{
    struct inode *i = NULL;
    int err;

    icache_trim(); /* there may be one more inode soon */
    mutex_lock(&dir->lock);
    err = may_add(dir, &n, dir->ops->create != NULL);
    if (err == 0 && (mode & S_IFMT) == S_IFDIR && dir->nlink >= LINK_MAX)
        err = -EMLINK;
    if (err == 0) {
        err = dir->ops->create(dir, n.text, n.len, mode, rdev, &i);
        err = was_made(dir, &n, err, i, made);
    }
    mutex_unlock(&dir->lock);
    return err;
}

int
fs_symlink(struct inode *dir, struct name n, const char *target)
{
    struct inode *i = NULL;
    int err;

    mutex_lock(&dir->lock);
    err = may_add(dir, &n, dir->ops->symlink != NULL);
    if (err == 0) {
        err = dir->ops->symlink(dir, n.text, n.len, target, &i);
        err = was_made(dir, &n, err, i, NULL);
    }
    mutex_unlock(&dir->lock);
    return err;
}

int
fs_link(struct inode *dir, struct name n, struct inode *old)
{
    struct held h = {.n = 0};
    int err;

    hold(&h, dir);
    err = may_add(dir, &n, dir->ops->link != NULL);
    if ((err == 0 || err == -EROFS) && dir->super != old->super)
        err = -EXDEV;
    else if (err == 0 && is_dir(old))
        err = -EPERM;
    if (err == 0) {
        hold(&h, old);
        if (old->nlink == 0 || old->nlink >= LINK_MAX)
            err = old->nlink == 0 ? -ENOENT : -EMLINK;
    }
    if (err == 0)
        err = dir->ops->link(dir, n.text, n.len, old);
    if (err == 0)
        name_learned(dir, &n, old);
    let_go(&h);
    return err;
}

/* --- names that go --- */

static int
may_remove(struct inode *dir, struct inode *victim, bool folder)
{
    if (is_dir(victim) != folder)
        return folder ? -ENOTDIR : -EISDIR;
    if (atomic_load(&victim->mounted) != NULL)
        return -EBUSY;
    return dir->ops->unlink == NULL || dir->super->readonly ? -EROFS : 0;
}

int
fs_unlink(struct inode *dir, struct name n, bool folder)
{
    struct inode *victim = NULL;
    struct held h = {.n = 0};
    int err;

    if (n.len == 0)
        return folder ? -EBUSY : -EISDIR;
    if (is_dots(&n))
        return !folder ? -EISDIR : n.len == 1 ? -EINVAL : -ENOTEMPTY;
    hold(&h, dir);
    err = dir_lookup(dir, &n, &victim);
    if (err == 0)
        err = may_remove(dir, victim, folder);
    if (err == 0) {
        hold(&h, victim);
        err = dir->ops->unlink(dir, n.text, n.len, victim);
    }
    if (err == 0)
        name_learned(dir, &n, NULL);
    let_go(&h);
    if (victim != NULL)
        inode_put(victim);
    return err;
}

/* --- names that move --- */

struct move {
    struct inode *dir, *to_dir, *moved, *replaced; /* REPLACED may be NULL */
    struct name name, to_name;
    unsigned flags;
    bool folder;
};

/* Look both names up.  => both folders locked */
static int
find_both(struct move *m)
{
    int err = dir_lookup(m->dir, &m->name, &m->moved);

    if (err != 0)
        return err;
    err = dir_lookup(m->to_dir, &m->to_name, &m->replaced);
    return err == -ENOENT ? 0 : err;
}

static int
may_move(const struct move *m)
{
    struct inode *moved = m->moved, *replaced = m->replaced;
    bool apart = m->dir != m->to_dir;

    if (m->to_dir->nlink == 0)
        return -ENOENT;
    if (m->folder && !is_dir(moved))
        return -ENOTDIR;
    if (replaced != NULL && (m->flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (apart && is_dir(moved) && above(moved, m->to_dir))
        return -EINVAL;
    if (apart && replaced != NULL && above(replaced, m->dir))
        return -ENOTEMPTY;
    if (replaced != NULL && is_dir(moved) != is_dir(replaced))
        return is_dir(moved) ? -ENOTDIR : -EISDIR;
    if (atomic_load(&moved->mounted) != NULL ||
        (replaced != NULL && atomic_load(&replaced->mounted) != NULL))
        return -EBUSY;
    if (m->dir->ops->rename == NULL || m->dir->super->readonly)
        return -EROFS;
    if (apart && is_dir(moved) && replaced == NULL &&
        m->to_dir->nlink >= LINK_MAX)
        return -EMLINK;
    return 0;
}

/* => both folders locked; H gets the locks of what they name */
static int
move_locked(struct move *m, struct held *h)
{
    int err = find_both(m);

    if (err == 0)
        err = may_move(m);
    if (err != 0 || m->moved == m->replaced)
        return err;
    if (m->replaced != NULL)
        hold_two(h, m->moved, m->replaced);
    else
        hold(h, m->moved);
    err = m->dir->ops->rename(m->dir, m->name.text, m->name.len, m->moved,
                              m->to_dir, m->to_name.text, m->to_name.len,
                              m->replaced);
    if (err != 0)
        return err;
    name_learned(m->dir, &m->name, NULL);
    name_learned(m->to_dir, &m->to_name, m->moved);
    inode_set_parent(m->moved, m->to_dir);
    return 0;
}

int
fs_rename(struct inode *dir, struct name name, struct inode *to_dir,
          struct name to_name, unsigned flags, bool folder)
{
    struct move m = {.dir = dir,
                     .to_dir = to_dir,
                     .name = name,
                     .to_name = to_name,
                     .flags = flags,
                     .folder = folder};
    struct super *s = dir->super;
    struct held h = {.n = 0};
    int err;

    if (flags & ~RENAME_NOREPLACE)
        return -EINVAL;
    if (s == NULL || s != to_dir->super)
        return -EXDEV;
    if (name.len == 0 || to_name.len == 0 || is_dots(&name) ||
        is_dots(&to_name))
        return -EBUSY;
    if (dir != to_dir)
        mutex_lock(&s->rename);
    if (above(dir, to_dir)) {
        hold(&h, dir);
        hold(&h, to_dir);
    } else if (above(to_dir, dir)) {
        hold(&h, to_dir);
        hold(&h, dir);
    } else {
        hold_two(&h, dir, to_dir);
    }
    err = move_locked(&m, &h);
    let_go(&h);
    if (dir != to_dir)
        mutex_unlock(&s->rename);
    if (m.moved != NULL)
        inode_put(m.moved);
    if (m.replaced != NULL)
        inode_put(m.replaced);
    return err;
}

/* --- contents --- */

/* => I locked */
static void
changed(struct inode *i)
{
    i->mtime = i->ctime = inode_now();
    if (i->ops->dirty != NULL)
        i->ops->dirty(i);
}

int
fs_truncate(struct inode *i, uint64_t size)
{
    int err = 0;

    if ((i->mode & S_IFMT) != S_IFREG)
        return is_dir(i) ? -EISDIR : -EINVAL;
    if (i->ops->truncate == NULL || (i->super != NULL && i->super->readonly))
        return -EROFS;
    mutex_lock(&i->lock);
    if (i->frozen)
        err = -ETXTBSY;
    else if (size > i->size)
        err = file_may_grow(i, i->size, size - i->size);
    if (err == 0 && i->object != NULL && size != i->size)
        err = pages_resize(i, size);
    if (err == 0)
        err = i->ops->truncate(i, size);
    if (err == 0 && i->object != NULL)
        changed(i);
    mutex_unlock(&i->lock);
    return err;
}

int
fs_allocate(struct inode *i, uint64_t pos, uint64_t end, bool keep)
{
    int err = 0;

    if ((i->mode & S_IFMT) != S_IFREG)
        return is_dir(i) ? -EISDIR : -ENODEV;
    if (i->object == NULL || i->ops->allocate == NULL)
        return -EOPNOTSUPP;
    if (i->super->readonly)
        return -EROFS;
    mutex_lock(&i->lock);
    if (i->frozen)
        err = -ETXTBSY;
    else if (end > i->size)
        err = file_may_grow(i, i->size, end - i->size);
    if (err == 0)
        err = i->ops->allocate(i, pos, end);
    if (err == 0 && !keep && end > i->size)
        err = pages_resize(i, end);
    if (err == 0)
        changed(i);
    mutex_unlock(&i->lock);
    return err;
}
