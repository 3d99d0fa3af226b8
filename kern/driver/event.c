/* event.c: number the records, and send each as one line.
 *
 *                                  sink set                 no sink
 *     event("test", "list ok")     0 0 81234 test list ok   the same in a frame
 *            |                     on a line of its own,    (libs/frame.h), in
 *            +-> event_line -----> by the virtio console    what is printed
 *
 * Numbers are given out under the lock that also sends, so a gap in them is a
 * lost record, and time never goes back from one to the next. */
#include "driver/event.h"

#include "debug/printk.h"
#include "sync/spinlock.h"
#include <frame.h>
#include <printfmt.h>

#define EVENT_MAX 240 /* a longer line is cut */

/* Long enough for any record on the slowest line, then we stop being polite. */
#define LAST_TRIES 100000000u

static struct spinlock event_lock = SPINLOCK_INIT(RANK_CONSOLE);
static void (*event_sink)(const char *s, size_t n); /* [lock] */
static uint64_t event_seq;                          /* [lock] */
static char event_line[EVENT_MAX + 1];              /* [lock] */
static bool event_on;                               /* [a] somebody listens */
static bool event_dying;                            /* [a] */

/* Turns interrupts off and returns whether the lock is ours.  It is not always
 * needed: after a panic, the hart that has it may be stopped, or may be this
 * one. */
static bool
event_lock_try(void)
{
    irq_off();
    for (unsigned n = 0; !spin_trylock_nested(&event_lock); n++) {
        if (atomic_load(&event_dying) && n >= LAST_TRIES)
            return false;
        cpu_wait();
    }
    return true;
}

static void
event_unlock(bool locked)
{
    if (locked)
        spin_unlock_nested(&event_lock);
    irq_restore();
}

/* "SEQ HART TIME ID ARGS" into event_line; returns its length. */
static size_t
event_format(const char *id, const char *fmt, va_list ap)
{
    size_t size = sizeof(event_line);
    size_t n;

    n = (size_t)snprintf(event_line, size, "%lu %u %lu %s ", event_seq++,
                         this_cpu()->id, time_now(), id);
    if (n < size)
        n += (size_t)vsnprintf(event_line + n, size - n, fmt, ap);
    return frame_clean(event_line, MIN(n, size - 1));
}

static void
event_send(size_t n)
{
    static char frame[EVENT_MAX + FRAME_EXTRA]; /* [lock] */

    if (event_sink == NULL) {
        console_write(frame, frame_make(frame, event_line, n));
        return;
    }
    event_line[n] = '\n';
    event_sink(event_line, n + 1);
}

bool
event_wanted(void)
{
    return atomic_load(&event_on);
}

void
event(const char *id, const char *fmt, ...)
{
    va_list ap;
    bool locked;

    if (!event_wanted())
        return;
    locked = event_lock_try();
    va_start(ap, fmt);
    event_send(event_format(id, fmt, ap));
    va_end(ap);
    event_unlock(locked);
}

void
event_set_sink(void (*write)(const char *s, size_t n))
{
    bool locked = event_lock_try();

    event_sink = write;
    atomic_store(&event_on, true);
    event_unlock(locked);
}

void
event_bust_lock(void)
{
    atomic_store(&event_dying, true);
}
