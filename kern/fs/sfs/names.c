/* names.c: create, link, rename, remove: what the calls of the VFS come to.
 *
 * Each is one handle, so after a crash all of it has happened or nothing.  What
 * can fail comes first: room in the folder, a number, the pages that will change;
 * making room changes no meaning, and may take handles of its own.
 *
 * => the locks of the inodes named are held, as fs/inode.h says */
#include "fs/sfs/impl.h"

#include <string.h>

#define CREDITS 16u /* of one call; 10 are the most that one needs */
#define NEEDED  10u

/* Begin a call that puts NAME into DIR: there is room at *SPOT. */
static int
begin_name(struct sfs_handle *h, struct inode *dir, const char *name,
           size_t len, struct sfs_spot *spot)
{
    struct sfs *fs = sfs_of(dir);
    int err = journal_begin(h, fs, CREDITS);

    spot->path.n = 0;
    if (err == 0)
        err = sfs_dir_room(h, dir, name, len, spot);
    if (err == -ENOSPC) {
        journal_end(h);
        err = journal_reclaim(fs);
        if (err == 0)
            err = journal_begin(h, fs, CREDITS);
        if (err == 0)
            err = sfs_dir_room(h, dir, name, len, spot);
    }
    if (err == 0 && h->left < NEEDED) {
        journal_end(h);
        err = journal_begin(h, fs, CREDITS);
    }
    return err;
}

static int
end(struct sfs_handle *h, struct sfs_spot *spot, int err)
{
    sfs_path_put(&spot->path);
    journal_end(h);
    return err;
}

/* DIR has other entries, and so many more folders in it. */
static int
dir_changed(struct sfs_handle *h, struct inode *dir, int folders)
{
    dir->mtime = dir->ctime = inode_now();
    dir->nlink += (uint32_t)folders;
    return sfs_store(h, sfs_inode(dir));
}

/* I has so many names more. */
static int
links_changed(struct sfs_handle *h, struct inode *i, int names)
{
    i->ctime = inode_now();
    i->nlink += (uint32_t)names;
    if (i->nlink == 0)
        sfs_orphan(sfs_inode(i), true);
    return sfs_store(h, sfs_inode(i));
}

static int
lookup(struct inode *dir, const char *name, size_t len, struct inode **found)
{
    struct sfs *fs = sfs_of(dir);
    uint32_t ino;
    int err = sfs_dir_find(dir, name, len, &ino);

    if (err == 0)
        err = sfs_inode_get(fs, ino, found);
    if (err == 0 && (*found)->nlink == 0) {
        err = sfs_bad(fs, "folder %lu: inode %u has no names", dir->ino, ino);
        inode_put(*found);
    }
    return err;
}

/* The text of a link: in the inode, or in a block. */
static int
put_text(struct sfs_handle *h, struct sfs_inode *si, const char *text)
{
    size_t len = strlen(text);
    struct page *page;
    int err;

    si->inode.size = si->d->size = len;
    if (len < SFS_LINK_INLINE) {
        memcpy(si->d->link, text, len + 1);
        return 0;
    }
    while ((err = sfs_alloc_meta(h, 0, &page)) == -EAGAIN && h->need != 0 &&
           (err = sfs_again(h, err)) == 0)
        ;
    if (err != 0)
        return err;
    memcpy(page_to_va(page), text, len);
    si->d->direct[0] = (uint32_t)page->index;
    sfs_count_blocks(si, 1);
    page_put(page);
    return 0;
}

/* A new inode with its number; TEXT: of a link. */
static int
new_inode(struct sfs_handle *h, uint32_t mode, uint64_t rdev, const char *text,
          struct sfs_inode **made)
{
    uint32_t ino;
    int err;

    while ((err = sfs_alloc_inode(h, &ino)) == -EAGAIN && h->need != 0 &&
           (err = sfs_again(h, err)) == 0)
        ;
    if (err != 0)
        return err;
    err = sfs_inode_new(h, ino, mode, rdev, made);
    if (err == 0 && text != NULL)
        err = put_text(h, *made, text);
    if (err == 0)
        return 0;
    if (*made != NULL)
        sfs_inode_undo(*made);
    /* Its map is joined and in memory: this cannot fail. */
    return sfs_free_inode(h, ino) == 0 ? err : -EIO;
}

static int
make_named(struct inode *dir, const char *name, size_t len, uint32_t mode,
           uint64_t rdev, const char *text, struct inode **made)
{
    bool folder = (mode & S_IFMT) == S_IFDIR;
    struct sfs *fs = sfs_of(dir);
    struct sfs_inode *si = NULL;
    struct sfs_handle h;
    struct sfs_spot spot;
    int err;

    if (folder && dir->nlink >= SFS_LINK_MAX)
        return -EMLINK;
    err = begin_name(&h, dir, name, len, &spot);
    if (err == 0)
        err = new_inode(&h, mode, rdev, text, &si);
    if (err != 0)
        return end(&h, &spot, err);
    if (folder)
        si->d->parent = (uint32_t)dir->ino;
    err = sfs_dir_add(&h, dir, &spot, name, len, (uint32_t)si->inode.ino, mode);
    if (err == 0)
        err = dir_changed(&h, dir, folder);
    icache_add(&fs->super, &si->inode);
    *made = &si->inode;
    return end(&h, &spot, err);
}

static int
create(struct inode *dir, const char *name, size_t len, uint32_t mode,
       uint64_t rdev, struct inode **made)
{
    return make_named(dir, name, len, mode, rdev, NULL, made);
}

static int
make_link(struct inode *dir, const char *name, size_t len, const char *target,
          struct inode **made)
{
    if (target[0] == 0)
        return -ENOENT;
    if (strnlen(target, PATH_MAX) >= PATH_MAX)
        return -ENAMETOOLONG;
    return make_named(dir, name, len, S_IFLNK | 0777, 0, target, made);
}

static int
readlink(struct inode *i, char *buf, size_t size)
{
    struct sfs_inode *si = sfs_inode(i);
    struct page *page;
    uint32_t block;
    int err;

    if ((i->mode & S_IFMT) != S_IFLNK)
        return -EINVAL;
    size = MIN(size, i->size);
    if (i->size < SFS_LINK_INLINE) {
        memcpy(buf, si->d->link, size);
        return (int)size;
    }
    block = si->d->direct[0];
    if (!sfs_is_data(sfs_of(i), block))
        return sfs_bad(sfs_of(i), "inode %lu: block %u is none of a link",
                       i->ino, block);
    err = sfs_meta(sfs_of(i), block, &page);
    if (err != 0)
        return err;
    memcpy(buf, page_to_va(page), size);
    page_put(page);
    return (int)size;
}

static int
add_link(struct inode *dir, const char *name, size_t len, struct inode *old)
{
    struct sfs_handle h;
    struct sfs_spot spot;
    int err;

    if (old->nlink >= SFS_LINK_MAX)
        return -EMLINK;
    if (old->nlink == 0)
        return -ENOENT;
    err = begin_name(&h, dir, name, len, &spot);
    if (err == 0)
        err = sfs_dir_add(&h, dir, &spot, name, len, (uint32_t)old->ino,
                          old->mode);
    if (err == 0)
        err = dir_changed(&h, dir, 0);
    if (err == 0)
        err = links_changed(&h, old, 1);
    return end(&h, &spot, err);
}

static bool
has_entries(const struct inode *i)
{
    return is_dir(i) && sfs_inode((struct inode *)i)->d->entries > 0;
}

static int
unlink(struct inode *dir, const char *name, size_t len, struct inode *victim)
{
    struct sfs_handle h;
    int err;

    if (has_entries(victim))
        return -ENOTEMPTY;
    err = journal_begin(&h, sfs_of(dir), NEEDED);
    if (err != 0)
        return err;
    err = sfs_dir_remove(&h, dir, name, len);
    if (err == 0)
        err = dir_changed(&h, dir, is_dir(victim) ? -1 : 0);
    if (err == 0)
        err = links_changed(&h, victim, is_dir(victim) ? -2 : -1);
    journal_end(&h);
    return err;
}

/* The folder I lies in another one now. */
static int
set_parent(struct sfs_handle *h, struct inode *i, struct inode *dir)
{
    int err = journal_join(h, sfs_inode(i)->page);

    if (err == 0)
        sfs_inode(i)->d->parent = (uint32_t)dir->ino;
    return err;
}

/* The rest of a rename; TO's entry is there. */
static int
moved_away(struct sfs_handle *h, struct inode *dir, const char *name,
           size_t len, struct inode *moved, struct inode *to,
           struct inode *replaced)
{
    int away = is_dir(moved) ? 1 : 0, gone = 0;
    int err = sfs_dir_remove(h, dir, name, len);

    if (replaced != NULL && is_dir(replaced))
        gone = 1;
    if (err == 0 && dir == to)
        err = dir_changed(h, dir, -gone);
    else if (err == 0)
        err = dir_changed(h, dir, -away);
    if (err == 0 && dir != to)
        err = dir_changed(h, to, away - gone);
    if (err == 0 && away && dir != to)
        err = set_parent(h, moved, to);
    if (err == 0)
        err = links_changed(h, moved, 0);
    if (err == 0 && replaced != NULL)
        err = links_changed(h, replaced, gone ? -2 : -1);
    return err;
}

static int
move(struct inode *dir, const char *name, size_t len, struct inode *moved,
     struct inode *to, const char *to_name, size_t to_len,
     struct inode *replaced)
{
    struct sfs_handle h;
    struct sfs_spot spot;
    uint32_t ino;
    int err;

    if (replaced != NULL && has_entries(replaced))
        return -ENOTEMPTY;
    if (is_dir(moved) && dir != to && to->nlink >= SFS_LINK_MAX)
        return -EMLINK;
    /* The blocks where the old name stands are in memory after this. */
    err = sfs_dir_find(dir, name, len, &ino);
    if (err != 0)
        return err;
    if (replaced != NULL) {
        spot.path.n = 0;
        err = journal_begin(&h, sfs_of(dir), CREDITS);
        if (err == 0)
            err = sfs_dir_set(&h, to, to_name, to_len, (uint32_t)moved->ino,
                              moved->mode);
    } else {
        err = begin_name(&h, to, to_name, to_len, &spot);
        if (err == 0)
            err = sfs_dir_add(&h, to, &spot, to_name, to_len,
                              (uint32_t)moved->ino, moved->mode);
    }
    if (err == 0)
        err = moved_away(&h, dir, name, len, moved, to, replaced);
    return end(&h, &spot, err);
}

int
sfs_sync(struct inode *i, bool data)
{
    struct sfs *fs = sfs_of(i);
    struct sfs_handle h;
    int err;

    if (fs->super.readonly)
        return 0;
    if (!list_empty(&sfs_inode(i)->dirty)) {
        err = journal_begin(&h, fs, 1);
        if (err == 0)
            err = sfs_store(&h, sfs_inode(i));
        journal_end(&h);
        if (err != 0)
            return err;
    }
    return journal_commit(fs);
}

const struct inode_ops sfs_inode_ops = {
    .lookup = lookup,
    .readdir = sfs_readdir,
    .readlink = readlink,
    .create = create,
    .symlink = make_link,
    .link = add_link,
    .unlink = unlink,
    .rename = move,
    .truncate = sfs_truncate,
    .allocate = sfs_allocate,
    .next_block = sfs_next_block,
    .punch = sfs_punch,
    .dirty = sfs_dirty,
    .sync = sfs_sync,
    .release = sfs_release,
};
