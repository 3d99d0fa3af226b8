/* stdio.h: three streams, formatted output, lines in.
 *
 * stdout is buffered by lines on a terminal, else by blocks; stderr is not. */
#ifndef USER_STDIO_H
#define USER_STDIO_H

#include <stdarg.h>
#include <stddef.h>
#include <util.h>

#define EOF    (-1)
#define BUFSIZ 1024

typedef struct stream FILE;
extern FILE *const stdin, *const stdout, *const stderr;

int printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
int fprintf(FILE *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
int dprintf(int fd, const char *fmt, ...) PRINTF_LIKE(2, 3);
int vfprintf(FILE *f, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int puts(const char *s);
int fputs(const char *s, FILE *f);
int putchar(int c);
int fputc(int c, FILE *f);
int getchar(void);
char *fgets(char *buf, int size, FILE *f);
int fflush(FILE *f); /* NULL: both output streams */
void perror(const char *what);
int rename(const char *from, const char *to);

#endif
