/* termios.c: adds the modes of termios(3) to the terminal of driver/tty.c; a first
 * reader may skip it.
 *
 *     ICANON ECHO ISIG ICRNL ...  -->  struct lineedit_modes (libs/lineedit.h)
 *     OPOST ONLCR                 -->  uart_raw
 *     VMIN VTIME                  -->  tty_read_raw(), below
 *     TOSTOP                      -->  ext/process/terminal.c
 *
 * What has no meaning for a serial line that is the console (speeds, parity,
 * Ctrl-S) is kept and given back.  Layout and numbers: Linux, asm-generic. */
#include "driver/tty.h"
#include "driver/uart.h"
#include "ext/process/terminal.h"
#include "fs/devfs.h"
#include "mm/uaccess.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

#define TCGETS     0x5401u
#define TCSETS     0x5402u
#define TCSETSW    0x5403u
#define TCSETSF    0x5404u
#define TCSBRK     0x5409u
#define TCXONC     0x540au
#define TCFLSH     0x540bu
#define TIOCOUTQ   0x5411u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define FIONREAD   0x541bu

#define SIGWINCH 28

enum { INLCR = 0100, IGNCR = 0200, ICRNL = 0400 };
enum { OPOST = 1, ONLCR = 4 };
enum {
    ISIG = 01,
    ICANON = 02,
    ECHO = 010,
    ECHOE = 020,
    ECHOK = 040,
    ECHONL = 0100,
    NOFLSH = 0200,
    TOSTOP = 0400,
    ECHOCTL = 01000,
    ECHOKE = 04000,
    IEXTEN = 0100000
};
enum {
    VINTR,
    VQUIT,
    VERASE,
    VKILL,
    VEOF,
    VTIME,
    VMIN,
    VSTART = 8,
    VSTOP,
    VSUSP,
    VREPRINT = 12,
    VDISCARD,
    VWERASE,
    VLNEXT,
    NCC = 19
};

struct user_termios { /* what TCGETS gives: 36 bytes */
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[NCC];
};
_Static_assert(sizeof(struct user_termios) == 36, "tty_ioctl(4)");

static const struct user_termios beginning = {
    .iflag = ICRNL,
    .oflag = OPOST | ONLCR,
    .cflag = 0x18b2, /* 8 bits, receives, no modem; 115200 */
    .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .cc = {[VINTR] = 3,
           [VQUIT] = 034,
           [VERASE] = 0177,
           [VKILL] = 025,
           [VEOF] = 4,
           [VMIN] = 1,
           [VSTART] = 021,
           [VSTOP] = 023,
           [VSUSP] = 032,
           [VREPRINT] = 022,
           [VDISCARD] = 017,
           [VWERASE] = 027,
           [VLNEXT] = 026},
};

struct window {
    uint16_t rows, columns, width, height;
};

static struct user_termios now;               /* [tty_lock] */
static bool asked;                            /* [tty_lock] NOW is set */
static struct window window = {24, 80, 0, 0}; /* [tty_lock] */

/* --- modes --- */

/* NOW says how the line is edited.  => tty_lock held */
static void
apply(void)
{
    uint32_t l = now.lflag;
    bool sig = (l & ISIG) != 0;
    struct lineedit_modes m = {
        .raw = !(l & ICANON),
        .quiet = !(l & ECHO),
        .show_newline = (l & ECHONL) != 0,
        .keep = (l & NOFLSH) != 0,
        .drop_cr = (now.iflag & IGNCR) != 0,
        .cr_stays = !(now.iflag & ICRNL),
        .newline_to_cr = (now.iflag & INLCR) != 0,
        .key = {[KEY_INTERRUPT] = sig ? now.cc[VINTR] : 0,
                [KEY_QUIT] = sig ? now.cc[VQUIT] : 0,
                [KEY_SUSPEND] = sig ? now.cc[VSUSP] : 0,
                [KEY_ERASE] = now.cc[VERASE],
                [KEY_KILL] = now.cc[VKILL],
                [KEY_END] = now.cc[VEOF],
                [KEY_WORD] = now.cc[VWERASE],
                [KEY_AGAIN] = lineedit_default.key[KEY_AGAIN]},
    };

    lineedit_set_modes(&tty_line, &m);
    atomic_store(&uart_raw, (now.oflag & (OPOST | ONLCR)) != (OPOST | ONLCR));
    spin_lock(&tty_readers.lock);
    wait_wake_all(&tty_readers); /* they may have what they want now */
    spin_unlock(&tty_readers.lock);
}

void
termios_reset(void)
{
    spin_lock(&tty_lock);
    now = beginning;
    asked = true;
    apply();
    spin_unlock(&tty_lock);
}

bool
termios_tostop(void)
{
    return (now.lflag & TOSTOP) != 0;
}

/* => tty_lock held */
static void
need(void)
{
    if (!asked)
        now = beginning;
    asked = true;
}

static long
get_modes(uintptr_t to)
{
    struct user_termios t;

    spin_lock(&tty_lock);
    need();
    t = now;
    spin_unlock(&tty_lock);
    return copy_to_user(to, &t, sizeof(t)) ? -EFAULT : 0;
}

static long
set_modes(uintptr_t from, bool flush)
{
    struct user_termios t;
    long r;

    if (copy_from_user(&t, from, sizeof(t)) != 0)
        return -EFAULT;
    r = terminal_change();
    if (r != 0)
        return r;
    spin_lock(&tty_lock);
    asked = true;
    now = t;
    if (flush)
        lineedit_flush(&tty_line);
    apply();
    spin_unlock(&tty_lock);
    return 0;
}

/* --- reading without lines --- */

struct patience {
    struct timeout timeout;
    bool over; /* [tty_readers.lock] */
};

static void
is_over(struct timeout *t)
{
    struct patience *p = container_of(t, struct patience, timeout);

    spin_lock(&tty_readers.lock);
    p->over = true;
    wait_wake_all(&tty_readers);
    spin_unlock(&tty_readers.lock);
}

/* Sleep until there are not SEEN bytes, or something else changes, at most TENTHS
 * of a second (0: for ever).  *OVER: as long.  0, -EINTR, or what forbids to
 * read now.
 * => tty_lock held; not while it sleeps */
static int
wait_for_input(size_t seen, unsigned tenths, bool *over)
{
    struct patience p = {.over = false};
    int err = 0;

    spin_unlock(&tty_lock);
    if (tenths != 0)
        timeout_arm(&p.timeout, time_now() + tenths * timebase_hz / 10,
                    is_over);
    spin_lock(&tty_lock);
    spin_lock(&tty_readers.lock);
    if (lineedit_count(&tty_line) == seen && tty_line.modes.raw && !p.over) {
        spin_unlock(&tty_lock);
        err = wait_sleep_intr(&tty_readers);
    } else {
        spin_unlock(&tty_lock);
    }
    *over = p.over;
    spin_unlock(&tty_readers.lock);
    if (tenths != 0)
        timeout_cancel(&p.timeout);
    if (err == 0)
        err = tty_may_read();
    spin_lock(&tty_lock);
    return err;
}

int
tty_read_raw(char *buf, size_t n)
{
    size_t min, have, seen = 0;
    bool over = false;
    int err = 0;

    spin_lock(&tty_lock);
    for (;;) {
        unsigned tenths = now.cc[VTIME];

        min = now.cc[VMIN];
        have = lineedit_count(&tty_line);
        if (!tty_line.modes.raw) {
            spin_unlock(&tty_lock);
            return tty_read(buf, n);
        }
        if (err != 0 || over || have >= MIN(MAX(min, 1ul), n) ||
            (min == 0 && tenths == 0))
            break;
        /* With both, the time counts from one byte to the next. */
        if (min > 0 && have == 0)
            tenths = 0;
        seen = have;
        err = wait_for_input(seen, tenths, &over);
        if (lineedit_count(&tty_line) > seen)
            over = false;
    }
    if (have > 0 && err == 0)
        err = (int)lineedit_take(&tty_line, buf, n);
    spin_unlock(&tty_lock);
    return err;
}

/* --- the rest --- */

static long
set_window(uintptr_t from)
{
    struct window w;
    bool other;

    if (copy_from_user(&w, from, sizeof(w)) != 0)
        return -EFAULT;
    spin_lock(&tty_lock);
    other = memcmp(&w, &window, sizeof(w)) != 0;
    window = w;
    spin_unlock(&tty_lock);
    if (other)
        terminal_signal(SIGWINCH);
    return 0;
}

static long
get_window(uintptr_t to)
{
    struct window w;

    spin_lock(&tty_lock);
    w = window;
    spin_unlock(&tty_lock);
    return copy_to_user(to, &w, sizeof(w)) ? -EFAULT : 0;
}

static long
flush(uintptr_t which)
{
    long r = terminal_change();

    if (r != 0 || which > 2)
        return r != 0 ? r : -EINVAL;
    spin_lock(&tty_lock);
    if (which != 1) /* output is out already */
        lineedit_flush(&tty_line);
    spin_unlock(&tty_lock);
    return 0;
}

static long
count_input(uintptr_t to)
{
    int32_t n;

    spin_lock(&tty_lock);
    n = (int32_t)lineedit_count(&tty_line);
    spin_unlock(&tty_lock);
    return copy_to_user(to, &n, sizeof(n)) ? -EFAULT : 0;
}

long
console_control(unsigned cmd, uintptr_t arg)
{
    static const int32_t zero;

    switch (cmd) {
    case TCGETS:
        return get_modes(arg);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_modes(arg, cmd == TCSETSF);
    case TIOCGWINSZ:
        return get_window(arg);
    case TIOCSWINSZ:
        return set_window(arg);
    case TCFLSH:
        return flush(arg);
    case TCSBRK:
        return terminal_change();
    case TCXONC:
        return arg > 3 ? -EINVAL : terminal_change();
    case FIONREAD:
        return count_input(arg);
    case TIOCOUTQ:
        return copy_to_user(arg, &zero, sizeof(zero)) ? -EFAULT : 0;
    }
    return terminal_control(cmd, arg);
}
