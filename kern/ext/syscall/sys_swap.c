/* sys_swap.c: adds swapon and swapoff to syscall/; a first reader may skip it.
 * Everybody is root as yet. */
#include "ext/fs/swap_file.h"
#include "ext/mm/swap_space.h"
#include "fs/ops.h"
#include "mm/kmalloc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

#define SWAP_FLAG_PREFER   0x8000ul
#define SWAP_FLAG_PRIORITY 0x7ffful
#define SWAP_FLAG_DISCARDS 0x70000ul /* asked for: a disk that cannot is fine */
#define SWAP_FLAGS_KNOWN \
    (SWAP_FLAG_PREFER | SWAP_FLAG_PRIORITY | SWAP_FLAG_DISCARDS)

static struct blkdev *
disk_of(const struct inode *i)
{
    struct blkdev *dev = blk_next(NULL);

    while (dev != NULL && ((uint64_t)dev->major << 8 | dev->minor) != i->rdev)
        dev = blk_next(dev);
    return dev;
}

/* /proc/swaps shows the whole path. */
static int
file_on(struct inode *i, int priority)
{
    char *name = kmalloc(PATH_MAX);
    struct walk w;
    int err;

    if (name == NULL)
        return -ENOMEM;
    place_walk(current_process()->fs, &w);
    if (path_of(&w, i, name, PATH_MAX) <= 0)
        strlcpy(name, "(deleted)", PATH_MAX);
    walk_put(&w);
    err = swap_on_file(i, name, priority);
    kfree(name);
    return err;
}

static int
turn_on(struct inode *i, int priority)
{
    uint32_t type = i->mode & S_IFMT;
    struct blkdev *disk;

    if (type == S_IFREG)
        return file_on(i, priority);
    if (type != S_IFBLK)
        return -EINVAL;
    disk = disk_of(i);
    return disk == NULL ? -ENXIO : swap_on_disk(disk, priority);
}

static long
sys_swapon(ARGS)
{
    struct inode *i;
    long r;

    if (a1 & ~SWAP_FLAGS_KNOWN)
        return -EINVAL;
    r = inode_at(AT_FDCWD, a0, 0, &i);
    if (r != 0)
        return r;
    r = turn_on(i, a1 & SWAP_FLAG_PREFER ? (int)(a1 & SWAP_FLAG_PRIORITY)
                                         : SWAP_LAST);
    inode_put(i);
    return r;
}
SYSCALL(224, swapon, "sx", sys_swapon);

static long
file_or_disk_off(uintptr_t path)
{
    struct inode *i;
    long r = inode_at(AT_FDCWD, path, 0, &i);
    const void *key;

    if (r != 0)
        return r;
    key = (i->mode & S_IFMT) == S_IFBLK ? (const void *)disk_of(i) : i;
    r = key == NULL ? -EINVAL : swap_space_off(key, NULL);
    inode_put(i);
    return r;
}

/* What is in memory has no path: its name is "ram". */
static long
sys_swapoff(ARGS)
{
    char word[4] = "";
    long n = strncpy_from_user(word, a0, sizeof(word));

    if (n < 0 && n != -ENAMETOOLONG)
        return n;
    if (n == 3 && strcmp(word, "ram") == 0)
        return swap_space_off(NULL, "ram");
    return file_or_disk_off(a0);
}
SYSCALL(225, swapoff, "s", sys_swapoff);
