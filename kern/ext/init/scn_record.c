/* scn_record.c: signs what is reported about scenarios; a first reader may skip it.
 *
 *     "step 3 ok" --> "7 step 3 ok" --SipHash under the run's key--> tag
 *                                                     |
 *     event channel:  SEQ HART TIME scn step 3 ok TAG
 *
 * On a board there is no event channel: then the runner names a key, and the same
 * line goes to the console in a frame (libs/frame.h), with the number as its SEQ.
 *
 * The number counts the records, so that none can be sent twice.  J.-P. Aumasson,
 * D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012. */
#include "debug/printk.h"
#include "driver/event.h"
#include "ext/init/scn.h"
#include "sync/spinlock.h"
#include <bootargs.h>
#include <errno.h>
#include <frame.h>
#include <printfmt.h>
#include <string.h>

static uint64_t key[2];   /* [I], or the runner's */
static bool has_key;      /* [I] from the boot arguments */
static bool on_console;   /* the runner's */
static uint64_t nrecords; /* the runner's */

static uint64_t
rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void
sip_rounds(uint64_t v[4], unsigned n)
{
    while (n-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t
siphash(const char *s, size_t n)
{
    uint64_t v[4] = {
        key[0] ^ 0x736f6d6570736575ul, key[1] ^ 0x646f72616e646f6dul,
        key[0] ^ 0x6c7967656e657261ul, key[1] ^ 0x7465646279746573ul};
    uint64_t word = 0;

    for (size_t i = 0; i <= n; i++) {
        bool last = i == n;

        if (!last)
            word |= (uint64_t)(uint8_t)s[i] << 8 * (i % 8);
        if (last)
            word |= (uint64_t)n << 56;
        if (last || i % 8 == 7) {
            v[3] ^= word;
            sip_rounds(v, 2);
            v[0] ^= word;
            word = 0;
        }
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* TEXT begins with its number of LEN bytes. */
static void
send_frame(const char *text, int len, uint64_t tag)
{
    char line[SCN_TEXT + 80], frame[SCN_TEXT + 80 + FRAME_EXTRA];
    size_t n =
        (size_t)snprintf(line, sizeof(line), "%.*s%u %lu scn %s %016lx", len,
                         text, this_cpu()->id, time_now(), text + len, tag);

    n = frame_clean(line, MIN(n, sizeof(line) - 1));
    console_write(frame, frame_make(frame, line, n));
}

void
scn_record(const char *what, size_t n)
{
    char text[SCN_TEXT + 24];
    int len = snprintf(text, sizeof(text), "%lu ", nrecords++);
    uint64_t tag;

    n = MIN(n, SCN_TEXT);
    memcpy(text + len, what, n);
    text[(size_t)len + n] = 0;
    tag = siphash(text, (size_t)len + n);
    if (on_console)
        send_frame(text, len, tag);
    else
        event("scn", "%s %016lx", text + len, tag);
}

int
scn_on_console(const uint64_t new_key[2])
{
    if (has_key)
        return -EPERM;
    memcpy(key, new_key, sizeof(key));
    on_console = true;
    nrecords = 0;
    return 0;
}

void
scn_number(uint64_t n)
{
    nrecords = n;
}

/* Who reads the device tree later finds no key there. */
static void
forget_key(char *args)
{
    static const char name[] = "scnkey=";
    size_t n = sizeof(name) - 1;

    for (; *args != 0; args++) {
        if (strncmp(args, name, n) != 0)
            continue;
        for (args += n; *args != 0 && *args != ' ';)
            *args++ = 'x';
        args--;
    }
}

void
scn_key(const struct machine *m)
{
    char text[BOOTARG_MAX];

    if (has_key || !bootarg_get(m->bootargs, "scnkey", text, sizeof(text)))
        return;
    has_key = true;
    for (unsigned i = 0; i < 32 && text[i] != 0; i++) {
        unsigned c = (unsigned char)text[i];

        key[i / 16] =
            key[i / 16] << 4 | (c <= '9' ? c - '0' : (c - 'a' + 10) & 15);
    }
    forget_key((char *)m->bootargs);
}
