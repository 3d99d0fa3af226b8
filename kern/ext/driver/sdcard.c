/* sdcard.c: SD cards as disks; a first reader may skip it.
 *
 *     idle --CMD8, ACMD41--> ready --CMD2--> ident --CMD3, 9--> standby --CMD7--> tran
 *     tran --CMD18--> data --CMD12--> tran
 *     tran --CMD25--> rcv  --CMD12--> prg, busy --> tran
 *
 * A thread carries out one chain after the other, in transfers as large as the
 * host takes at once.  A transfer has succeeded if the host and its DMA saw no
 * error, the answer to the stop command has none, and once the card is no longer
 * busy CMD13 finds it in state tran without one.  Else the host is reset, the
 * card is stopped, and if that does not bring it back, the power goes off and on
 * and it is identified anew; then all of the transfer is tried once more.
 *
 * A card that is another one afterwards, or none, is gone until the next boot:
 * what is in memory belongs to the old one.
 *
 * SD Specifications, Part 1, Physical Layer Simplified Specification 6.00,
 * chapters 4.2 to 4.10, 5.  Not proven on hardware yet. */
#include "ext/driver/sdcard.h"

#include "debug/printk.h"
#include <errno.h>
#include <string.h>

#define MAJOR       179 /* as Linux numbers such disks */
#define CARD_HZ     25000000u
#define IF_COND     0x1aau    /* 2.7 to 3.6 V, and a pattern to be sent back */
#define VOLTAGES    0x300000u /* 3.2 to 3.4 V */
#define OCR_READY   (1u << 31)
#define OCR_SECTORS (1u << 30)
#define READY_MS    1200 /* ACMD41 */
#define BUSY_MS     1500
#define TRIES       3

/* 4.10.1: what is an error in a card's status, and where its state is. */
#define STATUS_BAD   0xfdf98008u
#define OUT_OF_RANGE (1u << 31)
#define OLD_COMMAND  (1u << 23 | 1u << 22) /* of the command before this one */
#define STATE(s)     ((s) >> 9 & 15)
#define STATE_TRAN   4

/* --- commands --- */

/* Those without data may be tried again when the line was disturbed. */
static int
command(struct sdcard *c, unsigned index, uint32_t arg,
        enum dwmmc_answer answer, unsigned flags)
{
    int err = -EIO;

    for (unsigned i = 0; i < TRIES && err == -EIO; i++) {
        err = dwmmc_command(c->host, index, arg, answer, flags);
        if (err == -EIO && dwmmc_reset(c->host) != 0)
            break;
    }
    return err;
}

/* ... whose answer is the card's status, in which errors but IGNORED count. */
static int
status_command(struct sdcard *c, unsigned index, uint32_t arg, uint32_t ignored)
{
    int err =
        command(c, index, arg, index == 7 ? ANSWER_BUSY : ANSWER_SHORT, 0);

    if (err == 0 && (c->host->answer[0] & STATUS_BAD & ~ignored))
        err = -EIO;
    return err;
}

static int
app_command(struct sdcard *c, unsigned index, uint32_t arg,
            enum dwmmc_answer answer)
{
    int err = -EIO;

    /* After a disturbance both are due again: the card forgets the first. */
    for (unsigned i = 0; i < TRIES && err == -EIO; i++) {
        err = status_command(c, 55, c->address, OLD_COMMAND);
        if (err == 0)
            err = dwmmc_command(c->host, index, arg, answer, 0);
        if (err == -EIO && dwmmc_reset(c->host) != 0)
            break;
    }
    return err;
}

/* --- identification --- */

static uint32_t
bits(const uint32_t *r, unsigned at, unsigned n)
{
    uint64_t two = r[at / 32];

    if (at / 32 < 3)
        two |= (uint64_t)r[at / 32 + 1] << 32;
    return (uint32_t)(two >> at % 32) & ((1u << n) - 1);
}

/* 5.3: in sectors; 0: it makes no sense. */
static uint64_t
capacity(const uint32_t *csd)
{
    uint32_t length = bits(csd, 80, 4);

    if (bits(csd, 126, 2) == 1)
        return ((uint64_t)bits(csd, 48, 22) + 1) * 1024;
    if (bits(csd, 126, 2) != 0 || length < 9 || length > 11)
        return 0;
    return ((uint64_t)bits(csd, 62, 12) + 1)
           << (bits(csd, 47, 3) + 2) << (length - 9);
}

/* Wait until it has powered itself up.  No answer at all: there is none. */
static int
wake_up(struct sdcard *c)
{
    uint64_t start = time_now(), limit = READY_MS * timebase_hz / 1000;
    uint32_t wants = VOLTAGES;
    int err;

    if (command(c, 0, 0, ANSWER_NONE, DWMMC_FIRST) != 0)
        return -EIO;
    err = command(c, 8, IF_COND, ANSWER_SHORT, 0);
    if (err == 0 && (c->host->answer[0] & 0xfff) == IF_COND)
        wants |= OCR_SECTORS;
    else if (err != -ETIMEDOUT)
        return -EIO;
    while (time_now() - start < limit) {
        err = app_command(c, 41, wants, ANSWER_UNCHECKED);
        if (err != 0)
            return err == -ETIMEDOUT ? -ENODEV : err;
        if (c->host->answer[0] & OCR_READY) {
            c->by_sector = c->host->answer[0] & OCR_SECTORS;
            return 0;
        }
        sleep_ms(10);
    }
    return -EIO;
}

static int
name_card(struct sdcard *c)
{
    if (command(c, 2, 0, ANSWER_LONG, 0) != 0)
        return -EIO;
    memcpy(c->id, c->host->answer, sizeof(c->id));
    if (command(c, 3, 0, ANSWER_SHORT, 0) != 0)
        return -EIO;
    c->address = c->host->answer[0] & 0xffff0000;
    if (c->address == 0 || command(c, 9, c->address, ANSWER_LONG, 0) != 0)
        return -EIO;
    memcpy(c->facts, c->host->answer, sizeof(c->facts));
    return 0;
}

static int
is_ready(struct sdcard *c)
{
    int err = status_command(c, 13, c->address, 0);

    if (err == 0 && STATE(c->host->answer[0]) != STATE_TRAN)
        err = -EIO;
    return err;
}

/* From power on to state tran. */
static int
identify(struct sdcard *c)
{
    bool four = c->host->info->bus_width >= 4;
    int err;

    c->address = 0;
    if ((err = wake_up(c)) != 0 || (err = name_card(c)) != 0)
        return err;
    if (status_command(c, 7, c->address, 0) != 0 ||
        dwmmc_wait_ready(c->host, BUSY_MS) != 0)
        return -EIO;
    if (four && (app_command(c, 6, 2, ANSWER_SHORT) != 0 ||
                 (c->host->answer[0] & STATUS_BAD)))
        return -EIO;
    if (status_command(c, 16, SECTOR_SIZE, 0) != 0)
        return -EIO;
    err = dwmmc_set_bus(c->host, CARD_HZ, four);
    return err != 0 ? err : is_ready(c);
}

/* --- transfers --- */

/* Where in a chain we are. */
struct place {
    struct blk_request *r;
    unsigned seg;
    size_t offset;
    uint64_t sector;
};

/* Put together as much as goes; *P moves behind it. */
static void
collect(struct sdcard *c, struct blk_request *first, struct place *p)
{
    bool write = first->op == BLK_WRITE;

    dwmmc_begin(c->host);
    while (p->r != NULL) {
        const struct blk_seg *s = &p->r->segs[p->seg];
        size_t left = s->size - p->offset;
        size_t n = dwmmc_add(c->host, s->pa + p->offset, left, write);

        p->offset += n;
        if (n < left)
            break;
        p->offset = 0;
        if (++p->seg == p->r->nsegs) {
            p->seg = 0;
            p->r = blk_chain_next(first, p->r);
        }
    }
    p->sector += c->host->size / SECTOR_SIZE;
}

/* CMD12, and the card is back in tran.  Behind the last sector a read may have
 * run out of range already: it reads ahead. */
static int
stop(struct sdcard *c, bool write)
{
    uint32_t ignored = write ? 0 : OUT_OF_RANGE;

    if (dwmmc_command(c->host, 12, 0, ANSWER_BUSY, DWMMC_STOP) != 0 ||
        (c->host->answer[0] & STATUS_BAD & ~ignored) ||
        dwmmc_wait_ready(c->host, BUSY_MS) != 0)
        return -EIO;
    return is_ready(c);
}

static int
transfer_once(struct sdcard *c, bool write, uint64_t sector)
{
    uint64_t at = c->by_sector ? sector : sector << SECTOR_SHIFT;

    if (dwmmc_wait_ready(c->host, BUSY_MS) != 0 ||
        dwmmc_command(c->host, write ? 25 : 18, (uint32_t)at, ANSWER_SHORT,
                      write ? DWMMC_WRITE : DWMMC_READ) != 0 ||
        (c->host->answer[0] & STATUS_BAD))
        return -EIO;
    return stop(c, write);
}

/* --- recovery --- */

static int
identify_anew(struct sdcard *c)
{
    struct sdcard old = *c;
    int err = dwmmc_power_cycle(c->host);

    if (err == 0)
        err = identify(c);
    if (err == 0 && (memcmp(old.id, c->id, sizeof(c->id)) != 0 ||
                     memcmp(old.facts, c->facts, sizeof(c->facts)) != 0))
        err = -ENODEV;
    memcpy(c->id, old.id, sizeof(c->id));
    memcpy(c->facts, old.facts, sizeof(c->facts));
    return err;
}

/* After it the DMA is still, and the card in tran; or it is gone. */
static int
recover(struct sdcard *c)
{
    int err = dwmmc_reset(c->host);

    if (err == 0) {
        /* It may be anywhere; that it does not listen shows in the end. */
        (void)!dwmmc_command(c->host, 12, 0, ANSWER_BUSY, DWMMC_STOP);
        if (dwmmc_wait_ready(c->host, BUSY_MS) == 0 &&
            status_command(c, 13, c->address, STATUS_BAD) == 0 &&
            STATE(c->host->answer[0]) == STATE_TRAN)
            return 0;
    }
    for (unsigned i = 0; i < TRIES; i++) {
        err = identify_anew(c);
        if (err == 0)
            return 0;
    }
    return err;
}

static void
give_up(struct sdcard *c)
{
    cprintf("%s: the card is gone, or another one\n", c->dev.name);
    dwmmc_off(c->host);
    spin_lock(&c->dev.lock);
    c->gone = true;
    c->dev.broken = true;
    spin_unlock(&c->dev.lock);
}

static int
transfer_piece(struct sdcard *c, struct blk_request *first, struct place *p)
{
    bool write = first->op == BLK_WRITE;
    struct place from = *p;

    for (unsigned i = 0; i < TRIES; i++) {
        *p = from;
        collect(c, first, p);
        if (transfer_once(c, write, from.sector) == 0) {
            if (!write)
                dwmmc_deliver(c->host);
            return 0;
        }
        if (recover(c) != 0) {
            give_up(c);
            return -EIO;
        }
    }
    return -EIO;
}

static int
carry_out(struct sdcard *c, struct blk_request *first)
{
    struct place p = {.r = first, .sector = first->at};
    int err = c->gone ? -EIO : 0;

    while (err == 0 && p.r != NULL)
        err = transfer_piece(c, first, &p);
    return err;
}

/* --- the disk --- */

static void
sdcard_start(struct blkdev *dev, struct blk_request *first)
{
    struct sdcard *c = dev->host;

    spin_lock(&c->wq.lock);
    c->chain = first;
    wait_wake_all(&c->wq);
    spin_unlock(&c->wq.lock);
}

void
sdcard_serve(struct sdcard *c)
{
    struct blk_request *first;
    int err;

    spin_lock(&c->wq.lock);
    while (c->chain == NULL)
        wait_sleep(&c->wq);
    first = c->chain;
    c->chain = NULL;
    spin_unlock(&c->wq.lock);
    err = carry_out(c, first);
    spin_lock(&c->dev.lock);
    blk_ended(&c->dev, first, err);
    spin_unlock(&c->dev.lock);
    blk_kick(&c->dev);
}

/* Every end of a chain comes from the thread, which has deadlines of its own. */
static const struct blk_ops sdcard_ops = {.start = sdcard_start};

int
sdcard_init(struct sdcard *c, struct dwmmc *host, const char *name)
{
    int err = -EIO;

    *c = (struct sdcard){.host = host};
    wait_init(&c->wq);
    for (unsigned i = 0; i < TRIES && err != 0; i++) {
        err = i == 0 ? 0 : dwmmc_power_cycle(host);
        if (err == 0)
            err = identify(c);
    }
    if (err != 0)
        return err;
    memcpy(c->dev.name, name, MIN(strlen(name) + 1, sizeof(c->dev.name) - 1));
    c->dev.major = MAJOR;
    c->dev.nsectors = capacity(c->facts);
    c->dev.readonly = bits(c->facts, 12, 2) != 0;
    c->dev.block_size = SECTOR_SIZE;
    c->dev.max_segs = DWMMC_PIECES;
    c->dev.depth = 1;
    c->dev.ops = &sdcard_ops;
    c->dev.host = c;
    if (c->dev.nsectors == 0)
        return -EIO;
    blk_register(&c->dev);
    return 0;
}
