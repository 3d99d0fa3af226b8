/* lineedit.c: the ring, the line at its end, and how both look on a screen.
 *
 * A finished line ends in a line feed, or in END when Ctrl-D finished it; END
 * cannot be part of a line, since Ctrl-D is never kept.  One place stays free
 * for that last byte, so a full buffer refuses text (with a bell) but a line
 * in it can still be finished.
 *
 * What goes into a line is one byte or one UTF-8 sequence per character (RFC
 * 3629); deleting one takes all its bytes, and as many columns off the screen
 * as it has there.  Arrow and function keys (ECMA-48, 5.4: ESC [ ... letter)
 * mean nothing here and are swallowed. */
#include <lineedit.h>

#include <string.h>
#include <util.h>

#define BELL "\a"
#define ESC  '\x1b'
#define DEL  '\x7f'
#define END  CTRL('D')

const struct lineedit_modes lineedit_default = {
    .key = {[KEY_INTERRUPT] = CTRL('C'),
            [KEY_ERASE] = DEL,
            [KEY_KILL] = CTRL('U'),
            [KEY_END] = CTRL('D'),
            [KEY_WORD] = CTRL('W'),
            [KEY_AGAIN] = CTRL('L')},
};

static char *
at(const struct lineedit *e, size_t pos)
{
    return &e->ring[pos % e->size];
}

static void
echo(struct lineedit *e, const char *s)
{
    if (!e->modes.quiet)
        e->echo(s, strlen(s));
}

/* Print the line again, below whatever was printed across it. */
static void
redraw(struct lineedit *e)
{
    echo(e, "\n");
    for (size_t pos = e->done_pos; pos < e->edit_pos && !e->modes.quiet; pos++)
        e->echo(at(e, pos), 1);
}

/* Where the last character of the line begins; its code point, or its byte if
 * it is not UTF-8.  => the line is not empty */
static size_t
last_char(const struct lineedit *e, uint32_t *code)
{
    /* Lead bytes of 1, 2, 3 and 4 byte characters: mask and value. */
    static const uint8_t mask[] = {0x80, 0xe0, 0xf0, 0xf8};
    static const uint8_t lead[] = {0x00, 0xc0, 0xe0, 0xf0};
    uint32_t value = 0;

    for (unsigned n = 0; n < 4 && e->edit_pos - n > e->done_pos; n++) {
        uint8_t c = (uint8_t)*at(e, e->edit_pos - 1 - n);

        if ((c & mask[n]) == lead[n]) {
            *code = value | (uint32_t)(c & ~mask[n]) << (6 * n);
            return e->edit_pos - 1 - n;
        }
        if ((c & 0xc0) != 0x80)
            break;
        value |= (uint32_t)(c & 0x3f) << (6 * n);
    }
    *code = 0;
    return e->edit_pos - 1;
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
delete_char(struct lineedit *e)
{
    uint32_t code;
    size_t start = last_char(e, &code);

    e->edit_pos = start;
    echo(e, columns(code) == 2 ? "\b\b  \b\b" : "\b \b");
}

static void
delete_line(struct lineedit *e)
{
    while (e->edit_pos > e->done_pos)
        delete_char(e);
}

static void
delete_word(struct lineedit *e)
{
    while (e->edit_pos > e->done_pos && *at(e, e->edit_pos - 1) == ' ')
        delete_char(e);
    while (e->edit_pos > e->done_pos && *at(e, e->edit_pos - 1) != ' ')
        delete_char(e);
}

/* The line is complete: C ends it, readers may have it. */
static enum lineedit_event
finish_line(struct lineedit *e, char c)
{
    if (e->edit_pos - e->read_pos >= e->size) {
        echo(e, BELL);
        return LINEEDIT_MORE;
    }
    if (c == '\n' && (!e->modes.quiet || e->modes.show_newline))
        e->echo("\n", 1);
    *at(e, e->edit_pos++) = c;
    e->done_pos = e->edit_pos;
    return LINEEDIT_LINE;
}

/* Nobody wants what was typed before it. */
static enum lineedit_event
interrupt(struct lineedit *e, char c, enum lineedit_event what)
{
    char text[] = {'^', (char)(c ^ 0x40), '\n', 0};

    echo(e, text);
    if (!e->modes.keep)
        lineedit_flush(e);
    return what;
}

void
lineedit_flush(struct lineedit *e)
{
    e->read_pos = e->done_pos = e->edit_pos;
}

/* Does C mean something beyond the line? */
static enum lineedit_event
special(struct lineedit *e, char c)
{
    for (unsigned k = KEY_INTERRUPT; k <= KEY_SUSPEND; k++) {
        if (c != 0 && (unsigned char)c == e->modes.key[k])
            return interrupt(e, c, LINEEDIT_INTERRUPT + k);
    }
    return LINEEDIT_MORE;
}

static void
insert(struct lineedit *e, char c)
{
    if (e->edit_pos - e->read_pos >= e->size - 1) {
        echo(e, BELL);
        return;
    }
    *at(e, e->edit_pos++) = c;
    if (!e->modes.quiet)
        e->echo(&c, 1);
}

/* Returns true while C is part of an escape sequence. */
static bool
skip_escape(struct lineedit *e, char c)
{
    enum lineedit_escape was = e->escape;

    e->escape = ESC_NONE;
    if (c == ESC) {
        e->escape = ESC_SEEN;
        return true;
    }
    if (was == ESC_NONE || c < ' ' || c > '~')
        return false;
    if (was == ESC_SEEN) {
        e->escape = c == '['   ? ESC_SEQUENCE
                    : c == 'O' ? ESC_ONE_MORE
                               : ESC_NONE;
        return e->escape != ESC_NONE;
    }
    if (was == ESC_SEQUENCE && c < '@')
        e->escape = ESC_SEQUENCE;
    return true;
}

static enum lineedit_event
edit(struct lineedit *e, char c)
{
    const unsigned char *key = e->modes.key;
    unsigned char u = (unsigned char)c;

    if (c == '\n')
        return finish_line(e, '\n');
    if (c == 0)
        return LINEEDIT_MORE;
    if (u == key[KEY_END])
        return finish_line(e, END);
    if (u == key[KEY_ERASE] || c == '\b' || c == DEL) {
        if (e->edit_pos > e->done_pos)
            delete_char(e);
    } else if (u == key[KEY_AGAIN]) {
        redraw(e);
    } else if (u == key[KEY_KILL]) {
        delete_line(e);
    } else if (u == key[KEY_WORD]) {
        delete_word(e);
    } else if (c == '\t') {
        insert(e, ' ');
    } else if (u >= ' ') {
        insert(e, c);
    }
    return LINEEDIT_MORE;
}

/* Without lines: the byte as it is, if there is room. */
static enum lineedit_event
keep(struct lineedit *e, char c)
{
    if (e->edit_pos - e->read_pos >= e->size)
        return LINEEDIT_MORE;
    *at(e, e->edit_pos++) = c;
    e->done_pos = e->edit_pos;
    if (!e->modes.quiet)
        e->echo(&c, 1);
    return LINEEDIT_LINE;
}

enum lineedit_event
lineedit_key(struct lineedit *e, char c)
{
    bool after_cr = e->last_was_cr, raw = e->modes.raw;
    enum lineedit_event what;

    e->last_was_cr = c == '\r' && !e->modes.cr_stays;
    if ((c == '\r' && e->modes.drop_cr) || (!raw && skip_escape(e, c)) ||
        (!raw && c == '\n' && after_cr))
        return LINEEDIT_MORE;
    what = special(e, c);
    if (what != LINEEDIT_MORE)
        return what;
    if (c == '\r' && !e->modes.cr_stays)
        c = '\n';
    else if (c == '\n' && e->modes.newline_to_cr)
        c = '\r';
    return raw ? keep(e, c) : edit(e, c);
}

void
lineedit_set_modes(struct lineedit *e, const struct lineedit_modes *m)
{
    e->modes = *m;
    e->escape = ESC_NONE;
    if (m->raw)
        e->done_pos = e->edit_pos;
}

void
lineedit_init(struct lineedit *e, char *ring, size_t size,
              void (*echo)(const char *s, size_t n))
{
    *e = (struct lineedit){
        .modes = lineedit_default, .echo = echo, .ring = ring, .size = size};
}

bool
lineedit_ready(const struct lineedit *e)
{
    return e->read_pos != e->done_pos;
}

size_t
lineedit_count(const struct lineedit *e)
{
    size_t n = 0;

    while (e->read_pos + n < e->done_pos) {
        char c = *at(e, e->read_pos + n);

        n += e->modes.raw || c != END;
        if (!e->modes.raw && (c == '\n' || c == END))
            break;
    }
    return n;
}

size_t
lineedit_take(struct lineedit *e, char *buf, size_t n)
{
    size_t got = 0;

    while (e->modes.raw && got < n && e->read_pos < e->done_pos)
        buf[got++] = *at(e, e->read_pos++);
    if (e->modes.raw)
        return got;
    while (got < n && e->read_pos < e->done_pos) {
        char c = *at(e, e->read_pos++);

        if (c == END)
            return got;
        buf[got++] = c;
        if (c == '\n')
            return got;
    }
    /* The END of a line that just fitted must not look like an empty line. */
    if (e->read_pos < e->done_pos && *at(e, e->read_pos) == END)
        e->read_pos++;
    return got;
}
