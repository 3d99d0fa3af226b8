/* start_swap.c: adds the boot argument swapspace; a first reader may skip it.
 *
 *     swapspace=ram:16M         so much memory
 *     swapspace=vda2            a disk, or a partition, that mkswap was run on
 *     swapspace=vda2,ram:8M     both, the first one first */
#include "debug/printk.h"
#include "ext/mm/swap_space.h"
#include "init/initcall.h"
#include <bootargs.h>
#include <errno.h>
#include <string.h>

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
    int err = turn_on(word);

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
