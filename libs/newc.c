/* newc.c: see newc.h.  Every length is checked against what is left. */
#include <newc.h>

#include <stdbool.h>
#include <string.h>

#define HEADER 110
#define FIELDS 13

enum {
    F_INO,
    F_MODE,
    F_UID,
    F_GID,
    F_NLINK,
    F_MTIME,
    F_SIZE,
    F_DEVMAJOR,
    F_DEVMINOR,
    F_RDEVMAJOR,
    F_RDEVMINOR,
    F_NAMESIZE,
    F_CHECK
};

/* Eight hexadecimal digits. */
static bool
parse_field(const char *s, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned c = (unsigned char)s[i];
        unsigned digit = c - '0' < 10          ? c - '0'
                         : (c | 32) - 'a' < 6u ? (c | 32) - 'a' + 10
                                               : 16;

        if (digit > 15)
            return false;
        *value = *value << 4 | digit;
    }
    return true;
}

static bool
only_zeros(const char *p, size_t n)
{
    for (; n > 0; n--)
        if (*p++ != 0)
            return false;
    return true;
}

static size_t
padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

enum newc_result
newc_next(const void *archive, size_t size, size_t *pos, struct newc_entry *e)
{
    const char *h = (const char *)archive + *pos;
    size_t left = size - *pos, name_end, data_end;
    uint32_t f[FIELDS];

    if (left < HEADER || memcmp(h, "07070", 5) != 0)
        return only_zeros(h, left) ? NEWC_END : NEWC_BAD;
    if (h[5] != '1' && h[5] != '2')
        return NEWC_BAD;
    for (unsigned i = 0; i < FIELDS; i++)
        if (!parse_field(h + 6 + 8 * i, &f[i]))
            return NEWC_BAD;
    if (f[F_NAMESIZE] == 0 || f[F_NAMESIZE] > left - HEADER)
        return NEWC_BAD;
    name_end = padded(HEADER + f[F_NAMESIZE]);
    if (h[HEADER + f[F_NAMESIZE] - 1] != 0 || name_end > left ||
        f[F_SIZE] > left - name_end)
        return NEWC_BAD;
    data_end = name_end + padded(f[F_SIZE]);
    *e = (struct newc_entry){h + HEADER,   f[F_MODE],      f[F_UID],
                             f[F_GID],     f[F_NLINK],     f[F_MTIME],
                             f[F_INO],     f[F_RDEVMAJOR], f[F_RDEVMINOR],
                             h + name_end, f[F_SIZE],      *pos + name_end};
    if (strcmp(e->name, "TRAILER!!!") == 0)
        return NEWC_END;
    *pos += data_end < left ? data_end : left;
    return NEWC_ENTRY;
}
