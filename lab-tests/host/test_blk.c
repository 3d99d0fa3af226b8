/* test_blk.c: the queue in front of a disk, against a disk made of code that
 * ends chains in any order, with errors, or never. */
#include "driver_fake.h"

#include "kern/driver/blk.c"

#define SECTORS  4096u
#define MAX_SEGS 8u
#define DEPTH    4u

uint64_t timebase_hz = 1000000;

static struct timeout *armed; /* the watch */

void
timeout_arm(struct timeout *t, uint64_t deadline,
            void (*fire)(struct timeout *))
{
    CHECK(armed == NULL);
    armed = t;
    t->deadline = deadline;
    t->fire = fire;
}

/* --- the disk --- */

static uint8_t contents[SECTORS * SECTOR_SIZE];
static struct blkdev dev;
static struct blk_request *flight[DEPTH];
static unsigned nflight, nstarts, resets;
static uint64_t starts[8192]; /* first sectors, in order */
static uint64_t bad_sector;   /* reading or writing it fails */
static bool reset_fails, instant;

static void
model_start(struct blkdev *d, struct blk_request *first)
{
    unsigned segs = 0;
    uint64_t at = first->at;

    CHECK(d->lock.held && nflight < DEPTH);
    blk_chain_for_each(r, first)
    {
        CHECK(r->op == first->op);
        CHECK(r->op == BLK_FLUSH || r->at == at);
        at += r->nsectors;
        segs += r->nsegs;
    }
    CHECK(segs <= MAX_SEGS && segs == first->chain_segs);
    starts[nstarts++ % ARRAY_LEN(starts)] = first->at;
    flight[nflight++] = first;
}

static int
model_reset(struct blkdev *d)
{
    CHECK(d->lock.held);
    resets++;
    nflight = 0;
    return reset_fails ? -EIO : 0;
}

/* What the chain FIRST does to the contents; 0 or -EIO. */
static int
model_transfer(struct blk_request *first)
{
    uint64_t end = first->at;

    blk_chain_for_each(r, first) end += r->nsectors;
    if (first->at <= bad_sector && bad_sector < end)
        return -EIO;
    blk_chain_for_each(r, first)
    {
        uint8_t *at = contents + r->at * SECTOR_SIZE;

        for (unsigned i = 0; i < r->nsegs; at += r->segs[i++].size) {
            if (r->op == BLK_READ)
                memcpy(pa_to_va(r->segs[i].pa), at, r->segs[i].size);
            else
                memcpy(at, pa_to_va(r->segs[i].pa), r->segs[i].size);
        }
    }
    return 0;
}

/* Chain I in flight ends.  => lock held */
static void
model_end(unsigned i)
{
    struct blk_request *first = flight[i];

    flight[i] = flight[--nflight];
    blk_ended(&dev, first, model_transfer(first));
}

static void
finish(unsigned i)
{
    spin_lock(&dev.lock);
    model_end(i);
    spin_unlock(&dev.lock);
    blk_kick(&dev);
}

static void
finish_all(void)
{
    while (nflight > 0)
        finish(nflight - 1);
}

/* For the disk that needs the caller's hands. */
static bool
model_work(struct blkdev *d)
{
    CHECK(!d->lock.held);
    if (!instant || nflight == 0)
        return false;
    spin_lock(&d->lock);
    model_end(0);
    spin_unlock(&d->lock);
    return true;
}

static const struct blk_ops model_ops = {
    .start = model_start, .work = model_work, .reset = model_reset};

static void
plug_in(void)
{
    list_init(&all_disks); /* there is no way to take one out */
    dev = (struct blkdev){.name = "vda",
                          .nsectors = SECTORS,
                          .block_size = SECTOR_SIZE,
                          .max_segs = MAX_SEGS,
                          .depth = DEPTH,
                          .volatile_cache = true,
                          .ops = &model_ops};
    blk_register(&dev);
    armed = NULL;
    nflight = nstarts = resets = 0;
    bad_sector = UINT64_MAX;
    reset_fails = instant = false;
    fake_world = finish_all;
    fake_out_clear();
}

/* --- requests --- */

#define MANY 512

static struct {
    struct blk_request r;
    struct blk_seg seg;
    uint8_t buf[8 * SECTOR_SIZE];
    int err;
    unsigned ends;
} many[MANY];
static unsigned nended;

static void
ended(struct blk_request *r, int err)
{
    unsigned i = (unsigned)(uintptr_t)r->arg;

    CHECK(!dev.lock.held && list_empty(&r->link));
    many[i].err = err;
    many[i].ends++;
    nended++;
}

static struct blk_request *
ask(unsigned i, enum blk_op op, uint64_t sector, unsigned nsectors)
{
    many[i].seg =
        (struct blk_seg){va_to_pa(many[i].buf), nsectors * SECTOR_SIZE};
    many[i].ends = 0;
    many[i].err = 1;
    many[i].r = (struct blk_request){.op = op,
                                     .sector = sector,
                                     .segs = &many[i].seg,
                                     .nsegs = op == BLK_FLUSH ? 0 : 1,
                                     .done = ended,
                                     .arg = (void *)(uintptr_t)i};
    return &many[i].r;
}

static void
waiting_calls(void)
{
    static uint8_t out[4096], in[4096];

    plug_in();
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 7);
    CHECK(blk_write(&dev, 24, out, sizeof(out)) == 0);
    CHECK(blk_read(&dev, 24, in, sizeof(in)) == 0);
    CHECK(memcmp(in, out, sizeof(in)) == 0);
    CHECK(blk_flush(&dev) == 0);
    CHECK(dev.requests[BLK_READ] == 1 && dev.requests[BLK_WRITE] == 1);
    CHECK(dev.requests[BLK_FLUSH] == 1 && dev.sectors[BLK_READ] == 8);
    bad_sector = 25;
    CHECK(blk_read(&dev, 24, in, sizeof(in)) == -EIO);
    dev.volatile_cache = false;
    CHECK(blk_flush(&dev) == 0 && dev.requests[BLK_FLUSH] == 1);
}

static void
refusals(void)
{
    static uint8_t buf[8192];

    plug_in();
    CHECK(blk_read(&dev, SECTORS, buf, 512) == -ENOSPC);
    CHECK(blk_read(&dev, SECTORS - 1, buf, 1024) == -ENOSPC);
    CHECK(blk_read(&dev, UINT64_MAX, buf, 512) == -ENOSPC);
    CHECK(blk_read(&dev, 0, buf, 0) == -EINVAL);
    CHECK(blk_read(&dev, 0, buf, 100) == -EINVAL);
    CHECK(blk_read(&dev, 0, buf, 1ul << 33) == -EINVAL);
    dev.block_size = 4096;
    CHECK(blk_read(&dev, 8, buf, 4096) == 0);
    CHECK(blk_read(&dev, 4, buf, 4096) == -EINVAL);
    CHECK(blk_read(&dev, 8, buf, 512) == -EINVAL);
    dev.readonly = true;
    CHECK(blk_write(&dev, 8, buf, 4096) == -EROFS);
    ask(0, BLK_READ, 0, 8);
    many[0].r.nsegs = MAX_SEGS + 1;
    blk_submit(&dev, &many[0].r);
    CHECK(many[0].ends == 1 && many[0].err == -EINVAL);
    CHECK(nstarts == 1);
}

/* Neighbours are joined, up to max_segs; others are not. */
static void
joining(void)
{
    plug_in();
    for (unsigned i = 20; i-- > 0;)
        blk_add(&dev, ask(i, BLK_READ, i, 1));
    blk_add(&dev, ask(20, BLK_WRITE, 20, 1));
    blk_add(&dev, ask(21, BLK_READ, 22, 1));
    CHECK(nstarts == 0);
    blk_kick(&dev);
    CHECK(nstarts == 4 && nflight == DEPTH);
    CHECK(starts[0] == 0 && starts[1] == 8 && starts[2] == 16);
    CHECK(starts[3] == 20);
    finish(0);
    CHECK(nstarts == 5 && starts[4] == 22);
    finish_all();
    for (unsigned i = 0; i < 22; i++)
        CHECK(many[i].ends == 1 && many[i].err == 0);
    CHECK(dev.requests[BLK_READ] == 4 && dev.merged[BLK_READ] == 17);
    CHECK(dev.sectors[BLK_READ] == 21 && dev.in_flight == 0);
}

/* One sweep after the other: a stream of requests ahead of the head does not
 * keep one behind it waiting for ever. */
static void
sweeping(void)
{
    plug_in();
    for (unsigned i = 0; i < DEPTH; i++)
        blk_submit(&dev, ask(i, BLK_READ, 1000 + 10 * i, 1));
    blk_add(&dev, ask(10, BLK_READ, 5, 1));
    blk_add(&dev, ask(11, BLK_READ, 2000, 1));
    blk_add(&dev, ask(12, BLK_READ, 1500, 1));
    blk_add(&dev, ask(13, BLK_READ, 1, 1));
    blk_kick(&dev);
    CHECK(nstarts == DEPTH);
    finish(0);
    blk_submit(&dev, ask(14, BLK_READ, 1400, 1)); /* behind 1500: too late */
    finish_all();
    CHECK(starts[4] == 1500 && starts[5] == 2000);
    CHECK(starts[6] == 1 && starts[7] == 5 && starts[8] == 1400);
}

static void
flushes_are_one(void)
{
    plug_in();
    for (unsigned i = 0; i < DEPTH; i++)
        blk_submit(&dev, ask(i, BLK_WRITE, 10 * i, 1));
    blk_submit(&dev, ask(8, BLK_WRITE, 500, 1));
    blk_submit(&dev, ask(9, BLK_FLUSH, 0, 0));
    blk_submit(&dev, ask(10, BLK_FLUSH, 0, 0));
    nended = 0;
    finish(0);
    CHECK(nended == 1 && flight[nflight - 1]->op == BLK_FLUSH);
    finish(nflight - 1);
    CHECK(many[9].ends == 1 && many[10].ends == 1);
    CHECK(dev.requests[BLK_FLUSH] == 1 && dev.merged[BLK_FLUSH] == 1);
    finish_all();
}

/* A bad sector fails the request that wanted it and no neighbour. */
static void
one_bad_sector(void)
{
    plug_in();
    bad_sector = 13;
    for (unsigned i = 0; i < 32; i++)
        blk_add(&dev, ask(i, BLK_READ, i, 1));
    blk_kick(&dev);
    finish_all();
    for (unsigned i = 0; i < 32; i++)
        CHECK(many[i].ends == 1 && many[i].err == (i == 13 ? -EIO : 0));
    CHECK(resets == 0);
}

/* --- a disk that does not answer --- */

static void
watch_rings(void)
{
    struct timeout *t = armed;

    CHECK(t != NULL);
    armed = NULL;
    fake_time = MAX(fake_time, t->deadline);
    t->fire(t);
}

static void
no_answer(void)
{
    plug_in();
    for (unsigned i = 0; i < 6; i++)
        blk_submit(&dev, ask(i, BLK_READ, 10 * i, 1));
    /* The oldest comes late, but it comes; the others have a while left. */
    fake_time += blk_patience * timebase_hz / 1000 / 2;
    finish(0);
    finish(0);
    CHECK(many[0].ends == 1 && many[1].ends + many[3].ends == 1);
    watch_rings();
    CHECK(resets == 0 && nflight == DEPTH);
    watch_rings();
    CHECK(resets == 1 && nflight == 0 && dev.in_flight == 0);
    for (unsigned i = 0; i < 6; i++)
        CHECK(many[i].ends == 1 &&
              (many[i].err == 0 || many[i].err == -ETIMEDOUT));
    CHECK(strcmp(fake_out, "vda: no answer, the disk is reset\n") == 0);
    /* And it works again. */
    CHECK(blk_read(&dev, 0, many[9].buf, 512) == 0);
    watch_rings();
    CHECK(armed == NULL && resets == 1);
}

static void
no_way_back(void)
{
    plug_in();
    reset_fails = true;
    for (unsigned i = 0; i < 9; i++)
        blk_submit(&dev, ask(i, BLK_READ, 10 * i, 1));
    blk_submit(&dev, ask(9, BLK_FLUSH, 0, 0));
    watch_rings();
    for (unsigned i = 0; i < 10; i++)
        CHECK(many[i].ends == 1 &&
              many[i].err == (i < DEPTH ? -ETIMEDOUT : -EIO));
    CHECK(blk_read(&dev, 0, many[0].buf, 512) == -EIO);
    CHECK(nstarts == DEPTH && resets == 1 && dev.in_flight == 0);
}

/* --- partitions --- */

static void
partitions(void)
{
    static struct blkdev part = {.name = "vda1",
                                 .nsectors = 100,
                                 .block_size = SECTOR_SIZE,
                                 .whole = &dev,
                                 .first_sector = 64};
    static uint8_t buf[1024];

    plug_in();
    blk_register(&part);
    CHECK(blk_find("vda1") == &part && blk_find("vda") == &dev);
    CHECK(blk_find("vdb") == NULL && blk_next(&part) == NULL);
    memset(contents + 64 * 512, 0x5a, 512);
    CHECK(blk_read(&part, 0, buf, 512) == 0 && buf[0] == 0x5a);
    CHECK(blk_write(&part, 99, buf, 512) == 0);
    CHECK(contents[163 * 512] == 0x5a);
    CHECK(blk_write(&part, 99, buf, 1024) == -ENOSPC);
    CHECK(blk_read(&part, 100, buf, 512) == -ENOSPC);
    CHECK(blk_flush(&part) == 0);
    CHECK(part.requests[BLK_READ] == 1 && part.sectors[BLK_WRITE] == 1);
    CHECK(dev.requests[BLK_READ] == 1 && dev.requests[BLK_FLUSH] == 1);
}

/* --- work is done by who asks, and done() asks for more --- */

static unsigned left;

static void
ask_more(struct blk_request *r, int err)
{
    CHECK(err == 0);
    if (left-- > 1) {
        ask(0, BLK_READ, left % SECTORS, 1);
        many[0].r.done = ask_more;
        blk_add(&dev, &many[0].r);
    }
}

static void
more_from_done(void)
{
    plug_in();
    instant = true;
    left = 100000; /* not that deep a stack */
    ask(0, BLK_READ, 0, 1);
    many[0].r.done = ask_more;
    blk_submit(&dev, &many[0].r);
    CHECK(left == 0 && dev.requests[BLK_READ] == 100000);
}

/* --- at random --- */

static uint8_t shadow[SECTORS * SECTOR_SIZE];
static uint8_t owner[SECTORS]; /* a request for it is in flight */

static uint64_t
some(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void
pick(unsigned i, uint64_t *state)
{
    unsigned n = 1 + (unsigned)(some(state) % 4);
    uint64_t at = some(state) % 256;
    enum blk_op op = (enum blk_op)(some(state) % 2);

    for (uint64_t s = at; s < at + n; s++) {
        if (owner[s])
            return;
    }
    memset(owner + at, 1, n);
    ask(i, op, at, n);
    for (unsigned b = 0; b < n * SECTOR_SIZE; b++)
        many[i].buf[b] = (uint8_t)some(state);
    if (op == BLK_WRITE)
        memcpy(shadow + at * SECTOR_SIZE, many[i].buf, n * SECTOR_SIZE);
    if (some(state) % 2)
        blk_submit(&dev, &many[i].r);
    else
        blk_add(&dev, &many[i].r);
}

static void
collect(unsigned i)
{
    const struct blk_request *r = &many[i].r;

    if (r->done == NULL || many[i].ends == 0)
        return;
    CHECK(many[i].ends == 1 && many[i].err == 0);
    CHECK(memcmp(many[i].buf, shadow + r->sector * SECTOR_SIZE,
                 many[i].seg.size) == 0);
    memset(owner + r->sector, 0, r->nsectors);
    many[i].r.done = NULL;
}

static void
at_random(void)
{
    uint64_t state = 88172645463325252;

    plug_in();
    memcpy(shadow, contents, sizeof(shadow));
    memset(many, 0, sizeof(many));
    for (unsigned n = 0; n < 200000; n++) {
        unsigned i = (unsigned)(some(&state) % 64);

        collect(i);
        if (many[i].r.done == NULL)
            pick(i, &state);
        if (nflight > 0 && some(&state) % 3 == 0)
            finish((unsigned)(some(&state) % nflight));
    }
    blk_kick(&dev);
    finish_all();
    for (unsigned i = 0; i < 64; i++)
        collect(i);
    for (unsigned s = 0; s < SECTORS; s++)
        CHECK(owner[s] == 0);
    CHECK(memcmp(shadow, contents, sizeof(shadow)) == 0);
    CHECK(dev.merged[BLK_READ] > 0 && dev.in_flight == 0);
}

int
main(void)
{
    RUN(waiting_calls);
    RUN(refusals);
    RUN(joining);
    RUN(sweeping);
    RUN(flushes_are_one);
    RUN(one_bad_sector);
    RUN(no_answer);
    RUN(no_way_back);
    RUN(partitions);
    RUN(more_from_done);
    RUN(at_random);
    return test_summary("test_blk");
}
