/* tty.c: from single bytes to lines.
 *
 * One ring holds both what is finished and what is being edited:
 *
 *        read_pos        done_pos        edit_pos
 *     ......| l s \n c a t \n | e c h o _    |.............
 *           finished lines    the line being
 *                             edited
 *
 * Positions only grow; a byte's place is its position modulo the size.  A
 * finished line ends in a line feed, or in END when Ctrl-D finished it; END
 * cannot be part of a line, since Ctrl-D is never kept.  One place stays free
 * for that last byte, so a full buffer refuses text (with a bell) but a line
 * in it can still be finished.
 *
 * What goes into a line is one byte or one UTF-8 sequence per character (RFC
 * 3629); deleting one takes all its bytes, and as many columns off the screen
 * as it has there.  Arrow and function keys (ECMA-48, 5.4: ESC [ ... letter)
 * mean nothing here and are swallowed. */
#include "driver/tty.h"

#include "debug/printk.h"
#include "sync/wait.h"
#include <errno.h>
#include <string.h>

#define RING_SIZE 1024 /* a power of two */

#define CTRL(letter) ((letter)&0x1f)
#define BELL         "\a"
#define ESC          '\x1b'
#define DEL          '\x7f'
#define END          CTRL('D')

enum escape { ESC_NONE, ESC_SEEN, ESC_SEQUENCE, ESC_ONE_MORE };

/* Taken from the uart's interrupt and by readers; the wait queue's lock is
 * taken inside it. */
static struct spinlock tty_lock = SPINLOCK_INIT(RANK_TTY);
static struct wait_queue tty_readers;
static char ring[RING_SIZE];     /* [tty_lock] and all below */
static size_t read_pos;          /* next byte for a reader */
static size_t done_pos;          /* end of the finished lines */
static size_t edit_pos;          /* end of the line being edited */
static uint64_t interrupts;      /* Ctrl-C so far */
static enum escape escape;       /* inside the bytes of a function key */
static bool last_was_cr;         /* a line feed now belongs to it */
static void (*tty_hook)(char c); /* [I] */

static char *
at(size_t pos)
{
    return &ring[pos % RING_SIZE];
}

static void
echo(const char *s)
{
    console_write(s, strlen(s));
}

/* Print the line again, below whatever was printed across it. */
static void
redraw(void)
{
    echo("\n");
    for (size_t pos = done_pos; pos < edit_pos; pos++)
        console_write(at(pos), 1);
}

/* Where the last character of the line begins; its code point, or its byte if
 * it is not UTF-8.  => the line is not empty */
static size_t
last_char(uint32_t *code)
{
    /* Lead bytes of 1, 2, 3 and 4 byte characters: mask and value. */
    static const uint8_t mask[] = {0x80, 0xe0, 0xf0, 0xf8};
    static const uint8_t lead[] = {0x00, 0xc0, 0xe0, 0xf0};
    uint32_t value = 0;

    for (unsigned n = 0; n < 4 && edit_pos - n > done_pos; n++) {
        uint8_t c = (uint8_t)*at(edit_pos - 1 - n);

        if ((c & mask[n]) == lead[n]) {
            *code = value | (uint32_t)(c & ~mask[n]) << (6 * n);
            return edit_pos - 1 - n;
        }
        if ((c & 0xc0) != 0x80)
            break;
        value |= (uint32_t)(c & 0x3f) << (6 * n);
    }
    *code = 0;
    return edit_pos - 1;
}

/* Columns of a character on the screen: 2 for the wide ranges of Unicode
 * Standard Annex 11. */
static unsigned
columns(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } wide[] = {
        {0x1100, 0x115f},   {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
        {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
        {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff},
        {0x20000, 0x3fffd},
    };

    for (size_t i = 0; i < ARRAY_LEN(wide); i++) {
        if (code >= wide[i].first && code <= wide[i].last)
            return 2;
    }
    return 1;
}

/* Take the last character off the line and off the screen. */
static void
delete_char(void)
{
    uint32_t code;
    size_t start = last_char(&code);

    edit_pos = start;
    echo(columns(code) == 2 ? "\b\b  \b\b" : "\b \b");
}

static void
delete_line(void)
{
    while (edit_pos > done_pos)
        delete_char();
}

static void
delete_word(void)
{
    while (edit_pos > done_pos && *at(edit_pos - 1) == ' ')
        delete_char();
    while (edit_pos > done_pos && *at(edit_pos - 1) != ' ')
        delete_char();
}

/* The line is complete: C ends it, readers may have it. */
static void
finish_line(char c)
{
    if (edit_pos - read_pos >= RING_SIZE) {
        echo(BELL);
        return;
    }
    if (c == '\n')
        echo("\n");
    *at(edit_pos++) = c;
    done_pos = edit_pos;
    spin_lock(&tty_readers.lock);
    wait_wake_all(&tty_readers);
    spin_unlock(&tty_readers.lock);
}

/* Ctrl-C: nobody wants what was typed before it. */
static void
interrupt(void)
{
    echo("^C\n");
    read_pos = done_pos = edit_pos;
    interrupts++;
    spin_lock(&tty_readers.lock);
    wait_wake_all(&tty_readers);
    spin_unlock(&tty_readers.lock);
}

static void
insert(char c)
{
    if (edit_pos - read_pos >= RING_SIZE - 1) {
        echo(BELL);
        return;
    }
    *at(edit_pos++) = c;
    console_write(&c, 1);
}

/* Returns true while C is part of an escape sequence. */
static bool
skip_escape(char c)
{
    enum escape was = escape;

    escape = ESC_NONE;
    if (c == ESC) {
        escape = ESC_SEEN;
        return true;
    }
    if (was == ESC_NONE || c < ' ' || c > '~')
        return false;
    if (was == ESC_SEEN) {
        escape = c == '[' ? ESC_SEQUENCE : c == 'O' ? ESC_ONE_MORE : ESC_NONE;
        return escape != ESC_NONE;
    }
    if (was == ESC_SEQUENCE && c < '@')
        escape = ESC_SEQUENCE;
    return true;
}

static void
edit(char c)
{
    switch (c) {
    case '\b':
    case DEL:
        if (edit_pos > done_pos)
            delete_char();
        break;
    case CTRL('C'):
        interrupt();
        break;
    case CTRL('D'):
        finish_line(END);
        break;
    case CTRL('L'):
        redraw();
        break;
    case CTRL('U'):
        delete_line();
        break;
    case CTRL('W'):
        delete_word();
        break;
    case '\n':
        finish_line('\n');
        break;
    case '\t':
        insert(' ');
        break;
    default:
        if ((uint8_t)c >= ' ')
            insert(c);
    }
}

void
tty_input(char c)
{
    bool after_cr;

    spin_lock(&tty_lock);
    after_cr = last_was_cr;
    last_was_cr = c == '\r';
    if (!skip_escape(c) && !(c == '\n' && after_cr))
        edit(c == '\r' ? '\n' : c);
    spin_unlock(&tty_lock);
    if (tty_hook != NULL && (c == CTRL('C') || c == CTRL('P')))
        tty_hook(c);
}

/* Copy from the first finished line, at most N bytes, which are not 0. */
static size_t
take_line(char *buf, size_t n)
{
    size_t got = 0;

    while (got < n && read_pos < done_pos) {
        char c = *at(read_pos++);

        if (c == END)
            return got;
        buf[got++] = c;
        if (c == '\n')
            return got;
    }
    /* The END of a line that just fitted must not look like an empty line. */
    if (read_pos < done_pos && *at(read_pos) == END)
        read_pos++;
    return got;
}

int
tty_read(char *buf, size_t n)
{
    uint64_t before;
    int got = -EINTR;

    if (n == 0)
        return 0;
    spin_lock(&tty_lock);
    before = interrupts;
    while (read_pos == done_pos && interrupts == before) {
        /* Whoever changes them needs tty_lock first and the queue's lock to
         * wake us, so between here and the sleep no wake is missed. */
        spin_lock(&tty_readers.lock);
        spin_unlock(&tty_lock);
        wait_sleep(&tty_readers);
        spin_unlock(&tty_readers.lock);
        spin_lock(&tty_lock);
    }
    if (interrupts == before)
        got = (int)take_line(buf, MIN(n, RING_SIZE));
    spin_unlock(&tty_lock);
    return got;
}

void
tty_set_interrupt(void (*fn)(char c))
{
    tty_hook = fn;
}

void
tty_init(void)
{
    wait_init(&tty_readers);
}
