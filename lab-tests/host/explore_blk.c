/* explore_blk.c: submitters, the interrupt and the watch of one disk, over all
 * schedules with at most two preemptions.
 *
 * The kernel's blk.c runs on the model of the scheduler (explore/model.h), with
 * a disk that ends a chain whenever its hart gets to it.  Each request must end
 * once, with the right answer, and nothing may stay behind. */
#include "explore/explore.h"

#include <atomic.h>
#include <list.h>

#include "explore/model.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "kern/sync/wait.c"
#include "libs/avl.c"
#define program timer_program
#include "kern/schedule/timeout.c"
#undef program

uintptr_t dmap_base; /* nobody looks at the memory of a request */
paddr_t kernel_pa;

/* Lists are plain memory, which the explorer does not see; so the place between
 * "where?" and "there" is a point. */
#define list_add(at, node) (EXPLORE_POINT("list_add"), list_add(at, node))
#include "kern/driver/blk.c"
#undef list_add

#define NREQ 3

static struct blkdev dev;
static struct blk_request *flight[2];
static struct blk_request req[NREQ];
static struct blk_seg seg[NREQ] = {{0, 512}, {512, 512}, {1024, 512}};
static unsigned ends[NREQ], inside, resets;
static int errs[NREQ];
static bool quiet; /* the disk answers nothing */

static void
disk_start(struct blkdev *d, struct blk_request *first)
{
    unsigned i = flight[0] != NULL;

    if (++inside != 1)
        explore_fail("two harts start chains at once");
    EXPLORE_POINT("start");
    if (flight[i] != NULL)
        explore_fail("more in flight than the disk takes");
    flight[i] = first;
    inside--;
}

static int
disk_reset(struct blkdev *d)
{
    flight[0] = flight[1] = NULL;
    resets++;
    return 0;
}

static const struct blk_ops disk_ops = {.start = disk_start,
                                        .reset = disk_reset};

/* What the interrupt handler of a driver does. */
static void
disk_interrupt(void)
{
    spin_lock(&dev.lock);
    for (unsigned i = 0; i < 2 && !quiet; i++) {
        struct blk_request *first = flight[i];

        flight[i] = NULL;
        if (first != NULL)
            blk_ended(&dev, first, 0);
    }
    spin_unlock(&dev.lock);
    blk_kick(&dev);
}

static void
request_ended(struct blk_request *r, int err)
{
    unsigned i = (unsigned)(r - req);

    EXPLORE_POINT("done");
    errs[i] = err;
    if (ends[i]++ != 0)
        explore_fail("a request ended twice");
}

static void
setup(void)
{
    timebase_hz = 1000;
    blk_patience = 50;
    dev = (struct blkdev){.name = "vda",
                          .nsectors = 64,
                          .block_size = SECTOR_SIZE,
                          .max_segs = 2,
                          .depth = 2,
                          .ops = &disk_ops};
    spin_init(&dev.lock,
              RANK_BLOCK); /* no thread runs yet: no blk_register() */
    list_init(&dev.ahead);
    list_init(&dev.behind);
    list_init(&dev.flushes);
    list_init(&dev.flying);
    list_init(&dev.ended);
    for (unsigned i = 0; i < NREQ; i++)
        req[i] = (struct blk_request){.op = BLK_READ,
                                      .sector = i,
                                      .segs = &seg[i],
                                      .nsegs = 1,
                                      .done = request_ended};
    EXPLORE_NAME(dev);
}

static bool
all_ended(void)
{
    for (unsigned i = 0; i < NREQ; i++) {
        if (ends[i] == 0)
            return false;
    }
    return true;
}

/* The disk has something to do, or never again. */
static bool
something_flies(void *arg)
{
    return flight[0] != NULL || flight[1] != NULL || all_ended();
}

/* Harts 0 and 1 submit, hart 2 is the disk's interrupt. */
static void
body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        blk_add(&dev, &req[0]);
        blk_submit(&dev, &req[1]);
    } else if (hart == 1) {
        blk_submit(&dev, &req[2]);
    } else {
        while (!all_ended()) {
            explore_wait("in flight", something_flies, NULL);
            disk_interrupt();
        }
    }
}

static void
at_rest(void)
{
    for (unsigned i = 0; i < NREQ; i++) {
        if (ends[i] != 1 || errs[i] != 0)
            explore_fail("request %u ended %u times, with %d", i, ends[i],
                         errs[i]);
    }
    assert(dev.in_flight == 0 && list_empty(&dev.flying));
    assert(list_empty(&dev.ahead) && list_empty(&dev.behind));
    assert(list_empty(&dev.ended) && resets == 0);
}

/* --- the watch rings while the disk answers after all --- */

static bool
first_flies(void *arg)
{
    return flight[0] != NULL || ends[0] != 0;
}

static void
late_body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        blk_submit(&dev, &req[0]);
    } else {
        explore_wait("in flight", first_flies, NULL);
        if (hart == 1)
            disk_interrupt();
    }
}

static void
late_check(void)
{
    if (ends[0] != 1 || errs[0] != (resets ? -ETIMEDOUT : 0))
        explore_fail("ended %u times, with %d", ends[0], errs[0]);
    assert(dev.in_flight == 0 && list_empty(&dev.flying));
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SUBMIT    .setup = setup, .body = body, .check = at_rest, .frozen = true
#define LATE                                                                \
    .setup = setup, .body = late_body, .check = late_check, .timers = true, \
    .timer_interrupt = timeout_interrupt

static const struct explore_test tests[] = {
    {"blk-submit-and-end", 3, SUBMIT},
    {"blk-late-answer", 2, LATE},
    {"blk-mutant-start-unlocked", 3, SUBMIT,
     .skip = SKIP("blk_kick/spin_lock", "blk_kick/spin_unlock"), .expect = ""},
    {"blk-mutant-end-unlocked", 3, SUBMIT,
     .skip = SKIP("disk_interrupt/spin_lock", "disk_interrupt/spin_unlock"),
     .expect = ""},
    {"blk-mutant-add-unlocked", 3, SUBMIT,
     .skip = SKIP("blk_enqueue/spin_lock", "blk_enqueue/spin_unlock"),
     .expect = ""},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_blk", tests, ARRAY_LEN(tests));
}
