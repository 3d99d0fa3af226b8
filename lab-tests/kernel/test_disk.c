/* test_disk.c: disks, their queue and what can go wrong, on the real machine.
 * They want vda or ram0, which they overwrite, and vdb, read-only, whose words
 * are numbered by tools/ktest_prepare.py; without them they are skipped. */
#include "driver/blk.h"
#include "ext/mm/knob.h"
#include "ktest.h"
#include "mm/pmm.h"
#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define PER_PAGE (PAGE_SIZE / SECTOR_SIZE)
#define WORDS    (PAGE_SIZE / 8)
#define MANY     256

static struct blkdev *
disk(const char *name)
{
    struct blkdev *dev = blk_find(name);

    if (dev == NULL && name[2] == 'a')
        dev = blk_find("ram0");
    if (dev == NULL)
        ktest_skip("no disk");
    return dev;
}

/* Word W of the disk, as the tests and tools/ktest_prepare.py write it. */
static uint64_t
word(uint64_t sector, uint64_t seed, unsigned w)
{
    return (sector * (SECTOR_SIZE / 8) + w) ^ seed << 48;
}

static void
fill(uint64_t *page, uint64_t sector, uint64_t seed)
{
    for (unsigned w = 0; w < WORDS; w++)
        page[w] = word(sector, seed, w);
}

static bool
is_filled(const uint64_t *page, uint64_t sector, uint64_t seed)
{
    for (unsigned w = 0; w < WORDS; w++) {
        if (page[w] != word(sector, seed, w))
            return false;
    }
    return true;
}

KTEST(disk_shows_what_the_host_wrote)
{
    struct blkdev *dev = disk("vdb");
    struct page *p = alloc_pages(2);
    uint64_t at, state = ktest_seed;

    if (dev != NULL && p != NULL) {
        CHECK(blk_read(dev, 0, page_to_va(p), PAGE_SIZE) == 0);
        CHECK(is_filled(page_to_va(p), 0, 0));
        at = dev->nsectors - 4 * PER_PAGE;
        CHECK(blk_read(dev, at, page_to_va(p), 4 * PAGE_SIZE) == 0);
        CHECK(is_filled(page_to_va(p + 3), at + 3 * PER_PAGE, 0));
        for (unsigned i = 0; i < 100; i++) {
            at = ktest_random(&state) % (dev->nsectors - PER_PAGE);
            CHECK(blk_read(dev, at, page_to_va(p), PAGE_SIZE) == 0);
            CHECK(is_filled(page_to_va(p), at, 0));
        }
        CHECK(blk_write(dev, 0, page_to_va(p), PAGE_SIZE) == -EROFS);
    }
    free_pages(p, 2);
}

KTEST(disk_keeps_what_is_written)
{
    struct blkdev *dev = disk("vda");
    struct page *p = alloc_pages(0);

    if (dev != NULL && p != NULL) {
        for (unsigned i = 0; i < 64; i++) {
            fill(page_to_va(p), i * PER_PAGE, 1);
            CHECK(blk_write(dev, i * PER_PAGE, page_to_va(p), PAGE_SIZE) == 0);
        }
        CHECK(blk_flush(dev) == 0);
        for (unsigned i = 64; i-- > 0;) {
            CHECK(blk_read(dev, i * PER_PAGE, page_to_va(p), PAGE_SIZE) == 0);
            CHECK(is_filled(page_to_va(p), i * PER_PAGE, 1));
        }
    }
    free_pages(p, 0);
}

KTEST(disk_refuses_what_cannot_be)
{
    struct blkdev *dev = disk("vda");
    struct page *p = alloc_pages(0);
    char *buf = page_to_va(p);

    if (dev != NULL) {
        uint64_t end = dev->nsectors;

        CHECK(blk_read(dev, end, buf, SECTOR_SIZE) == -ENOSPC);
        CHECK(blk_read(dev, end - 1, buf, 2 * SECTOR_SIZE) == -ENOSPC);
        CHECK(blk_read(dev, UINT64_MAX, buf, SECTOR_SIZE) == -ENOSPC);
        CHECK(blk_read(dev, 0, buf, 0) == -EINVAL);
        CHECK(blk_read(dev, 0, buf, SECTOR_SIZE / 2) == -EINVAL);
        CHECK(blk_read(dev, end - 1, buf, SECTOR_SIZE) == 0);
    }
    free_pages(p, 0);
}

/* --- many at once --- */

static struct {
    struct blk_request r;
    struct blk_seg seg;
    struct page *page;
    int err, ends; /* ends: [a] */
} many[MANY];
static struct semaphore all_done;

static void
one_done(struct blk_request *r, int err)
{
    unsigned i = (unsigned)(uintptr_t)r->arg;

    many[i].err = err;
    atomic_add(&many[i].ends, 1);
    sem_up(&all_done);
}

/* Page I of the disk is what request I is about. */
static void
prepare(unsigned i, enum blk_op op)
{
    many[i].seg = (struct blk_seg){page_to_pa(many[i].page), PAGE_SIZE};
    many[i].ends = 0;
    many[i].r = (struct blk_request){.op = op,
                                     .sector = i * PER_PAGE,
                                     .segs = &many[i].seg,
                                     .nsegs = op == BLK_FLUSH ? 0 : 1,
                                     .done = one_done,
                                     .arg = (void *)(uintptr_t)i};
}

/* Do OP with all of them, in some order. */
static void
do_many(struct blkdev *dev, enum blk_op op, bool give_up)
{
    unsigned stride = op == BLK_READ ? 1 : 101; /* odd: each comes once */

    sem_init(&all_done, 0);
    for (unsigned i = 0; i < MANY; i++)
        prepare(i, op);
    for (unsigned i = 0; i < MANY; i++)
        blk_add(dev, &many[i * stride % MANY].r);
    blk_kick(dev);
    if (give_up) {
        spin_lock(&dev->lock);
        blk_give_up(dev);
        spin_unlock(&dev->lock);
        blk_kick(dev);
    }
    for (unsigned i = 0; i < MANY; i++)
        sem_down(&all_done);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK(many[i].ends == 1);
        CHECK(many[i].err == 0 || (give_up && many[i].err == -ETIMEDOUT));
    }
}

static bool
get_pages(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        many[i].page = alloc_pages(0);
        if (many[i].page == NULL)
            return false;
    }
    return true;
}

static void
put_pages(void)
{
    for (unsigned i = 0; i < MANY; i++)
        free_pages(many[i].page, 0);
}

static void
check_many(struct blkdev *dev, uint64_t seed)
{
    for (unsigned i = 0; i < MANY; i++)
        memset(page_to_va(many[i].page), 0, PAGE_SIZE);
    do_many(dev, BLK_READ, false);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(is_filled(page_to_va(many[i].page), i * PER_PAGE, seed));
}

KTEST(disk_does_many_at_once)
{
    struct blkdev *dev = disk("vda");
    uint64_t writes, reads;

    if (dev == NULL || !get_pages())
        return;
    writes = dev->requests[BLK_WRITE] + dev->merged[BLK_WRITE];
    reads = dev->requests[BLK_READ] + dev->merged[BLK_READ];
    for (unsigned i = 0; i < MANY; i++)
        fill(page_to_va(many[i].page), i * PER_PAGE, 2);
    do_many(dev, BLK_WRITE, false);
    check_many(dev, 2);
    do_many(dev, BLK_FLUSH, false);
    /* In how many chains nobody can say: another hart may still be kicking for
     * the last test. */
    CHECK(dev->requests[BLK_WRITE] + dev->merged[BLK_WRITE] - writes == MANY);
    CHECK(dev->requests[BLK_READ] + dev->merged[BLK_READ] - reads == MANY);
    put_pages();
}

KTEST(disk_works_again_after_a_reset)
{
    struct blkdev *dev = disk("vda");

    if (dev == NULL || dev->ops->reset == NULL || !get_pages())
        return;
    for (unsigned n = 0; n < 10; n++) {
        do_many(dev, BLK_READ, true);
        CHECK(dev->in_flight == 0 && !dev->broken);
    }
    for (unsigned i = 0; i < MANY; i++)
        fill(page_to_va(many[i].page), i * PER_PAGE, 3);
    do_many(dev, BLK_WRITE, false);
    check_many(dev, 3);
    put_pages();
}

/* --- all harts --- */

#define THREADS 8
#define PAGES   64 /* of each */

static void
write_and_read(unsigned t)
{
    struct blkdev *dev = disk("vda");
    struct page *p = alloc_pages(0);
    uint64_t state = ktest_seed + t;

    for (unsigned n = 0; p != NULL && n < 100; n++) {
        uint64_t at = (t * PAGES + ktest_random(&state) % PAGES) * PER_PAGE;

        fill(page_to_va(p), at, 4 + n);
        CHECK(blk_write(dev, at, page_to_va(p), PAGE_SIZE) == 0);
        if (n % 10 == 0)
            CHECK(blk_flush(dev) == 0);
        memset(page_to_va(p), 0, PAGE_SIZE);
        CHECK(blk_read(dev, at, page_to_va(p), PAGE_SIZE) == 0);
        CHECK(is_filled(page_to_va(p), at, 4 + n));
    }
    free_pages(p, 0);
}

KTEST(disk_serves_all_harts)
{
    struct blkdev *dev = disk("vda");

    if (dev == NULL)
        return;
    ktest_parallel(THREADS, false, write_and_read);
    CHECK(dev->in_flight == 0 && list_empty(&dev->flying));
}

/* --- what goes wrong on demand --- */

static bool
turn(const char *fmt, const char *name)
{
    char line[64];

    snprintf(line, sizeof(line), fmt, name);
    return knob_line(line, NULL, 0) == 0;
}

KTEST(disk_fail_block_fails_one_block)
{
    struct blkdev *dev = disk("vda");
    struct page *p = alloc_pages(0);
    char *buf = page_to_va(p);

    if (dev == NULL || !get_pages()) {
        free_pages(p, 0);
        return;
    }
    CHECK(turn("fail_block=%s,7,write,once", dev->name));
    CHECK(blk_read(dev, 7 * PER_PAGE, buf, PAGE_SIZE) == 0);
    CHECK(blk_write(dev, 7 * PER_PAGE + 1, buf, SECTOR_SIZE) == -EIO);
    CHECK(blk_write(dev, 7 * PER_PAGE + 1, buf, SECTOR_SIZE) == 0);
    CHECK(turn("fail_block=%s,7", dev->name));
    for (unsigned i = 0; i < MANY; i++)
        prepare(i, BLK_READ);
    sem_init(&all_done, 0);
    for (unsigned i = 0; i < MANY; i++)
        blk_submit(dev, &many[i].r);
    for (unsigned i = 0; i < MANY; i++)
        sem_down(&all_done);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(many[i].ends == 1 && many[i].err == (i == 7 ? -EIO : 0));
    CHECK(turn("fail_block=%s", "off"));
    CHECK(blk_read(dev, 7 * PER_PAGE, buf, PAGE_SIZE) == 0);
    CHECK(!turn("fail_block=%s,1", "nodisk"));
    CHECK(!turn("fail_block=%s,x", dev->name));
    CHECK(!turn("fail_block=%s,1,sometimes", dev->name));
    put_pages();
    free_pages(p, 0);
}

/* The submitter goes on at once; the requests end when their time has come. */
KTEST(disk_slow_io_is_late_and_nobody_sleeps_for_it)
{
    struct blkdev *dev = disk("vda");
    uint64_t start;

    if (dev == NULL || !get_pages())
        return;
    CHECK(knob_set("slow_io", 50) == 0);
    sem_init(&all_done, 0);
    start = time_now();
    for (unsigned i = 0; i < 8; i++) {
        prepare(i, BLK_READ);
        blk_submit(dev, &many[i].r);
    }
    for (unsigned i = 0; i < 8; i++)
        sem_down(&all_done);
    CHECK(time_now() - start >= timebase_hz / 20);
    CHECK(knob_set("slow_io", 0) == 0);
    for (unsigned i = 0; i < 8; i++)
        CHECK(many[i].ends == 1 && many[i].err == 0);
    CHECK(dev->in_flight == 0);
    put_pages();
}
