/* flusher.c: when dirty pages are written, if nobody asks for it.
 *
 *     dirty for 30 s                      the flusher looks every 5 s
 *     more than 10 % of memory is dirty   the flusher, at once
 *     more than 20 %                      whoever makes more dirty, first
 *
 * While nothing is dirty, the thread sleeps without a timer. */
#include "debug/kstat.h"
#include "mm/bootmem.h"
#include "mm/kthread.h"
#include "mm/writeback.h"
#include "schedule/timeout.h"

unsigned flush_period = 5000, flush_age = 30000;
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

static bool
above(unsigned limit)
{
    return kstat_read(STAT_DIRTY) > limit;
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

        if (above(atomic_load(&dirty_background)))
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
    if (likely(!above(atomic_load(&dirty_background))))
        return;
    flusher_wake();
    if (!above(atomic_load(&dirty_limit)))
        return;
    (void)object_sync(obj, 0, UINT64_MAX, true);
    if (above(atomic_load(&dirty_limit)))
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
