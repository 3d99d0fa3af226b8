/* string.h: the parts of the C library's string functions the kernel and our
 * user programs use.  Contracts are those of ISO C11 section 7.24. */
#ifndef LIBS_STRING_H
#define LIBS_STRING_H

#include <stddef.h>

void *memset(void *dst, int c, size_t n);
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copy SRC into the SIZE bytes at DST, cut if need be, always terminated.
 * Returns the length of SRC, so a result >= SIZE says "cut". */
size_t strlcpy(char *dst, const char *src, size_t size);

/* Parse an unsigned number at S: decimal, or hexadecimal after "0x".  *END is
 * set to the first character not used (S itself if there was no digit).
 * Values beyond 64 bits saturate. */
unsigned long long strtoull_simple(const char *s, const char **end);

#endif
