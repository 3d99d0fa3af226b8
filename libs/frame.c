/* frame.c: a line between two marks, with its checksum. */
#include <frame.h>

#include <string.h>

#define CRC_POLYNOME 0xedb88320u

uint32_t
crc32_more(uint32_t crc, const void *s, size_t n)
{
    const uint8_t *p = s;

    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC_POLYNOME : 0);
    }
    return ~crc;
}

uint32_t
crc32(const void *s, size_t n)
{
    return crc32_more(0, s, n);
}

size_t
frame_clean(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((uint8_t)line[i] < ' ' || line[i] == '\x7f')
            line[i] = '.';
    }
    while (n > 0 && line[n - 1] == ' ')
        n--;
    return n;
}

size_t
frame_make(char *frame, const char *line, size_t n)
{
    uint32_t crc = crc32(line, n);
    char *p = frame;

    *p++ = FRAME_BEGIN;
    memcpy(p, line, n);
    p += n;
    *p++ = ' ';
    for (int shift = 28; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[crc >> shift & 15];
    *p++ = FRAME_END;
    *p++ = '\n';
    return (size_t)(p - frame);
}
