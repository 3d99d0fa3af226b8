/* test_event.c: the format of records, with and without a channel of their
 * own, and that nothing printed can be mistaken for one. */
#include "driver_fake.h"

#include "kern/driver/event.c"
#include "libs/frame.c"

static uint32_t
crc_of(const char *s)
{
    return crc32(s, strlen(s));
}

/* Published check values; the first is the one of every CRC catalogue. */
static void
crc_vectors(void)
{
    CHECK(crc_of("123456789") == 0xcbf43926);
    CHECK(crc_of("") == 0);
    CHECK(crc_of("a") == 0xe8b7be43);
    CHECK(crc_of("abc") == 0x352441c2);
    CHECK(crc_of("The quick brown fox jumps over the lazy dog") == 0x414fa339);
}

/* Any single flipped bit, and any two neighbouring bytes swapped, is seen. */
static void
crc_notices(void)
{
    char s[] = "17 3 123456 test list_order ok";
    size_t n = strlen(s);
    uint32_t good = crc32(s, n);

    for (size_t bit = 0; bit < n * 8; bit++) {
        s[bit / 8] ^= (char)(1 << bit % 8);
        CHECK(crc32(s, n) != good);
        s[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        char first = s[i];

        s[i] = s[i + 1];
        s[i + 1] = first;
        CHECK(first == s[i] || crc32(s, n) != good);
        s[i + 1] = s[i];
        s[i] = first;
    }
    CHECK(crc32(s, n) == good);
}

/* Read a frame as tools/ would: returns its line, NULL if it is damaged. */
static const char *
unframe(const char *s)
{
    static char line[512];
    const char *begin = strchr(s, '\x1e'), *end = strchr(s, '\x1f');
    char *blank;

    if (begin == NULL || end == NULL || begin > end)
        return NULL;
    memcpy(line, begin + 1, (size_t)(end - begin - 1));
    line[end - begin - 1] = '\0';
    blank = strrchr(line, ' ');
    if (blank == NULL || strlen(blank + 1) != 8)
        return NULL;
    *blank = '\0';
    return crc_of(line) == strtoul(blank + 1, NULL, 16) ? line : NULL;
}

static void
start(void (*sink)(const char *s, size_t n), uint64_t seq)
{
    fake_out_clear();
    event_set_sink(sink);
    event_seq = seq;
    fake_time = 1000;
    cpus[2].id = 2;
    fake_cpu = &cpus[2];
}

static void
dropped_before_there_is_a_channel(void)
{
    fake_out_clear();
    CHECK(!event_wanted());
    event("boot", "%s", "nobody listens");
    CHECK(strcmp(fake_out, "") == 0);
    start(NULL, 0);
    CHECK(event_wanted());
}

static void
framed(void)
{
    start(NULL, 0);
    event("test", "%s %d", "list ok", -3);
    CHECK(strcmp(fake_out, "\x1e"
                           "0 2 1000 test list ok -3 3bd7e8e7\x1f\n") == 0);
    CHECK(strcmp(unframe(fake_out), "0 2 1000 test list ok -3") == 0);
    fake_out_clear();
    event("boot", "%s", "");
    CHECK(strcmp(unframe(fake_out), "1 2 1001 boot") == 0);
    CHECK(!event_lock.held && fake_irq_depth == 0);
}

static void
to_sink(void)
{
    start(fake_console_write, 41);
    event("a", "%u", 7u);
    event("b", "x  ");
    CHECK(strcmp(fake_out, "41 2 1000 a 7\n42 2 1001 b x\n") == 0);
}

/* A record cannot be torn apart by its own arguments. */
static void
control_bytes(void)
{
    start(fake_console_write, 0);
    event("e", "a\nb\x1e"
               "c\x1f\x7f\r\t\xc3\xa9");
    CHECK(strcmp(fake_out, "0 2 1000 e a.b.c....\xc3\xa9\n") == 0);
}

/* Of every length around the limit: cut, still one line, still framed. */
static void
long_lines(void)
{
    char text[EVENT_MAX + 40];

    for (size_t n = 0; n < sizeof(text); n++) {
        memset(text, 'x', n);
        text[n] = '\0';
        start(fake_console_write, 9);
        event("long", "%s", text);
        CHECK(fake_out_len <= EVENT_MAX + 1);
        CHECK(strchr(fake_out, '\n') == fake_out + fake_out_len - 1);
        start(NULL, 9);
        event("long", "%s", text);
        CHECK(unframe(fake_out) != NULL);
        CHECK(strncmp(unframe(fake_out), "9 2 1000 long", 13) == 0);
    }
    memset(text, 'i', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    start(NULL, UINT64_MAX);
    event(text, "%s", text);
    CHECK(unframe(fake_out) != NULL);
}

/* A hart that was stopped inside event() does not keep the last one quiet. */
static void
after_panic(void)
{
    start(NULL, 5);
    event_lock.held = true;
    event_bust_lock();
    event("exit", "%d", 1);
    CHECK(strcmp(unframe(fake_out), "5 2 1000 exit 1") == 0);
    CHECK(event_lock.held && fake_irq_depth == 0);
    event_lock.held = false;
    event("exit", "%d", 2);
    CHECK(!event_lock.held);
}

int
main(void)
{
    RUN(crc_vectors);
    RUN(crc_notices);
    RUN(dropped_before_there_is_a_channel);
    RUN(framed);
    RUN(to_sink);
    RUN(control_bytes);
    RUN(long_lines);
    RUN(after_panic);
    return test_summary("test_event");
}
