/* test_tty.c: line editing.
 *
 * All short sequences of keys are played, and after each the terminal is
 * compared with a model that keeps a line as a list of characters; what the
 * terminal echoed is drawn on a screen made of cells, which must show the line
 * and nothing else.  The cases a model does not cover (escape sequences, full
 * buffers, bytes that are no UTF-8) follow one by one. */
#include "driver_fake.h"

#include "kern/driver/tty.c"
#include "libs/lineedit.c"

/* --- starting over --- */

static unsigned hook_calls;
static char hook_last;

static void
hook(char c)
{
    CHECK(!tty_lock.held);
    hook_calls++;
    hook_last = c;
}

/* An empty terminal whose positions begin at START, so that a small START
 * below the size makes everything wrap. */
static void
restart(size_t start)
{
    interrupts = told = 0;
    tty_hook = NULL;
    tty_init();
    tty_line.read_pos = tty_line.done_pos = tty_line.edit_pos = start;
    fake_world = NULL;
    fake_out_clear();
}

static void
type(const char *s)
{
    while (*s != '\0')
        tty_input(*s++);
}

/* Read with buffers of N bytes until nothing is finished any more.  What came
 * is put into TEXT, '|' after each read, '$' for an end of input. */
static void
drain(char *text, size_t n)
{
    char buf[64];

    while (tty_line.read_pos != tty_line.done_pos) {
        int got = tty_read(buf, n);

        CHECK(got >= 0 && (size_t)got <= n);
        memcpy(text, buf, (size_t)got);
        text += got;
        if (got == 0)
            *text++ = '$';
        *text++ = '|';
    }
    *text = '\0';
}

static bool
reads_as(size_t n, const char *expected)
{
    char text[4096];

    drain(text, n);
    return strcmp(text, expected) == 0;
}

/* --- the model --- */

static const char *const keys[] = {
    "a",    "B",    " ",    "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80",
    "\x7f", "\x17", "\x15", "\r",       "\x04",         "\x03",
    "\x0c",
};
#define NKEYS     ARRAY_LEN(keys)
#define NTEXT     6 /* the first ones are characters */
#define WIDE_FROM 4 /* of these, from here on they take two columns */
enum {
    PLAY_BS = 6,
    PLAY_WORD,
    PLAY_LINE,
    PLAY_CR,
    PLAY_END,
    PLAY_INT,
    PLAY_REDRAW
};

static struct {
    unsigned line[16], n; /* characters of the line: indexes into keys */
    char done[256];       /* what drain() gives, read in large pieces */
} model;

static void
model_finish(const char *end)
{
    for (unsigned i = 0; i < model.n; i++)
        strcat(model.done, keys[model.line[i]]);
    strcat(model.done, end);
    strcat(model.done, "|");
    model.n = 0;
}

static void
model_key(unsigned key)
{
    switch (key) {
    case PLAY_BS:
        model.n -= model.n > 0;
        break;
    case PLAY_WORD:
        while (model.n > 0 && model.line[model.n - 1] == 2)
            model.n--;
        while (model.n > 0 && model.line[model.n - 1] != 2)
            model.n--;
        break;
    case PLAY_LINE:
        model.n = 0;
        break;
    case PLAY_CR:
        model_finish("\n");
        break;
    case PLAY_END:
        model_finish(model.n == 0 ? "$" : "");
        break;
    case PLAY_INT:
        memset(&model, 0, sizeof(model));
        break;
    case PLAY_REDRAW:
        break;
    default:
        model.line[model.n++] = key;
    }
}

/* Draw what was echoed; each cell holds the index of its character plus 1, the
 * second cell of a wide one 99, an empty cell 0. */
static void
draw(unsigned cells[64])
{
    const char *s = fake_out;
    unsigned column = 0;

    memset(cells, 0, 64 * sizeof(*cells));
    while (*s != '\0') {
        if (*s == '\b') {
            CHECK(column > 0);
            column -= column > 0;
            s++;
        } else if (*s == '\n') {
            memset(cells, 0, 64 * sizeof(*cells));
            column = 0;
            s++;
        } else if (*s == '^') { /* ^C, and the line feed after it */
            CHECK(strncmp(s, "^C\n", 3) == 0);
            s += 2;
        } else {
            unsigned k = 0;

            while (k < NTEXT && strncmp(s, keys[k], strlen(keys[k])) != 0)
                k++;
            CHECK(k < NTEXT);
            cells[column++] = k == 2 ? 0 : k + 1;
            if (k >= WIDE_FROM)
                cells[column++] = 99;
            s += strlen(keys[k]);
        }
    }
    cells[63] = column;
}

/* Ctrl-D ends a line without a line feed, so what follows it continues on the
 * same row; the model's rows are put together in the same way. */
static unsigned row[64], row_len;

static void
row_key(unsigned key)
{
    unsigned before = model.n, line[16];

    memcpy(line, model.line, sizeof(line));
    model_key(key);
    if (key == PLAY_CR || key == PLAY_INT || key == PLAY_REDRAW) {
        row_len = 0;
        memset(row, 0, sizeof(row));
        before = 0;
    }
    if (key == PLAY_END)
        return;
    while (before > model.n) {
        row[--row_len] = 0;
        if (line[--before] >= WIDE_FROM)
            row[--row_len] = 0;
    }
    while (before < model.n) {
        unsigned k = model.line[before++];

        row[row_len++] = k == 2 ? 0 : k + 1;
        if (k >= WIDE_FROM)
            row[row_len++] = 99;
    }
}

static unsigned long sequences;

static void
play(const unsigned *seq, unsigned n, size_t start)
{
    unsigned cells[64];

    restart(start);
    memset(&model, 0, sizeof(model));
    memset(row, 0, sizeof(row));
    row_len = 0;
    for (unsigned i = 0; i < n; i++) {
        type(keys[seq[i]]);
        row_key(seq[i]);
    }
    draw(cells);
    CHECK(memcmp(cells, row, 63 * sizeof(*cells)) == 0);
    CHECK(cells[63] == row_len);
    CHECK(reads_as(64, model.done));
    CHECK(!tty_lock.held && !tty_readers.lock.held);
    sequences++;
}

static void
play_all(unsigned depth, size_t start)
{
    unsigned seq[8] = {0};

    for (;;) {
        unsigned i = 0;

        play(seq, depth, start);
        while (i < depth && ++seq[i] == NKEYS)
            seq[i++] = 0;
        if (i == depth || !test_ok)
            return;
    }
}

static void
all_sequences(void)
{
    for (unsigned depth = 1; depth <= 5; depth++)
        play_all(depth, 0);
    for (size_t start = RING_SIZE - 8; start < RING_SIZE; start++)
        play_all(4, start);
}

/* --- one by one --- */

static void
small_buffers(void)
{
    for (size_t start = RING_SIZE - 12; start <= RING_SIZE; start++) {
        restart(start);
        type("abc\rde\x04\x04 f\r");
        CHECK(reads_as(1, "a|b|c|\n|d|e|$| |f|\n|"));
        restart(start);
        type("abc\rde\x04\x04 f\r");
        CHECK(reads_as(2, "ab|c\n|de|$| f|\n|"));
        restart(start);
        type("abc\rde\x04\x04 f\r");
        CHECK(reads_as(3, "abc|\n|de|$| f\n|"));
        CHECK(tty_read(NULL, 0) == 0);
    }
}

static void
line_ends(void)
{
    restart(0);
    type("a\rb\nc\r\nd\r\n\r\n\n");
    CHECK(reads_as(64, "a\n|b\n|c\n|d\n|\n|\n|"));
}

static void
escapes(void)
{
    restart(0);
    type("a\x1b[Ab\x1b[1;5Cc\x1bOPd\x1b[3~e\x1b\x1b[Bf\x1bxg\r");
    CHECK(reads_as(64, "abcdefxg\n|"));
    CHECK(strcmp(fake_out, "abcdefxg\n") == 0);
    /* A key that ends or interrupts is never part of one. */
    type("a\x1b\rb\x1b[\rc\x1bO\r");
    CHECK(reads_as(64, "a\n|b\n|c\n|"));
    type("\x1b\x03\x1b[\x03\x1bO\x03");
    CHECK(interrupts == 3);
}

static void
tabs_and_controls(void)
{
    restart(0);
    type("a\tb\x01\x02\x05\x10\x1c\r");
    tty_input('\0');
    type("\r");
    CHECK(reads_as(64, "a b\n|\n|"));
    CHECK(strcmp(fake_out, "a b\n\n") == 0);
}

/* Bytes that are not UTF-8 are kept; each goes by one backspace. */
static void
no_utf8(void)
{
    static const struct {
        const char *typed, *left;
    } cases[] = {
        {"x\xa9\x7f", "x\n|"},                 /* nothing leads it */
        {"x\xa9\xa9\x7f", "x\xa9\n|"},         /* two of them */
        {"x\xc3\x7f", "x\n|"},                 /* lead alone */
        {"x\xc3\xa9\xa9\x7f", "x\xc3\xa9\n|"}, /* one too many */
        {"x\xe4\xb8\x7f\x7f", "x\n|"},         /* one too few */
        {"\xb8\xad\x7f\x7f\x7f", "\n|"},       /* from the first byte */
        {"\xe4"
         "a\xa9\x7f",
         "\xe4"
         "a\n|"},                                            /* interrupted */
        {"\xff\xfe\x7f", "\xff\n|"},                         /* never valid */
        {"\xf8\x88\x80\x80\x80\x7f", "\xf8\x88\x80\x80\n|"}, /* five bytes */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        restart(RING_SIZE - 2);
        type(cases[i].typed);
        type("\r");
        CHECK(reads_as(64, cases[i].left));
    }
}

/* Samples from both sides of the ranges of UAX 11. */
static void
widths(void)
{
    static const uint32_t one[] = {'a',    0xe9,   0x10ff, 0x1160, 0x2e7f,
                                   0xa4d0, 0xabff, 0xd7a4, 0xff61, 0x1f2ff};
    static const uint32_t two[] = {0x1100, 0x2e80,  0x3042, 0x4e2d,  0xac00,
                                   0xf900, 0xff01,  0xffe5, 0x1f600, 0x1f914,
                                   0xfe30, 0x20000, 0x3fffd};

    for (size_t i = 0; i < ARRAY_LEN(one); i++)
        CHECK(columns(one[i]) == 1);
    for (size_t i = 0; i < ARRAY_LEN(two); i++)
        CHECK(columns(two[i]) == 2);
}

static unsigned
bells(void)
{
    unsigned n = 0;

    for (const char *s = fake_out; *s != '\0'; s++)
        n += *s == '\a';
    return n;
}

static void
long_line(void)
{
    static char buf[RING_SIZE + 1];

    restart(77);
    for (unsigned i = 0; i < RING_SIZE + 9; i++)
        tty_input('x');
    CHECK(bells() == 10);
    CHECK(tty_line.edit_pos - tty_line.read_pos == RING_SIZE - 1);
    type("\x7fy\r"); /* editing works, and so does the end */
    CHECK(bells() == 10);
    type("\r\x04z"); /* but now there is no room even for that */
    CHECK(bells() == 13);
    CHECK(tty_read(buf, sizeof(buf)) == RING_SIZE);
    CHECK(buf[RING_SIZE - 3] == 'x' && buf[RING_SIZE - 2] == 'y' &&
          buf[RING_SIZE - 1] == '\n');
    type("ok\r");
    CHECK(reads_as(64, "ok\n|"));
}

/* --- readers that have to wait --- */

static const char *script;

static void
world(void)
{
    CHECK(!tty_lock.held);
    type(script);
}

static void
sleeping_reader(void)
{
    char buf[16];

    restart(0);
    fake_world = world;
    script = "hi\r";
    CHECK(tty_read(buf, sizeof(buf)) == 3 && memcmp(buf, "hi\n", 3) == 0);
    script = "\x04";
    CHECK(tty_read(buf, sizeof(buf)) == 0);
    script = "abc\x03";
    CHECK(tty_read(buf, sizeof(buf)) == -EINTR);
    script = "def\r";
    CHECK(tty_read(buf, sizeof(buf)) == 4 && memcmp(buf, "def\n", 4) == 0);
    CHECK(strcmp(fake_out, "hi\nabc^C\ndef\n") == 0);
}

static void
interrupt_before_the_read(void)
{
    char buf[16];

    restart(0);
    type("half\x03");
    CHECK(tty_read(buf, sizeof(buf)) == -EINTR);
    type("x\x03line\r");
    CHECK(reads_as(64, "line\n|"));
    type("\x03");
    CHECK(tty_read(buf, sizeof(buf)) == -EINTR);
}

/* Whoever is to die does not wait for a line. */
static void
interrupted_reader(void)
{
    char buf[8];

    restart(0);
    fake_interrupted = true;
    CHECK(tty_read(buf, sizeof(buf)) == -EINTR);
    type("a\r");
    CHECK(tty_read(buf, sizeof(buf)) == 2);
    fake_interrupted = false;
}

/* --- modes --- */

static void
set_modes(struct lineedit_modes m)
{
    lineedit_set_modes(&tty_line, &m);
}

static void
raw_mode(void)
{
    char buf[16];
    struct lineedit_modes m = {.raw = true, .cr_stays = true, .quiet = true};

    restart(0);
    type("half");
    set_modes(m);
    CHECK(lineedit_count(&tty_line) == 4);
    fake_out_clear();
    type("\x04\x03\r\n\x1b[A\x7f");
    CHECK(lineedit_take(&tty_line, buf, 4) == 4 && memcmp(buf, "half", 4) == 0);
    CHECK(lineedit_take(&tty_line, buf, 16) == 8);
    CHECK(memcmp(buf, "\x04\x03\r\n\x1b[A\x7f", 8) == 0);
    CHECK(fake_out[0] == 0 && !tty_ready());
    m.cr_stays = false;
    m.quiet = false;
    set_modes(m);
    type("\r\n");
    CHECK(lineedit_take(&tty_line, buf, 16) == 2 &&
          memcmp(buf, "\n\n", 2) == 0);
    for (unsigned i = 0; i < 2 * RING_SIZE; i++)
        type("x");
    CHECK(lineedit_count(&tty_line) == RING_SIZE);
}

static void
quiet_mode(void)
{
    struct lineedit_modes m = lineedit_default;

    restart(0);
    m.quiet = true;
    set_modes(m);
    type("sec\x7fret\r");
    CHECK(reads_as(64, "seret\n|") && fake_out[0] == 0);
    m.show_newline = true;
    set_modes(m);
    type("a\r");
    CHECK(reads_as(64, "a\n|") && strcmp(fake_out, "\n") == 0);
}

static void
other_keys(void)
{
    struct lineedit_modes m = lineedit_default;

    restart(0);
    m.key[KEY_SUSPEND] = 0x1a;
    m.key[KEY_QUIT] = 0x1c;
    m.key[KEY_INTERRUPT] = 0;
    m.key[KEY_KILL] = 'K';
    set_modes(m);
    CHECK(lineedit_key(&tty_line, 0x1a) == LINEEDIT_SUSPEND);
    CHECK(lineedit_key(&tty_line, 0x1c) == LINEEDIT_QUIT);
    CHECK(lineedit_key(&tty_line, 3) == LINEEDIT_MORE);
    CHECK(strcmp(fake_out, "^Z\n^\\\n") == 0);
    type("abcKd\r");
    CHECK(reads_as(64, "d\n|"));
    m.keep = true;
    set_modes(m);
    type("ab");
    CHECK(lineedit_key(&tty_line, 0x1a) == LINEEDIT_SUSPEND);
    type("c\r");
    CHECK(reads_as(64, "abc\n|"));
}

static void
interrupt_key(void)
{
    restart(0);
    tty_set_interrupt(hook);
    hook_calls = 0;
    type("old\rhalf\x03");
    CHECK(hook_calls == 1 && hook_last == CTRL('C'));
    type("new\x10 line\r"); /* Ctrl-P: asked, but not part of the line */
    CHECK(hook_calls == 2 && hook_last == CTRL('P'));
    CHECK(reads_as(64, "new line\n|"));
}

int
main(void)
{
    RUN(all_sequences);
    printf("  %lu sequences\n", sequences);
    RUN(small_buffers);
    RUN(line_ends);
    RUN(escapes);
    RUN(tabs_and_controls);
    RUN(no_utf8);
    RUN(widths);
    RUN(long_line);
    RUN(sleeping_reader);
    RUN(interrupt_before_the_read);
    RUN(interrupted_reader);
    RUN(raw_mode);
    RUN(quiet_mode);
    RUN(other_keys);
    RUN(interrupt_key);
    return test_summary("test_tty");
}
