/* start_swap.c: adds the boot argument swapspace; a first reader may skip it.
 *
 *     swapspace=ram:16M         so much memory
 *     swapspace=vda2            a disk, or a partition, that mkswap was run on
 *     swapspace=vda2,ram:8M     both, the first one first
 *     swapspace=auto:16M        the first disk or partition that mkswap was run on,
 *                               or so much memory: for a card that boots on
 *                               machines with and without a driver for it */
#include "debug/printk.h"
#include "ext/mm/swap_space.h"
#include "init/initcall.h"
#include <bootargs.h>
#include <errno.h>
#include <string.h>

#define MEMORY_MAJOR 1 /* of disks in memory */

/* "64M"; 0: it is no size. */
static size_t
parse_size(const char *text)
{
    static const char units[] = "KMG";
    const char *end;
    uint64_t n = strtoull_simple(text, &end);

    for (unsigned i = 0; units[i] != 0; i++) {
        if (*end == units[i] && end[1] == 0 && n < 1ul << 30)
            return n << 10 * (i + 1);
    }
    return *end == 0 ? n : 0;
}

/* The first disk that holds swap space; NULL: none does. */
static struct blkdev *
find_swap(bool *disks)
{
    struct blkdev *dev = NULL;

    *disks = false;
    while ((dev = blk_next(dev)) != NULL) {
        if (dev->major == MEMORY_MAJOR)
            continue;
        *disks = true;
        if (swap_on_disk(dev, SWAP_LAST) == 0)
            return dev;
    }
    return NULL;
}

static void
use_any(const char *size)
{
    uint64_t before = swap_slots();
    bool disks;
    struct blkdev *dev = find_swap(&disks);
    int err = dev == NULL ? swap_on_memory(parse_size(size), SWAP_LAST) : 0;
    uint64_t kib = (swap_slots() - before) * (PAGE_SIZE / 1024);

    if (err != 0)
        cprintf("  swap: none, error %d\n", -err);
    else if (dev != NULL || disks)
        cprintf("  swap: %s, %lu KiB\n", dev == NULL ? "ram" : dev->name, kib);
    else
        cprintf("  no disk: the root is the boot archive, in memory; swap: "
                "%lu KiB of memory\n",
                kib);
}

static int
turn_on(const char *word)
{
    struct blkdev *disk;

    if (strncmp(word, "ram:", 4) == 0)
        return swap_on_memory(parse_size(word + 4), SWAP_LAST);
    if (strncmp(word, "/dev/", 5) == 0)
        word += 5;
    disk = blk_find(word);
    return disk == NULL ? -ENODEV : swap_on_disk(disk, SWAP_LAST);
}

static void
use(const char *word)
{
    uint64_t before = swap_slots();
    int err;

    if (strncmp(word, "auto:", 5) == 0) {
        use_any(word + 5);
        return;
    }
    err = turn_on(word);
    if (err == 0)
        cprintf("  swap: %s, %lu KiB\n", word,
                (swap_slots() - before) * (PAGE_SIZE / 1024));
    else
        cprintf("  swap: %s cannot be used%s, error %d\n", word,
                err == -EINVAL ? ": no swap space that we know" : "", -err);
}

static void
start_swap(const struct machine *m)
{
    char value[BOOTARG_MAX], *word = value, *comma;

    if (!bootarg_get(m->bootargs, "swapspace", value, sizeof(value)))
        return;
    while ((comma = strchr(word, ',')) != NULL) {
        *comma = 0;
        use(word);
        word = comma + 1;
    }
    use(word);
}

static const struct initcall swap_call = {"swap", INIT_DISKS, start_swap};
TABLE_ADD(initcall, swap_call);
