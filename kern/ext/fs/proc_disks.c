/* proc_disks.c: adds /proc/partitions and /proc/diskstats, as Linux shows them,
 * and the knobs fail_block and slow_io; a first reader may skip it. */
#include "driver/blk.h"
#include "ext/driver/blk_faults.h"
#include "ext/fs/procfs.h"
#include "ext/mm/knob.h"
#include <printfmt.h>

WEAK unsigned blk_slow_ms;

WEAK const char *
blk_fail_block(const char *text)
{
    return "not in this kernel";
}

static int
show_partitions(struct proc_text *t, int pid)
{
    proc_print(t, "major minor  #blocks  name\n\n");
    for (struct blkdev *dev = NULL; (dev = blk_next(dev)) != NULL;)
        proc_print(t, "%4u  %7u %10lu %s\n", dev->major, dev->minor,
                   dev->nsectors / 2, dev->name);
    return 0;
}
PROC_FILE(partitions, .name = "partitions", .show = show_partitions);

static uint64_t
ms(uint64_t ticks)
{
    return ticks * 1000 / timebase_hz;
}

/* Documentation/admin-guide/iostats.rst has the columns; nothing is ever
 * discarded. */
static int
show_diskstats(struct proc_text *t, int pid)
{
    for (struct blkdev *dev = NULL; (dev = blk_next(dev)) != NULL;) {
        proc_print(t, "%4u %7u %s", dev->major, dev->minor, dev->name);
        for (unsigned op = BLK_READ; op <= BLK_WRITE; op++)
            proc_print(t, " %lu %lu %lu %lu", dev->requests[op],
                       dev->merged[op], dev->sectors[op], ms(dev->ticks[op]));
        proc_print(t, " %u %lu %lu 0 0 0 0 %lu %lu\n", dev->in_flight,
                   ms(dev->busy_ticks),
                   ms(dev->ticks[BLK_READ] + dev->ticks[BLK_WRITE] +
                      dev->ticks[BLK_FLUSH]),
                   dev->requests[BLK_FLUSH], ms(dev->ticks[BLK_FLUSH]));
    }
    return 0;
}
PROC_FILE(diskstats, .name = "diskstats", .show = show_diskstats);

static const struct knob fail_knob = {
    .name = "fail_block",
    .help = "DEV,BLOCK[,read|write][,once]: a bad block of 4 KiB; off: none",
    .set = blk_fail_block,
};
TABLE_ADD(knob, fail_knob);

static const struct knob slow_knob = {
    .name = "slow_io",
    .help = "milliseconds by which each disk request is late",
    .value = &blk_slow_ms,
    .max = 10000,
};
TABLE_ADD(knob, slow_knob);
