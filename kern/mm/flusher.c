/* flusher.c: when dirty pages are written, if nobody asks for it.
 *
 *     dirty for 1 s                     the flusher looks every 5 s: after 6 s it
 *                                       is on its way
 *     more than 10 % of the room dirty  the flusher, at once
 *     more than 20 %                    whoever makes more dirty, first
 *
 * The room is memory at most, and what could become free for pages of files, as they
 * may be: so where programs have most of it, files do not fill the rest with what
 * nobody can throw out.
 *
 * While nothing is dirty, the thread sleeps without a timer. */
#include "debug/kstat.h"
#include "mm/bootmem.h"
#include "mm/kthread.h"
#include "mm/writeback.h"
#include "schedule/timeout.h"

unsigned flush_period = 5000, flush_age = 1000;
unsigned dirty_background = UINT32_MAX, dirty_limit = UINT32_MAX;

static struct wait_queue wq;
static bool wanted;           /* [wq.lock] */
static uint64_t asked, begun; /* [wq.lock] rounds that write everything */
static uint64_t ended;        /* [wq.lock] */
static struct timeout timer;

void
flusher_wake(void)
{
    spin_lock(&wq.lock);
    wanted = true;
    wait_wake_all(&wq);
    spin_unlock(&wq.lock);
}

static void
fire(struct timeout *t)
{
    (void)t;
    flusher_wake();
}

static uint64_t
ticks(unsigned ms)
{
    return ms * (timebase_hz / 1000);
}

/* Until somebody wants something, or, if anything is dirty, for a period. */
static void
pause(void)
{
    bool timed = objects_dirty();

    if (timed) {
        irq_off();
        timeout_arm(&timer, time_now() + ticks(flush_period), fire);
        irq_restore();
    }
    spin_lock(&wq.lock);
    while (!wanted)
        wait_sleep(&wq);
    wanted = false;
    spin_unlock(&wq.lock);
    if (timed)
        (void)timeout_cancel(&timer);
}

/* Is more dirty than LIMIT, or, if it is much at all, than one in PART of what is
 * free or of files? */
static bool
above(unsigned limit, unsigned part)
{
    uint64_t dirty = kstat_read(STAT_DIRTY);

    return dirty > limit ||
           (unlikely(dirty > limit / 4) &&
            dirty * part > nr_free_pages() + kstat_read(STAT_CACHE) -
                               kstat_read(STAT_SHMEM));
}

static bool
above_background(void)
{
    return above(atomic_load(&dirty_background), 10);
}

static bool
above_limit(void)
{
    return above(atomic_load(&dirty_limit), 5);
}

void
flusher_write_all(void)
{
    uint64_t round;

    spin_lock(&wq.lock);
    round = asked = begun + 1;
    wanted = true;
    wait_wake_all(&wq);
    while (ended < round)
        wait_sleep(&wq);
    spin_unlock(&wq.lock);
}

/* Somebody waits for everything. */
static void
write_for_others(void)
{
    uint64_t round;

    spin_lock(&wq.lock);
    round = begun = asked;
    spin_unlock(&wq.lock);
    if (round == ended)
        return;
    flush_everything();
    spin_lock(&wq.lock);
    ended = round;
    wait_wake_all(&wq);
    spin_unlock(&wq.lock);
}

static void
flusher(void *arg)
{
    (void)arg;
    for (;;) {
        uint64_t age = ticks(flush_age), now = time_now();

        if (above_background())
            flush_objects(UINT64_MAX, false);
        else if (now > age)
            flush_objects(now - age, false);
        write_for_others();
        pause();
    }
}

void
balance_dirty(struct vm_object *obj)
{
    if (likely(!above_background()))
        return;
    flusher_wake();
    if (!above_limit())
        return;
    (void)object_sync(obj, 0, UINT64_MAX, true);
    if (above_limit())
        flush_everything();
}

void
flusher_start(void)
{
    uint64_t pages = bootmem_total() / PAGE_SIZE;

    wait_init(&wq);
    dirty_background = (unsigned)(pages / 10);
    dirty_limit = (unsigned)(pages / 5);
    if (kthread_serve("flusher", flusher, NULL) != 0)
        boot_refuse("memory: not enough for the flusher");
}
