/* bootfs.c: adds the boot archive to fs/root.h as the first root; a first reader
 * may skip it.  Folders, links, and files whose pages are the archive's own. */
#include "ext/mm/pagers.h"
#include "fs/root.h"

#include "arch/riscv/memlayout.h"
#include "debug/printk.h"
#include "mm/kmalloc.h"
#include <errno.h>
#include <newc.h>
#include <string.h>

static int
link_read(struct inode *i, char *buf, size_t size)
{
    size_t n = MIN(size, i->size);

    memcpy(buf, i->host, n);
    return (int)n;
}

static const struct inode_ops file_ops = {.read = NULL};
static const struct inode_ops link_ops = {.readlink = link_read};

/* The folder NAME lies in, made if it is missing; *NAME becomes the last
 * component. */
static struct node *
folder_of(struct node *root, const char **name)
{
    struct node *dir = root, *next;
    const char *slash;

    while ((slash = strchr(*name, '/')) != NULL) {
        size_t len = (size_t)(slash - *name);

        if (len > 0 && !(len == 1 && **name == '.')) {
            next = tree_find(dir, *name, len);
            if (next == NULL &&
                tree_add(dir, *name, len, S_IFDIR | 0755, NULL, NULL, &next))
                return NULL;
            dir = next;
        }
        *name = slash + 1;
    }
    return dir;
}

static int
add_entry(struct node *root, const struct newc_entry *e)
{
    uint32_t type = e->mode & S_IFMT;
    const char *name = e->name;
    struct node *dir = folder_of(root, &name), *n;
    int err;

    if (dir == NULL)
        return -ENOMEM;
    if (*name == 0 || strcmp(name, ".") == 0 ||
        (type == S_IFDIR && tree_find(dir, name, strlen(name)) != NULL))
        return 0;
    if (type != S_IFDIR && type != S_IFREG && type != S_IFLNK)
        return 0;
    err = tree_add(dir, name, strlen(name), e->mode,
                   type == S_IFDIR   ? NULL
                   : type == S_IFLNK ? &link_ops
                                     : &file_ops,
                   (void *)e->data, &n);
    if (err != 0)
        return err == -EEXIST ? 0 : err;
    n->inode.uid = e->uid;
    n->inode.gid = e->gid;
    n->inode.mtime = n->inode.ctime = n->inode.atime =
        (int64_t)e->mtime * 1000000000;
    n->inode.size = type == S_IFDIR ? 0 : e->size;
    n->inode.blocks = (n->inode.size + 511) / 512;
    if (type == S_IFREG) {
        n->inode.object = image_object(va_to_pa(e->data), e->size);
        if (n->inode.object == NULL)
            return -ENOMEM;
    }
    return 0;
}

struct node *
bootfs_create(const void *archive, size_t size)
{
    struct node *root = tree_create("rootfs", true);
    struct newc_entry e;
    enum newc_result r;
    size_t pos = 0;

    while (root != NULL &&
           (r = newc_next(archive, size, &pos, &e)) != NEWC_END) {
        if (r == NEWC_BAD) {
            cprintf("boot archive: no entry at byte %lu of %lu\n", pos, size);
            break;
        }
        if (add_entry(root, &e) != 0) {
            cprintf("boot archive: no memory for \"%s\"\n", e.name);
            break;
        }
    }
    return root;
}
