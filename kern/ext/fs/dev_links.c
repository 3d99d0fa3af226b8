/* dev_links.c: adds the names that shells know for open files to /dev; a first
 * reader may skip it.
 *
 *     /dev/fd                        -> /proc/self/fd
 *     /dev/stdin, stdout, stderr     -> /proc/self/fd/0, 1, 2 */
#include "fs/devfs.h"
#include <errno.h>
#include <string.h>

static const struct dev_link {
    const char *name, *target;
} links[] = {{"fd", "/proc/self/fd"},
             {"stdin", "/proc/self/fd/0"},
             {"stdout", "/proc/self/fd/1"},
             {"stderr", "/proc/self/fd/2"}};

static int
link_readlink(struct inode *i, char *buf, size_t size)
{
    const struct node *n = container_of(i, struct node, inode);

    for (size_t k = 0; k < ARRAY_LEN(links); k++) {
        if (strcmp(links[k].name, n->name) == 0) {
            size_t len = MIN(strlen(links[k].target), size);

            memcpy(buf, links[k].target, len);
            return (int)len;
        }
    }
    return -ENOENT;
}

static const struct inode_ops link_ops = {.readlink = link_readlink};

void
devfs_add_links(struct node *folder)
{
    struct node *n;

    for (size_t k = 0; k < ARRAY_LEN(links); k++)
        (void)tree_add(folder, links[k].name, strlen(links[k].name),
                       S_IFLNK | 0777, &link_ops, NULL, &n);
}
