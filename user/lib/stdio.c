/* stdio.c: three streams with a buffer each. */
#include <errno.h>
#include <printfmt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BY_BLOCK, BY_LINE, AT_ONCE, UNKNOWN };

struct stream {
    int fd, kind;
    size_t n, at; /* bytes in the buffer; input: next one */
    char buf[BUFSIZ];
};

static struct stream in = {.fd = 0}, out = {.fd = 1, .kind = UNKNOWN},
                     err = {.fd = 2, .kind = AT_ONCE};
FILE *const stdin = &in, *const stdout = &out, *const stderr = &err;

int
fflush(FILE *f)
{
    size_t done = 0;

    if (f == NULL)
        return fflush(stdout) | fflush(stderr);
    while (done < f->n) {
        ssize_t r = write(f->fd, f->buf + done, f->n - done);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        done += (size_t)r;
    }
    f->n = 0;
    return 0;
}

int
fputc(int c, FILE *f)
{
    if (f->kind == UNKNOWN)
        f->kind = isatty(f->fd) ? BY_LINE : BY_BLOCK;
    f->buf[f->n++] = (char)c;
    if (f->n == BUFSIZ || f->kind == AT_ONCE ||
        (f->kind == BY_LINE && c == '\n'))
        fflush(f);
    return (unsigned char)c;
}

int
putchar(int c)
{
    return fputc(c, stdout);
}

int
fputs(const char *s, FILE *f)
{
    while (*s != 0)
        fputc(*s++, f);
    return 0;
}

int
puts(const char *s)
{
    fputs(s, stdout);
    fputc('\n', stdout);
    return 0;
}

static void
put_stream(void *arg, char c)
{
    fputc(c, arg);
}

int
vfprintf(FILE *f, const char *fmt, va_list ap)
{
    int kind = f->kind, n;

    if (kind == AT_ONCE) /* not one call per character */
        f->kind = BY_BLOCK;
    n = vprintfmt(put_stream, f, fmt, ap);
    f->kind = kind == AT_ONCE ? AT_ONCE : f->kind;
    if (kind == AT_ONCE)
        fflush(f);
    return n;
}

int
fprintf(FILE *f, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vfprintf(f, fmt, ap);
    va_end(ap);
    return n;
}

int
printf(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vfprintf(stdout, fmt, ap);
    va_end(ap);
    return n;
}

int
dprintf(int fd, const char *fmt, ...)
{
    struct stream s = {.fd = fd, .kind = BY_BLOCK};
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vprintfmt(put_stream, &s, fmt, ap);
    va_end(ap);
    fflush(&s);
    return n;
}

int
getchar(void)
{
    if (in.at == in.n) {
        ssize_t r;

        fflush(stdout);
        r = read(in.fd, in.buf, BUFSIZ);
        if (r <= 0)
            return EOF;
        in.n = (size_t)r;
        in.at = 0;
    }
    return (unsigned char)in.buf[in.at++];
}

char *
fgets(char *buf, int size, FILE *f)
{
    int n = 0, c = 0;

    while (f == stdin && n < size - 1 && c != '\n' && (c = getchar()) != EOF)
        buf[n++] = (char)c;
    if (n == 0)
        return NULL;
    buf[n] = 0;
    return buf;
}

void
perror(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
}
