/* blk_faults.c: replaces blk_fault() of driver/blk.c; a first reader may skip it.
 *
 * A slow request waits here, in the order in which they came, before it is
 * queued; one timeout is set for the first of them.  Nobody sleeps for it. */
#include "ext/driver/blk_faults.h"
#include "driver/blk.h"
#include <errno.h>
#include <string.h>

#define FAULTS_MAX 8
#define BLOCK      (4096u / SECTOR_SIZE)

struct fault {
    char dev[16]; /* "": none */
    uint64_t block;
    bool read, write, once;
};

unsigned blk_slow_ms;
static struct spinlock lock = SPINLOCK_INIT(RANK_BLOCK);
static struct fault faults[FAULTS_MAX];    /* [lock] */
static bool any;                           /* [a] a fault is set */
static struct list held = LIST_INIT(held); /* [lock] */
static bool armed;                         /* [lock] */
static struct timeout release;

/* --- bad blocks --- */

static bool
hits(const struct fault *f, const struct blkdev *dev, uint64_t sector,
     const struct blk_request *r)
{
    return strcmp(f->dev, dev->name) == 0 &&
           (r->op == BLK_READ ? f->read : f->write) &&
           sector < (f->block + 1) * BLOCK &&
           f->block * BLOCK < sector + r->nsectors;
}

/* On the disk it was given to, or on the one that is a part of. */
static bool
is_bad(struct blkdev *dev, const struct blk_request *r)
{
    bool bad = false;

    if (r->op == BLK_FLUSH || !atomic_load(&any))
        return false;
    spin_lock(&lock);
    for (struct fault *f = faults; f < faults + FAULTS_MAX && !bad; f++) {
        bad = hits(f, dev, r->sector, r) ||
              (dev->whole != NULL && hits(f, dev->whole, r->at, r));
        if (bad && f->once)
            f->dev[0] = 0;
    }
    spin_unlock(&lock);
    return bad;
}

/* Cut the next word off TEXT, which may be at most N - 1 bytes. */
static bool
next_word(const char **text, char *word, size_t n)
{
    size_t len = 0;

    while ((*text)[len] != ',' && (*text)[len] != 0)
        len++;
    if (len == 0 || len >= n)
        return false;
    memcpy(word, *text, len);
    word[len] = 0;
    *text += len + ((*text)[len] == ',');
    return true;
}

static const char *
parse(const char *text, struct fault *f)
{
    const char *wants = "wants DEV,BLOCK[,read|write][,once], or off", *end;
    char word[24];

    *f = (struct fault){.read = true, .write = true};
    if (!next_word(&text, f->dev, sizeof(f->dev)))
        return wants;
    if (blk_find(f->dev) == NULL)
        return "there is no such disk";
    if (!next_word(&text, word, sizeof(word)))
        return wants;
    f->block = strtoull_simple(word, &end);
    if (*end != 0)
        return wants;
    while (*text != 0) {
        if (!next_word(&text, word, sizeof(word)))
            return wants;
        if (strcmp(word, "read") == 0)
            f->write = false;
        else if (strcmp(word, "write") == 0)
            f->read = false;
        else if (strcmp(word, "once") == 0)
            f->once = true;
        else
            return wants;
    }
    return NULL;
}

const char *
blk_fail_block(const char *text)
{
    const char *wrong = NULL;
    struct fault new, *f = faults;
    bool off = strcmp(text, "off") == 0;

    if (!off)
        wrong = parse(text, &new);
    if (wrong != NULL)
        return wrong;
    spin_lock(&lock);
    if (off)
        memset(faults, 0, sizeof(faults));
    while (!off && f < faults + FAULTS_MAX && f->dev[0] != 0)
        f++;
    if (f == faults + FAULTS_MAX)
        wrong = "there are too many already";
    else if (!off)
        *f = new;
    atomic_store(&any, !off);
    spin_unlock(&lock);
    return wrong;
}

/* --- slow disks --- */

static void release_due(struct timeout *t);

/* => lock held */
static void
arm(void)
{
    if (armed || list_empty(&held))
        return;
    armed = true;
    timeout_arm(&release, list_first(&held, struct blk_request, link)->started,
                release_due);
}

static void
release_due(struct timeout *t)
{
    uint64_t now = time_now();
    struct blk_request *r;
    struct blkdev *dev;

    for (;;) {
        spin_lock(&lock);
        armed = false;
        r = list_first(&held, struct blk_request, link);
        if (list_empty(&held) || r->started > now)
            break;
        list_del(&r->link);
        armed = true; /* we come back */
        spin_unlock(&lock);
        dev = r->dev;
        blk_enqueue(r);
        blk_kick(dev);
    }
    arm();
    spin_unlock(&lock);
}

int
blk_fault(struct blkdev *dev, struct blk_request *r)
{
    unsigned ms = atomic_load(&blk_slow_ms);

    if (is_bad(dev, r))
        return -EIO;
    if (ms == 0)
        return 0;
    spin_lock(&lock);
    r->started = time_now() + ms * timebase_hz / 1000;
    list_add_tail(&held, &r->link);
    arm();
    spin_unlock(&lock);
    return 1;
}
