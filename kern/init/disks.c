/* disks.c: the disks that no driver finds: memory, and pieces of other disks.
 *
 *     ramdisk=64M         a disk of that much memory
 *     an initrd that is no archive is one, too: ram0 */
#include "arch/riscv/memlayout.h"
#include "debug/printk.h"
#include "driver/partition.h"
#include "driver/ramdisk.h"
#include "init/initcall.h"
#include "mm/pmm.h"
#include <bootargs.h>
#include <string.h>

#define PIECES      (RAMDISK_MAX / RAMDISK_PIECE)
#define PIECE_ORDER (21 - PAGE_SHIFT) /* of RAMDISK_PIECE */

static char *pieces[PIECES];

static void
initrd_disk(const struct machine *m)
{
    size_t size = m->initrd_end - m->initrd_start;
    char *at = pa_to_va(m->initrd_start);

    if (size < PAGE_SIZE || memcmp(at, "07070", 5) == 0)
        return;
    for (size_t i = 0; i < PIECES; i++)
        pieces[i] = at + i * RAMDISK_PIECE;
    if (ramdisk_create(pieces, size) == NULL)
        cprintf("disks: an initrd of %lu bytes is no disk\n", size);
}

/* "64M"; 0: it is no number. */
static size_t
parse_size(const char *text)
{
    static const char units[] = "KMG";
    const char *end;
    uint64_t n = strtoull_simple(text, &end);

    for (unsigned i = 0; units[i] != 0; i++) {
        if (*end == units[i] && end[1] == 0 && n <= RAMDISK_MAX)
            return n << 10 * (i + 1);
    }
    return *end == 0 ? n : 0;
}

static void
memory_disk(const char *text)
{
    size_t size = parse_size(text), n;

    n = (size + RAMDISK_PIECE - 1) / RAMDISK_PIECE;
    for (size_t i = 0; i < n && n <= PIECES; i++) {
        struct page *p = alloc_pages(PIECE_ORDER);

        if (p == NULL) {
            while (i-- > 0)
                free_pages(va_to_page(pieces[i]), PIECE_ORDER);
            size = 0;
            break;
        }
        pieces[i] = page_to_va(p);
        memset(pieces[i], 0, RAMDISK_PIECE);
    }
    if (ramdisk_create(pieces, size) == NULL)
        cprintf("disks: no disk for \"ramdisk=%s\"\n", text);
}

static void
start_disks(const struct machine *m)
{
    static char buf[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    char value[BOOTARG_MAX];

    initrd_disk(m);
    if (bootarg_get(m->bootargs, "ramdisk", value, sizeof(value)))
        memory_disk(value);
    for (struct blkdev *dev = NULL; (dev = blk_next(dev)) != NULL;) {
        if (dev->whole == NULL)
            partition_scan(dev, buf);
    }
    for (struct blkdev *dev = NULL; (dev = blk_next(dev)) != NULL;)
        cprintf("  %s: %lu KiB%s\n", dev->name, dev->nsectors / 2,
                dev->readonly ? ", read-only" : "");
}

static const struct initcall disks_call = {"disks", INIT_EARLY, start_disks};
TABLE_ADD(initcall, disks_call);
