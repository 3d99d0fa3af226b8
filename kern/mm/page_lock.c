/* page_lock.c: "this page is busy", and "it is on its way to the disk".
 *
 * Both are a bit of page->flags; whoever wants one gone sleeps in a queue that
 * pages share, by address.  PG_WAITERS says that somebody sleeps because of this
 * page: who takes away one of the two bits takes away PG_WAITERS in the same
 * step and wakes everybody, and who was woken in vain announces himself again.
 *
 * A pager ends its work in an interrupt, so waking takes no lock but the
 * queue's. */
#include "mm/reclaim.h"

#include <race.h>

#define WAIT_QUEUES 64

/* Sleepers of all busy pages, spread by descriptor address. */
static struct wait_queue page_queues[WAIT_QUEUES];

void
object_start(void)
{
    for (unsigned i = 0; i < WAIT_QUEUES; i++)
        wait_init(&page_queues[i]);
}

static struct wait_queue *
queue_of(const struct page *page)
{
    return &page_queues[(uintptr_t)page / sizeof(*page) % WAIT_QUEUES];
}

bool
page_trylock(struct page *page)
{
    return (atomic_or(&page->flags, PG_LOCKED) & PG_LOCKED) == 0;
}

/* Sleep once if PAGE has the flag BIT.  -EINTR: KILLABLE, and somebody wants the
 * calling thread to give up. */
static int
sleep_once(struct page *page, uint32_t bit, bool killable)
{
    struct wait_queue *wq = queue_of(page);
    int err = 0;
    bool busy;

    race_point("page-wait");
    spin_lock(&wq->lock);
    /* Announce, then look: take_bit() clears both in one step. */
    busy = (atomic_or(&page->flags, PG_WAITERS) & bit) != 0;
    if (busy && killable)
        err = wait_sleep_intr(wq);
    else if (busy)
        wait_sleep(wq);
    spin_unlock(&wq->lock);
    return err;
}

/* PAGE may be gone as soon as BIT is. */
static void
take_bit(struct page *page, uint32_t bit)
{
    uint32_t old = atomic_and(&page->flags, ~(bit | PG_WAITERS));

    race_point("page-unlock");
    if (old & PG_WAITERS) {
        struct wait_queue *wq = queue_of(page);

        spin_lock(&wq->lock);
        wait_wake_all(wq);
        spin_unlock(&wq->lock);
    }
}

int
page_wait_killable(struct page *page, bool killable)
{
    return sleep_once(page, PG_LOCKED, killable);
}

void
page_wait(struct page *page)
{
    (void)page_wait_killable(page, false);
}

int
page_lock_killable(struct page *page, bool killable)
{
    int err = 0;

    lock_order_check(RANK_PAGE);
    while (err == 0 && !page_trylock(page))
        err = sleep_once(page, PG_LOCKED, killable);
    return err;
}

void
page_lock(struct page *page)
{
    (void)page_lock_killable(page, false);
}

void
page_unlock(struct page *page)
{
    take_bit(page, PG_LOCKED);
}

void
page_wait_written(struct page *page)
{
    /* What the writer did lies before what follows here. */
    while (atomic_load_acquire(&page->flags) & PG_WRITEBACK)
        (void)sleep_once(page, PG_WRITEBACK, false);
}

void
page_written(struct page *page)
{
    take_bit(page, PG_WRITEBACK);
}

/* mm/reclaim.c, if linked, takes the place of these but the second: ext/process/oom.c does. */
WEAK size_t
reclaim(size_t n)
{
    return 0;
}

WEAK bool
oom_rescue(void)
{
    return false;
}

WEAK void
reclaim_object(struct vm_object *obj)
{
}

WEAK void
reclaim_forget(struct vm_object *obj)
{
}
