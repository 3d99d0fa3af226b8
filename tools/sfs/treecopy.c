/* treecopy.c: files of this computer into a file system, and back.  Folders are read
 * in the order of names, so that the same tree gives the same image. */
#include "tools/sfs/tree.h"

#include "mm/kmalloc.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CHUNK 64u /* pages */

/* --- folders of this computer --- */

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in the folder PATH of the host, sorted; the caller frees all. */
static char **
host_names(const char *path, size_t *n)
{
    DIR *dir = opendir(path);
    char **names = NULL;
    struct dirent *e;

    *n = 0;
    if (dir == NULL)
        return NULL;
    names = malloc(sizeof(*names));
    while ((e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        names = realloc(names, (*n + 1) * sizeof(*names));
        names[(*n)++] = strdup(e->d_name);
    }
    closedir(dir);
    qsort(names, *n, sizeof(*names), by_name);
    return names;
}

static char *
joined(const char *dir, const char *name)
{
    char *path = malloc(strlen(dir) + strlen(name) + 2);

    sprintf(path, "%s/%s", dir, name);
    return path;
}

bool
tree_measure(const char *path, struct tree_size *size)
{
    size_t n, bytes = 0;
    char **names = host_names(path, &n);
    bool ok = true;

    if (names == NULL)
        return complain(path, errno);
    for (size_t k = 0; k < n; k++) {
        char *child = joined(path, names[k]);
        struct stat st;

        bytes += strlen(names[k]) + 20;
        if (lstat(child, &st) != 0) {
            ok = complain(child, errno);
        } else {
            uint64_t blocks =
                ((uint64_t)st.st_size + SFS_BLOCK - 1) / SFS_BLOCK;

            size->inodes++;
            if (S_ISREG(st.st_mode)) {
                size->bytes += (uint64_t)st.st_size;
                size->blocks += blocks + blocks / 1000 + 2;
            } else if (S_ISLNK(st.st_mode)) {
                size->blocks++;
            } else if (S_ISDIR(st.st_mode)) {
                ok = tree_measure(child, size) && ok;
            }
        }
        free(child);
        free(names[k]);
    }
    free(names);
    size->blocks += bytes / (SFS_BLOCK / 2) + 2;
    return ok;
}

/* --- contents --- */

/* One page of the file, from FROM to TO in it, gets the bytes at BUF. */
static int
write_part(struct inode *i, uint64_t index, size_t from, size_t to,
           const char *buf)
{
    struct page *page;
    char *data;
    int err = 0;

    if (to - from == SFS_BLOCK || index >= object_pages(i->object)) {
        err = object_add(i->object, index, &page);
        if (err == 0) {
            page_zero(page_to_va(page));
            atomic_or(&page->flags, PG_UPTODATE);
        } else if (err == -EEXIST) {
            page_lock(page);
            err = 0;
        }
    } else {
        err = object_page(i->object, index, &page, &data);
        if (err == 0)
            page_lock(page);
    }
    if (err != 0)
        return err;
    if (!(atomic_load(&page->flags) & PG_DIRTY))
        err = i->object->ops->mkwrite(i->object, index, page);
    if (err == 0) {
        memcpy((char *)page_to_va(page) + from, buf, to - from);
        object_set_dirty(i->object, page);
        if (index * SFS_BLOCK + to > i->object->size)
            i->object->size = i->size = index * SFS_BLOCK + to;
    }
    page_unlock(page);
    page_put(page);
    return err;
}

static bool
all_zero(const char *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

int
tree_write(struct inode *i, uint64_t pos, const void *buf, size_t n)
{
    size_t done = 0;
    int err = 0;

    while (done < n && err == 0) {
        size_t at = (pos + done) % SFS_BLOCK,
               len = MIN(n - done, SFS_BLOCK - at);

        err = write_part(i, (pos + done) / SFS_BLOCK, at, at + len,
                         (const char *)buf + done);
        done += err == 0 ? len : 0;
    }
    i->mtime = i->ctime = inode_now();
    i->ops->dirty(i);
    return err;
}

/* Pages FROM to TO are written, and leave memory. */
static int
write_back(struct inode *i, uint64_t from, uint64_t to)
{
    struct page *run[CHUNK];
    unsigned n = 0;
    int err = 0;

    for (uint64_t index = from; index <= to; index++) {
        struct page *page = index < to ? object_find(i->object, index) : NULL;

        if (page != NULL && (page->flags & PG_DIRTY)) {
            page_lock(page);
            run[n++] = page;
        } else if (page != NULL) {
            page_put(page);
        }
        if (n > 0 &&
            (n == CHUNK || index == to || run[n - 1]->index != index)) {
            object_write_run(i->object, run, n);
            for (unsigned k = 0; k < n; k++) {
                page_lock(run[k]);
                if (run[k]->flags & PG_DIRTY)
                    err = -EIO;
                else
                    object_remove(i->object, run[k]);
                page_unlock(run[k]);
                object_settle(i->object, run[k]);
                page_put(run[k]);
            }
            n = 0;
        }
    }
    return err;
}

static bool
copy_in(struct inode *i, const char *path)
{
    int fd = open(path, O_RDONLY), err = 0;
    char *buf = malloc(CHUNK * SFS_BLOCK);
    uint64_t pos = 0;
    ssize_t got = 0;

    while (fd >= 0 && err == 0 &&
           (got = pread(fd, buf, CHUNK * SFS_BLOCK, (off_t)pos)) > 0) {
        for (ssize_t k = 0; k < got && err == 0; k += SFS_BLOCK) {
            size_t len = MIN((size_t)(got - k), SFS_BLOCK);

            if (!all_zero(buf + k, len))
                err = tree_write(i, pos + (uint64_t)k, buf + k, len);
        }
        if (err == 0)
            err = write_back(i, pos / SFS_BLOCK, pos / SFS_BLOCK + CHUNK);
        pos += (uint64_t)got;
    }
    if (fd < 0 || got < 0)
        err = -errno;
    else
        close(fd);
    free(buf);
    if (err == 0 && pos > i->object->size)
        err = i->ops->truncate(i, pos);
    return err == 0 || complain(path, err);
}

/* --- a tree --- */

static void
set_attributes(struct inode *i, const struct stat *st,
               const struct tree_options *o)
{
    i->mode = (i->mode & S_IFMT) | (st->st_mode & 07777);
    if (o->keep_owner) {
        i->uid = st->st_uid;
        i->gid = st->st_gid;
    }
    if (o->keep_times) {
        i->mtime = st->st_mtim.tv_sec * 1000000000l + st->st_mtim.tv_nsec;
        i->atime = i->mtime;
    } else {
        i->atime = i->mtime = host_clock;
    }
    i->ctime = i->mtime;
    i->ops->dirty(i);
}

/* Files with several names, by their number on the host. */
static struct seen {
    dev_t dev;
    ino_t ino;
    struct sfs *fs;
    uint64_t to;
} * seen;
static size_t nseen;

static struct seen *
find_seen(const struct sfs *fs, const struct stat *st)
{
    for (size_t k = 0; k < nseen; k++) {
        if (seen[k].fs == fs && seen[k].dev == st->st_dev &&
            seen[k].ino == st->st_ino)
            return &seen[k];
    }
    return NULL;
}

/* The second name of a file that has been copied. */
static int
put_again(struct inode *dir, const char *name, uint64_t ino)
{
    struct inode *old;
    int err = sfs_inode_get(sfs_of(dir), (uint32_t)ino, &old);

    if (err != 0)
        return err;
    err = dir->ops->link(dir, name, strlen(name), old);
    inode_put(old);
    return err;
}

static int
put_new(struct inode *dir, const char *name, const char *path,
        const struct stat *st, struct inode **made)
{
    char text[PATH_MAX];
    ssize_t len;

    if (!S_ISLNK(st->st_mode))
        return dir->ops->create(dir, name, strlen(name), st->st_mode,
                                makedev(major(st->st_rdev), minor(st->st_rdev)),
                                made);
    len = readlink(path, text, sizeof(text) - 1);
    if (len < 0)
        return -errno;
    text[len] = 0;
    return dir->ops->symlink(dir, name, strlen(name), text, made);
}

bool
tree_put(struct inode *dir, const char *name, const char *path,
         const struct tree_options *o)
{
    struct inode *i = NULL;
    struct seen *again = NULL;
    struct stat st;
    bool ok = true;
    int err = 0;

    if (lstat(path, &st) != 0)
        return complain(path, errno);
    if (S_ISREG(st.st_mode) && st.st_nlink > 1)
        again = find_seen(sfs_of(dir), &st);
    tree_lock(dir);
    err = again ? put_again(dir, name, again->to)
                : put_new(dir, name, path, &st, &i);
    tree_unlock(dir);
    if (err != 0)
        return complain(path, err);
    if (i == NULL)
        return true;
    if (S_ISREG(st.st_mode) && st.st_nlink > 1) {
        seen = realloc(seen, (nseen + 1) * sizeof(*seen));
        seen[nseen++] =
            (struct seen){st.st_dev, st.st_ino, sfs_of(dir), i->ino};
    }
    if (S_ISREG(st.st_mode))
        ok = copy_in(i, path);
    else if (S_ISDIR(st.st_mode))
        ok = tree_put_all(i, path, o);
    set_attributes(i, &st, o);
    inode_put(i);
    return ok;
}

bool
tree_put_all(struct inode *dir, const char *path, const struct tree_options *o)
{
    size_t n;
    char **names = host_names(path, &n);
    bool ok = true;

    if (names == NULL)
        return complain(path, errno);
    for (size_t k = 0; k < n; k++) {
        char *child = joined(path, names[k]);

        ok = ok && tree_put(dir, names[k], child, o);
        free(child);
        free(names[k]);
    }
    free(names);
    return ok;
}

/* --- and back --- */

static bool
copy_out(struct inode *i, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, i->mode & 0777);
    char *buf = malloc(CHUNK * SFS_BLOCK);
    uint64_t pos = 0;
    long got = 0;

    if (fd < 0) {
        free(buf);
        return complain(path, errno);
    }
    while ((got = object_read(i->object, pos, buf, CHUNK * SFS_BLOCK)) > 0) {
        if (!all_zero(buf, (size_t)got) &&
            pwrite(fd, buf, (size_t)got, (off_t)pos) != got) {
            got = -errno;
            break;
        }
        pos += (uint64_t)got;
    }
    if (got == 0 && ftruncate(fd, (off_t)pos) != 0)
        got = -errno;
    free(buf);
    return (close(fd) == 0 && got == 0) || complain(path, (int)got);
}

static bool
get_folder(struct inode *dir, const char *path)
{
    struct tree_entry *e;
    size_t n;
    bool ok;
    int err;

    if (mkdir(path, dir->mode & 0777) != 0 && errno != EEXIST)
        return complain(path, errno);
    err = tree_list(dir, &e, &n);
    ok = err == 0 || complain(path, err);
    for (size_t k = 0; k < n && ok; k++) {
        char *child = joined(path, e[k].name);
        struct inode *i;

        err = tree_lookup(dir, e[k].name, &i);
        if (err != 0) {
            ok = complain(child, err);
        } else {
            ok = tree_get(i, child);
            inode_put(i);
        }
        free(child);
    }
    free(e);
    return ok;
}

bool
tree_get(struct inode *i, const char *path)
{
    char text[PATH_MAX] = {0};
    int len;

    switch (i->mode & S_IFMT) {
    case S_IFREG:
        return copy_out(i, path);
    case S_IFDIR:
        return get_folder(i, path);
    case S_IFLNK:
        len = i->ops->readlink(i, text, sizeof(text) - 1);
        if (len < 0)
            return complain(path, len);
        return symlink(text, path) == 0 || complain(path, errno);
    default:
        fprintf(stderr, "sfs: %s: devices and pipes are left out\n", path);
        return true;
    }
}
