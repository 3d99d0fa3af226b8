/* swap_space.c: adds swap devices on disks to mm/swapslot.c, and the list of all; a
 * first reader may skip it.
 *
 *     swap_io(slot, n pages) -> page slot + 1 of the space -> piece -> sector
 *
 * Pages whose sectors follow each other are one request, and the requests of one
 * call are under way together.  All that a call needs is on its stack: it is made when
 * there is no memory. */
#include "ext/mm/swap_space.h"

#include "mm/kmalloc.h"
#include "sync/mutex.h"
#include <errno.h>
#include <printfmt.h>
#include <string.h>

#define PER_PAGE (PAGE_SIZE / SECTOR_SIZE)
#define AT_ONCE  32u /* pages */
#define REQUESTS 8u

/* --- between pages and a disk --- */

struct transfer {
    struct wait_queue wq;
    unsigned pending; /* [wq.lock] */
    int err;          /* [wq.lock] */
    struct blk_seg segs[AT_ONCE];
    struct blk_request r[REQUESTS];
};

static void
request_done(struct blk_request *r, int err)
{
    struct transfer *t = r->arg;

    spin_lock(&t->wq.lock);
    if (err != 0)
        t->err = -EIO;
    if (--t->pending == 0)
        wait_wake_all(&t->wq);
    spin_unlock(&t->wq.lock);
}

/* Where page AT of S lies, and how many from there on lie together, at most N. */
static uint64_t
sector_of(const struct swap_space *s, uint64_t at, unsigned *n)
{
    unsigned low = 0, high = s->npieces;

    while (high - low > 1) {
        unsigned mid = (low + high) / 2;

        if (s->pieces[mid].first <= at)
            low = mid;
        else
            high = mid;
    }
    if (high < s->npieces)
        *n = (unsigned)MIN((uint64_t)*n, s->pieces[high].first - at);
    *n = MIN(*n, s->disk->max_segs);
    return s->pieces[low].sector + (at - s->pieces[low].first) * PER_PAGE;
}

/* As many of the N pages from AT on as go at once.  Returns how many. */
static unsigned
begin(struct swap_space *s, struct transfer *t, enum blk_op op, uint64_t at,
      struct page **pages, unsigned n)
{
    unsigned done = 0;

    n = MIN(n, AT_ONCE);
    while (done < n && t->pending < REQUESTS) {
        struct blk_request *r = &t->r[t->pending++];
        unsigned len = n - done;
        uint64_t sector = sector_of(s, at + done, &len);

        for (unsigned i = done; i < done + len; i++)
            t->segs[i] = (struct blk_seg){page_to_pa(pages[i]), PAGE_SIZE};
        *r = (struct blk_request){.op = op,
                                  .sector = sector,
                                  .segs = &t->segs[done],
                                  .nsegs = len,
                                  .done = request_done,
                                  .arg = t};
        done += len;
    }
    return done;
}

static int
space_pages(struct swap_space *s, enum blk_op op, uint64_t at,
            struct page **pages, unsigned n)
{
    struct transfer t = {.err = 0};

    wait_init(&t.wq);
    while (n > 0 && t.err == 0) {
        unsigned now = begin(s, &t, op, at, pages, n), nr = t.pending;

        for (unsigned i = 0; i < nr; i++)
            blk_add(s->disk, &t.r[i]);
        blk_kick(s->disk);
        spin_lock(&t.wq.lock);
        while (t.pending > 0)
            wait_sleep(&t.wq);
        spin_unlock(&t.wq.lock);
        at += now;
        pages += now;
        n -= now;
    }
    return t.err;
}

static int
disk_io(struct swap_dev *dev, bool write, uint64_t slot, struct page **pages,
        unsigned n)
{
    struct swap_space *s = container_of(dev, struct swap_space, dev);

    return space_pages(s, write ? BLK_WRITE : BLK_READ, slot + 1, pages, n);
}

/* --- the header --- */

#define SIGNATURE      "SWAPSPACE2" /* the last ten bytes of the page */
#define SIGNATURE_SIZE 10u

struct header { /* mkswap(8) */
    char for_boot_loaders[1024];
    uint32_t version, last_page, nbad;
};

/* How many pages the header of S counts, all of which are among PAGES.  One with bad
 * pages is refused: disks mend their own today. */
static int
read_header(struct swap_space *s, uint64_t pages, uint64_t *count)
{
    struct page *page = alloc_pages(0);
    const struct header *h;
    const char *sign;
    int err;

    if (page == NULL)
        return -ENOMEM;
    h = page_to_va(page);
    sign = (const char *)h + PAGE_SIZE - SIGNATURE_SIZE;
    err = space_pages(s, BLK_READ, 0, &page, 1);
    if (err == 0 &&
        (memcmp(sign, SIGNATURE, SIGNATURE_SIZE) != 0 || h->version != 1 ||
         h->last_page == 0 || h->last_page >= pages || h->nbad != 0))
        err = -EINVAL;
    *count = h->last_page + 1ul;
    page_put(page);
    return err;
}

/* --- the list --- */

static struct mutex lock = {
    .wq = {SPINLOCK_INIT(RANK_WAIT), LIST_INIT(lock.wq.sleepers)},
    .rank = RANK_DEVICE,
};
static struct list spaces = LIST_INIT(spaces);
static int lowest = -1;

void
swap_space_each(void (*fn)(const struct swap_space *s, void *arg), void *arg)
{
    mutex_lock(&lock);
    list_for_each_entry (s, &spaces, struct swap_space, all)
        fn(s, arg);
    mutex_unlock(&lock);
}

int
swap_space_add(struct swap_space *s, uint64_t slots, int priority)
{
    int err;

    s->dev.nslots = slots;
    s->leaving = false;
    mutex_lock(&lock);
    s->dev.priority = priority == SWAP_LAST ? --lowest : priority;
    err = swap_on(&s->dev);
    if (err == 0)
        list_add_tail(&spaces, &s->all);
    mutex_unlock(&lock);
    return err == -EBUSY ? -EPERM : err;
}

int
swap_space_on(struct swap_space *s, uint64_t pages, int priority)
{
    uint64_t count;
    int err = pages < 2 ? -EINVAL : read_header(s, pages, &count);

    if (err != 0)
        return err;
    s->dev.io = disk_io;
    return swap_space_add(s, count - 1, priority);
}

/* ... which nobody else ends meanwhile; or NULL. */
static struct swap_space *
take(const void *key, const char *name)
{
    struct swap_space *found = NULL;

    mutex_lock(&lock);
    list_for_each_entry (s, &spaces, struct swap_space, all) {
        if (!s->leaving &&
            (name == NULL ? s->key == key : strcmp(s->name, name) == 0))
            found = s;
    }
    if (found != NULL)
        found->leaving = true;
    mutex_unlock(&lock);
    return found;
}

int
swap_space_off(const void *key, const char *name)
{
    struct swap_space *s = take(key, name);
    int err;

    if (s == NULL)
        return -EINVAL;
    err = swap_off(&s->dev);
    mutex_lock(&lock);
    s->leaving = false;
    if (err == 0)
        list_del(&s->all);
    mutex_unlock(&lock);
    if (err == 0)
        s->end(s);
    return err;
}

/* --- a disk --- */

static void
disk_end(struct swap_space *s)
{
    atomic_store_release(&s->disk->mounted, 0);
    kfree(s->pieces);
    kfree(s);
}

static int
use_disk(struct swap_space *s, struct blkdev *disk, int priority)
{
    s->type = "partition";
    s->key = s->disk = disk;
    s->end = disk_end;
    snprintf(s->name, sizeof(s->name), "/dev/%s", disk->name);
    s->pieces = kzalloc(sizeof(*s->pieces));
    if (s->pieces == NULL)
        return -ENOMEM;
    s->npieces = 1;
    return swap_space_on(s, disk->nsectors / PER_PAGE, priority);
}

int
swap_on_disk(struct blkdev *disk, int priority)
{
    struct swap_space *s;
    int err;

    if (disk->readonly)
        return -EROFS;
    s = kzalloc(sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    if (atomic_swap_acquire(&disk->mounted, 1)) {
        kfree(s);
        return -EBUSY;
    }
    err = use_disk(s, disk, priority);
    if (err != 0) {
        s->disk = disk;
        disk_end(s);
    }
    return err;
}
