/* event.c: number the records, and send each as one line.
 *
 *                                  sink set                 no sink
 *     event("test", "list ok")     0 0 81234 test list ok   \x1e the same
 *            |                     on a line of its own,    + ' ' + checksum
 *            +-> line[] ---------> by the virtio console    + \x1f, between
 *                                                           whatever is printed
 *
 * The console of a board is shared with everybody who prints, and a serial line
 * may lose bytes; so there a record brings its frame and its checksum along.
 * The checksum is CRC-32 as in Ethernet and zlib (polynomial 0x04c11db7,
 * reflected: 0xedb88320; ISO/IEC 8802-3, "Frame Check Sequence") over the line
 * without the frame, in 8 hexadecimal digits.
 *
 * Numbers are given out under the lock that also sends, so a gap in them is a
 * lost record, and time never goes back from one to the next. */
#include "driver/event.h"

#include "debug/printk.h"
#include "sync/spinlock.h"
#include <printfmt.h>

#define EVENT_MAX    240 /* a longer line is cut */
#define FRAME_BEGIN  '\x1e'
#define FRAME_END    '\x1f'
#define FRAME_EXTRA  (1 + 10 + 2) /* begin, " CHECKSUM", end and line feed */
#define CRC_POLYNOME 0xedb88320u

/* Long enough for any record on the slowest line, then we stop being polite. */
#define LAST_TRIES 100000000u

static struct spinlock event_lock = SPINLOCK_INIT(RANK_CONSOLE);
static void (*event_sink)(const char *s, size_t n); /* [lock] */
static uint64_t event_seq;                          /* [lock] */
static char event_buf[EVENT_MAX + FRAME_EXTRA + 1]; /* [lock] */
static bool event_on;                               /* [a] somebody listens */
static bool event_dying;                            /* [a] */

static uint32_t
crc32(const char *s, size_t n)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)s[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC_POLYNOME : 0);
    }
    return ~crc;
}

/* Returns whether the lock is ours.  It is not always needed: after a panic,
 * the hart that has it may be stopped, or may be this one. */
static bool
event_lock_try(void)
{
    for (unsigned n = 0; !spin_trylock_nested(&event_lock); n++) {
        if (atomic_load(&event_dying) && n >= LAST_TRIES)
            return false;
        cpu_wait();
    }
    return true;
}

/* "SEQ HART TIME ID ARGS" into BUF (EVENT_MAX + 1 bytes); returns its length.
 * Whatever could be taken for a frame or a second line becomes a dot. */
static size_t
event_format(char *buf, const char *id, const char *fmt, va_list ap)
{
    size_t size = EVENT_MAX + 1;
    size_t n;

    n = (size_t)snprintf(buf, size, "%lu %u %lu %s ", event_seq++,
                         this_cpu()->id, time_now(), id);
    if (n < size)
        n += (size_t)vsnprintf(buf + n, size - n, fmt, ap);
    n = MIN(n, size - 1);
    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)buf[i] < ' ' || buf[i] == '\x7f')
            buf[i] = '.';
    }
    while (n > 0 && buf[n - 1] == ' ')
        n--;
    return n;
}

static void
event_send(const char *id, const char *fmt, va_list ap)
{
    char *line = event_buf + 1; /* room for the frame's first byte */
    size_t n = event_format(line, id, fmt, ap);

    if (event_sink != NULL) {
        line[n] = '\n';
        event_sink(line, n + 1);
        return;
    }
    event_buf[0] = FRAME_BEGIN;
    n += (size_t)snprintf(line + n, FRAME_EXTRA, " %08x%c\n", crc32(line, n),
                          FRAME_END);
    console_write(event_buf, n + 1);
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
    irq_off();
    locked = event_lock_try();
    va_start(ap, fmt);
    event_send(id, fmt, ap);
    va_end(ap);
    if (locked)
        spin_unlock_nested(&event_lock);
    irq_restore();
}

void
event_set_sink(void (*write)(const char *s, size_t n))
{
    bool locked;

    irq_off();
    locked = event_lock_try();
    event_sink = write;
    atomic_store(&event_on, true);
    if (locked)
        spin_unlock_nested(&event_lock);
    irq_restore();
}

void
event_bust_lock(void)
{
    atomic_store(&event_dying, true);
}
