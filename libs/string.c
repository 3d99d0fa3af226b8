/* string.c: copying and comparing bytes, eight at a time where both sides
 * allow it.  A page is cleared and copied by page_zero() and page_copy() in
 * mm/page.h, not here. */
#include <stdint.h>
#include <string.h>

#define WORD sizeof(uint64_t)

/* The compiler may not assume that bytes and words do not overlap. */
typedef uint64_t __attribute__((may_alias)) word_t;

void *
memset(void *dst, int c, size_t n)
{
    unsigned char *d = dst;
    uint64_t pattern = (unsigned char)c * 0x0101010101010101ull;

    for (; n > 0 && (uintptr_t)d % WORD != 0; n--)
        *d++ = (unsigned char)c;
    for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD) {
        ((word_t *)d)[0] = pattern;
        ((word_t *)d)[1] = pattern;
        ((word_t *)d)[2] = pattern;
        ((word_t *)d)[3] = pattern;
    }
    for (; n >= WORD; n -= WORD, d += WORD)
        *(word_t *)d = pattern;
    while (n-- > 0)
        *d++ = (unsigned char)c;
    return dst;
}

static void
copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
    if (((uintptr_t)d ^ (uintptr_t)s) % WORD == 0) {
        for (; n > 0 && (uintptr_t)d % WORD != 0; n--)
            *d++ = *s++;
        for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD, s += 4 * WORD) {
            uint64_t w0 = ((const word_t *)s)[0], w1 = ((const word_t *)s)[1];
            uint64_t w2 = ((const word_t *)s)[2], w3 = ((const word_t *)s)[3];

            ((word_t *)d)[0] = w0;
            ((word_t *)d)[1] = w1;
            ((word_t *)d)[2] = w2;
            ((word_t *)d)[3] = w3;
        }
        for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
            *(word_t *)d = *(const word_t *)s;
    }
    while (n-- > 0)
        *d++ = *s++;
}

void *
memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    copy_up(dst, src, n);
    return dst;
}

void *
memmove(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n) {
        copy_up(d, s, n);
        return dst;
    }
    while (n-- > 0)
        d[n] = s[n];
    return dst;
}

int
memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *
memchr(const void *s, int c, size_t n)
{
    const unsigned char *p = s;

    for (; n > 0; n--, p++)
        if (*p == (unsigned char)c)
            return (void *)p;
    return NULL;
}

size_t
strlen(const char *s)
{
    const char *p = s;

    while (*p != '\0')
        p++;
    return (size_t)(p - s);
}

size_t
strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n] != '\0')
        n++;
    return n;
}

int
strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++)
        if (*a != *b || *a == '\0')
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

char *
strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (*s == '\0')
            return NULL;
    }
}

char *
strrchr(const char *s, int c)
{
    const char *found = NULL;

    do {
        if (*s == (char)c)
            found = s;
    } while (*s++ != '\0');
    return (char *)found;
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);

    if (size > 0) {
        size_t n = len < size ? len : size - 1;

        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

unsigned long long
strtoull_simple(const char *s, const char **end)
{
    unsigned base = 10;
    unsigned long long v = 0;
    const char *p = s;

    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_value(p[2]) < 16) {
        base = 16;
        p += 2;
    }
    while (digit_value(*p) < (int)base) {
        unsigned d = (unsigned)digit_value(*p++);

        v = v > (~0ull - d) / base ? ~0ull : v * base + d;
    }
    *end = p;
    return v;
}
