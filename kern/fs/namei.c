/* namei.c: from a path to an inode.
 *
 *     /usr/bin/../lib/x     at = root
 *      ^                    look up "usr" in it, go there, look up "bin" ...
 *
 * At each step: "." stays; ".." goes to the parent, and out of a mounted file
 * system to the folder it covers; a folder that is covered gives way to the
 * root that covers it; a link puts its text before what is left of the path.
 *
 * One folder is locked at a time, and only for the look into it. */
#include "fs/walk.h"

#include "fs/icache.h"
#include "mm/kmalloc.h"
#include <atomic.h>
#include <errno.h>
#include <string.h>

#define LINKS_MAX 40

WEAK int
name_cached(struct inode *dir, const struct name *n, struct inode **found)
{
    return 1;
}

WEAK int
names_walk(struct step *s)
{
    const char *from = s->rest;

    s->rest = next_name(from, &s->name);
    s->slash = s->name.text != from;
    s->unknown = true;
    return 0;
}

WEAK void
name_learned(struct inode *dir, const struct name *n, struct inode *i)
{
}

WEAK void
names_forget(struct super *s)
{
}

/* S->at becomes NEXT, whose reference it takes over. */
static void
go_to(struct step *s, struct inode *next)
{
    if (s->owned)
        inode_put(s->at);
    s->at = next;
    s->owned = true;
}

/* Down into what covers the folder. */
static void
enter_mounts(struct step *s)
{
    while (atomic_load(&s->at->mounted) != NULL) {
        struct inode *root;

        spin_lock(&inode_lock);
        root = s->at->mounted;
        if (root != NULL)
            inode_get(root);
        spin_unlock(&inode_lock);
        if (root != NULL)
            go_to(s, root);
    }
}

static void
go_up(struct step *s)
{
    struct inode *up = s->at == s->w->root ? NULL : inode_parent(s->at);

    if (up == NULL)
        return;
    go_to(s, up);
    enter_mounts(s);
}

/* LINK leads to an inode, not to a path. */
static int
jump(struct step *s, struct inode *link)
{
    struct inode *to;
    int err = s->links++ >= LINKS_MAX ? -ELOOP : link->ops->jump(link, &to);

    if (err == 0)
        go_to(s, to);
    return err;
}

/* The text of LINK, then what is left, becomes the rest of the path. */
static int
follow(struct step *s, struct inode *link)
{
    char *buf;
    int n;

    if (link->ops->jump != NULL)
        return jump(s, link);
    buf = kmalloc(PATH_MAX);
    if (buf == NULL)
        return -ENOMEM;
    n = s->links++ >= LINKS_MAX || link->ops->readlink == NULL
            ? -ELOOP
            : link->ops->readlink(link, buf, PATH_MAX - 1);
    if (n >= 0 && (size_t)n + strlen(s->rest) + 2 > PATH_MAX)
        n = -ENAMETOOLONG;
    if (n <= 0) {
        kfree(buf);
        return n < 0 ? n : -ENOENT;
    }
    strlcpy(buf + n, s->rest, PATH_MAX - (size_t)n);
    kfree(s->buf);
    s->buf = buf;
    s->rest = buf;
    if (*buf == '/') {
        inode_get(s->w->root);
        go_to(s, s->w->root);
    }
    return 0;
}

struct name
name_of(const char *text)
{
    struct name n = {.text = text};

    n.len = (size_t)(name_end(text, &n.hash) - text);
    return n;
}

int
dir_lookup(struct inode *dir, const struct name *n, struct inode **found)
{
    int err;

    if (!is_dir(dir) || dir->ops->lookup == NULL)
        return -ENOTDIR;
    err = name_cached(dir, n, found);
    if (err != 1)
        return err;
    err = dir->ops->lookup(dir, n->text, n->len, found);
    if (err == 0)
        inode_set_parent(*found, dir);
    if (err == 0 || err == -ENOENT)
        name_learned(dir, n, err == 0 ? *found : NULL);
    return err;
}

static int
look_up(struct step *s, struct inode **found)
{
    int err = s->unknown ? 1 : name_cached(s->at, &s->name, found);

    if (err != 1)
        return err;
    icache_trim(); /* there may be one more inode soon */
    mutex_lock(&s->at->lock);
    err = dir_lookup(s->at, &s->name, found);
    mutex_unlock(&s->at->lock);
    return err;
}

/* Over S->name, which names_walk() left. */
static int
step_into(struct step *s)
{
    const struct name *n = &s->name;
    struct inode *next;
    int err;

    if (!is_dir(s->at))
        return -ENOTDIR;
    if (n->text[0] == '.' && n->len <= 2) {
        if (n->len == 1)
            return 0;
        if (n->text[1] == '.') {
            go_up(s);
            return 0;
        }
    }
    if (n->len > NAME_MAX)
        return -ENAMETOOLONG;
    err = look_up(s, &next);
    if (err != 0)
        return err;
    if ((next->mode & S_IFMT) == S_IFLNK &&
        (*s->rest != 0 || !(s->flags & WALK_NOFOLLOW))) {
        err = follow(s, next);
        inode_put(next);
        return err;
    }
    go_to(s, next);
    if (unlikely(atomic_load(&next->mounted) != NULL))
        enter_mounts(s);
    return 0;
}

/* Is the last component a link?  Then it is followed. */
static bool
goes_on(struct step *s, int *err)
{
    struct inode *i;
    bool is_link;

    if (look_up(s, &i) != 0)
        return false;
    is_link = (i->mode & S_IFMT) == S_IFLNK;
    if (is_link)
        *err = follow(s, i);
    inode_put(i);
    return is_link;
}

/* What is behind the name is needed, too: last_slash(). */
static inline int
keep_last(const struct step *s, struct last *last)
{
    if (s->name.len > NAME_MAX)
        return -ENAMETOOLONG;
    if (!is_dir(s->at))
        return -ENOTDIR;
    last->name = s->name;
    if (s->buf != NULL) {
        memcpy(last->text, s->name.text, s->name.len + 1);
        last->name.text = last->text;
    }
    return 0;
}

/* From S->name on. */
static NOINLINE int
walk_rest(struct step *s, struct last *last)
{
    int err = 0;

    while (err == 0 && s->name.len != 0) {
        if (!stops_before(s, s->rest)) {
            err = step_into(s);
        } else {
            err = keep_last(s, last);
            if (err != 0 || !(s->flags & WALK_THROUGH) || !goes_on(s, &err))
                return err;
        }
        if (err == 0)
            err = names_walk(s);
    }
    return err;
}

/* names_walk() fills in the rest. */
static inline void
step_init(struct step *s, const struct walk *w, unsigned flags, bool parent)
{
    s->w = w;
    s->owned = false;
    s->parent = parent;
    s->links = 0;
    s->flags = flags;
    s->buf = NULL;
}

/* With a frame of its own only where it is not all known. */
static inline __attribute__((always_inline)) int
walk_path(struct step *s, const char *path, struct inode **found,
          struct last *last)
{
    int err;

    if (*path == 0)
        return -ENOENT;
    s->at = *path == '/' ? s->w->root : s->w->cwd;
    s->rest = path;
    err = names_walk(s);
    if (err == 0 && s->name.len != 0)
        err = last != NULL && !(s->flags & WALK_THROUGH) &&
                      stops_before(s, s->rest)
                  ? keep_last(s, last)
                  : walk_rest(s, last);
    if (err == 0 && ((s->flags & WALK_DIR) || s->slash) && !is_dir(s->at))
        err = -ENOTDIR;
    if (unlikely(s->buf != NULL))
        kfree(s->buf);
    if (err == 0) {
        if (!s->owned)
            inode_get(s->at);
        *found = s->at;
    } else if (s->owned) {
        inode_put(s->at);
    }
    return err;
}

int
namei(const struct walk *w, const char *path, unsigned flags,
      struct inode **found)
{
    struct step s;

    step_init(&s, w, flags, false);
    return walk_path(&s, path, found, NULL);
}

int
namei_parent(const struct walk *w, const char *path, unsigned flags,
             struct inode **dir, struct last *last)
{
    struct step s;

    step_init(&s, w, flags | WALK_DIR, true);
    last->name = (struct name){.text = ""};
    return walk_path(&s, path, dir, last);
}

/* --- from a folder to its path --- */

struct search {
    uint64_t ino;
    char *end; /* the name goes before it */
    size_t room;
    bool found, too_long;
};

static bool
is_it(void *arg, const char *name, size_t len, uint64_t ino, uint32_t mode,
      uint64_t next)
{
    struct search *s = arg;

    if (ino != s->ino)
        return true;
    s->found = true;
    s->too_long = len + 1 > s->room;
    if (!s->too_long) {
        s->end -= len + 1;
        s->room -= len + 1;
        s->end[0] = '/';
        memcpy(s->end + 1, name, len);
    }
    return false;
}

/* Put "/" and the name of DIR in its PARENT before S->end. */
static int
prepend_name(struct inode *dir, struct inode *parent, struct search *s)
{
    int err;

    spin_lock(&inode_lock);
    s->ino = (dir->covers ? dir->covers : dir)->ino;
    spin_unlock(&inode_lock);
    s->found = false;
    if (parent->ops->readdir == NULL)
        return -ENOENT;
    mutex_lock(&parent->lock);
    err = parent->ops->readdir(parent, 0, is_it, s);
    mutex_unlock(&parent->lock);
    if (err == 0 && !s->found)
        err = -ENOENT;
    return err == 0 && s->too_long ? -ERANGE : err;
}

int
path_of(const struct walk *w, struct inode *dir, char *buf, size_t size)
{
    struct search s = {.end = buf + size - 1, .room = size - 1};
    int err = 0;

    *s.end = 0;
    inode_get(dir);
    while (dir != w->root && err == 0) {
        struct inode *up = inode_parent(dir);

        if (up == NULL)
            err = -ENOENT;
        else if (up != dir)
            err = prepend_name(dir, up, &s);
        inode_put(dir);
        if (up == dir) {
            inode_put(up);
            dir = NULL;
            break;
        }
        dir = up;
    }
    if (dir != NULL)
        inode_put(dir);
    if (err != 0)
        return err;
    if (*s.end == 0)
        *--s.end = '/';
    size = (size_t)(buf + size - s.end);
    memmove(buf, s.end, size);
    return (int)size;
}
