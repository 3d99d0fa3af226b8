/* string.c: copying and comparing bytes, eight at a time where both sides
 * allow it.
 *
 * The inner loops of memset() and memcpy() are written out by the compiler, so
 * that of the instructions for a page nearly all move a word of it:
 *
 *   memset, 4096 bytes    8 turns x (64 stores + 3)              =  536
 *   memcpy, 4096 bytes    8 turns x (64 loads + 64 stores + 4)   = 1056
 *
 * What is left goes in groups of eight words.  The copy loads eight words before it stores them: a hart that executes in
 * order would wait for each load otherwise. */
#include <stdint.h>
#include <string.h>

#define WORD  sizeof(uint64_t)
#define TURN  64 /* words per turn of the long loops */
#define GROUP 8  /* words in registers at a time */

/* The compiler may not assume that bytes and words do not overlap. */
typedef uint64_t __attribute__((may_alias)) word_t;

void *
memset(void *dst, int c, size_t n)
{
    unsigned char *d = dst;
    uint64_t pattern = (unsigned char)c * 0x0101010101010101ull;

    for (; n > 0 && (uintptr_t)d % WORD != 0; n--)
        *d++ = (unsigned char)c;
    for (; n >= TURN * WORD; n -= TURN * WORD, d += TURN * WORD) {
#pragma GCC unroll 64
        for (unsigned i = 0; i < TURN; i++)
            ((word_t *)d)[i] = pattern;
    }
    for (; n >= GROUP * WORD; n -= GROUP * WORD, d += GROUP * WORD) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < GROUP; i++)
            ((word_t *)d)[i] = pattern;
    }
    for (; n >= WORD; n -= WORD, d += WORD)
        *(word_t *)d = pattern;
    while (n-- > 0)
        *d++ = (unsigned char)c;
    return dst;
}

static inline void
copy_group(word_t *d, const word_t *s)
{
    word_t w[GROUP];

#pragma GCC unroll 8
    for (unsigned i = 0; i < GROUP; i++)
        w[i] = s[i];
#pragma GCC unroll 8
    for (unsigned i = 0; i < GROUP; i++)
        d[i] = w[i];
}

static void
copy_up(unsigned char *d, const unsigned char *s, size_t n)
{
    if (((uintptr_t)d ^ (uintptr_t)s) % WORD == 0) {
        for (; n > 0 && (uintptr_t)d % WORD != 0; n--)
            *d++ = *s++;
        for (; n >= TURN * WORD;
             n -= TURN * WORD, d += TURN * WORD, s += TURN * WORD) {
#pragma GCC unroll 8
            for (unsigned i = 0; i < TURN; i += GROUP)
                copy_group((word_t *)d + i, (const word_t *)s + i);
        }
        for (; n >= GROUP * WORD;
             n -= GROUP * WORD, d += GROUP * WORD, s += GROUP * WORD)
            copy_group((word_t *)d, (const word_t *)s);
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

    for (; n >= 4; n -= 4, x += 4, y += 4) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++) {
            if (x[i] != y[i])
                return x[i] - y[i];
        }
    }
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
