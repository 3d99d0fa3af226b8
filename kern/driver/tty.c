/* tty.c: the terminal: the line editor, shared between an interrupt and the
 * threads that read.
 *
 *     uart --> tty_input --> lineedit_key --> [ring] --> lineedit_take
 *                 |              |                            |
 *           wakes readers    echoes to the console        tty_read
 *
 * What editing means, and how the ring looks, is in libs/lineedit.h; here is
 * who may touch it when, and who waits for a line. */
#include "driver/tty.h"

#include "debug/printk.h"
#include "sync/wait.h"
#include <errno.h>
#include <lineedit.h>

#define RING_SIZE 1024 /* a power of two */

/* Taken from the uart's interrupt and by readers; the wait queue's lock is
 * taken inside it. */
struct spinlock tty_lock = SPINLOCK_INIT(RANK_TTY);
struct wait_queue tty_readers;
struct lineedit tty_line;        /* [tty_lock] */
static char ring[RING_SIZE];     /* [tty_lock] */
static uint64_t interrupts;      /* [tty_lock] Ctrl-C so far */
static uint64_t told;            /* [tty_lock] of them, readers know */
static void (*tty_hook)(char c); /* [I] */

WEAK bool
tty_signal(enum lineedit_event what)
{
    return false;
}

WEAK void
tty_changed(void)
{
}

/* No program ever asks for it. */
WEAK int
tty_read_raw(char *buf, size_t n)
{
    return 0;
}

void
tty_input(char c)
{
    enum lineedit_event what;
    bool ours;

    spin_lock(&tty_lock);
    what = lineedit_key(&tty_line, c);
    ours = !tty_line.modes.raw;
    spin_unlock(&tty_lock);
    if (what != LINEEDIT_MORE) {
        bool told = what != LINEEDIT_LINE && tty_signal(what);

        spin_lock(&tty_lock);
        interrupts += what == LINEEDIT_INTERRUPT && !told;
        spin_lock(&tty_readers.lock);
        wait_wake_all(&tty_readers);
        spin_unlock(&tty_readers.lock);
        spin_unlock(&tty_lock);
        tty_changed();
    }
    if (tty_hook != NULL && ours && (c == CTRL('C') || c == CTRL('P')))
        tty_hook(c);
}

WEAK int
tty_may_read(void)
{
    return 0;
}

/* Sleep until there is something for a reader.  Who was sent to the background
 * meanwhile is none.  => tty_lock held, unless an error is returned */
static int
wait_for_line(void)
{
    for (;;) {
        int err = tty_may_read();

        if (err != 0)
            return err;
        spin_lock(&tty_lock);
        if (lineedit_ready(&tty_line) || tty_line.modes.raw ||
            interrupts != told)
            return 0;
        /* Whoever changes them needs tty_lock first and the queue's lock to
         * wake us, so between here and the sleep no wake is missed. */
        spin_lock(&tty_readers.lock);
        spin_unlock(&tty_lock);
        err = wait_sleep_intr(&tty_readers);
        spin_unlock(&tty_readers.lock);
        if (err != 0)
            return err;
    }
}

int
tty_read(char *buf, size_t n)
{
    int got = -EINTR, err;

    if (n == 0)
        return 0;
    err = wait_for_line();
    if (err != 0)
        return err;
    /* A Ctrl-C that came while nobody read counts, too: its user waits for a
     * new prompt.  One that a finished line followed is history. */
    if (tty_line.modes.raw) {
        spin_unlock(&tty_lock);
        return tty_read_raw(buf, n);
    }
    if (lineedit_ready(&tty_line))
        got = (int)lineedit_take(&tty_line, buf, MIN(n, RING_SIZE));
    told = interrupts;
    spin_unlock(&tty_lock);
    return got;
}

bool
tty_ready(void)
{
    bool ready;

    spin_lock(&tty_lock);
    ready = lineedit_ready(&tty_line) || interrupts != told;
    spin_unlock(&tty_lock);
    return ready;
}

void
tty_set_interrupt(void (*fn)(char c))
{
    tty_hook = fn;
}

void
tty_init(void)
{
    lineedit_init(&tty_line, ring, RING_SIZE, console_write);
    wait_init(&tty_readers);
}
