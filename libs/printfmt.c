/* printfmt.c: one conversion is read into a struct spec, then printed. */
#include <printfmt.h>
#include <stdint.h>
#include <string.h>

struct out {
    void (*put)(void *arg, char c);
    void *arg;
    int count;
};

struct spec {
    bool left, zero, plus, space, alt;
    int width, precision; /* precision -1: none given */
    char length;          /* 'H' for hh, 'L' for ll, else the letter or 0 */
};

static void
emit(struct out *o, char c)
{
    o->put(o->arg, c);
    o->count++;
}

static void
emit_padded(struct out *o, const struct spec *s, const char *prefix,
            const char *text, int len, int zeros)
{
    int plen = (int)strlen(prefix);
    int fill = s->width - plen - len - zeros;

    if (s->zero && !s->left && s->precision < 0 && fill > 0) {
        zeros += fill;
        fill = 0;
    }
    for (; !s->left && fill > 0; fill--)
        emit(o, ' ');
    while (*prefix != '\0')
        emit(o, *prefix++);
    while (zeros-- > 0)
        emit(o, '0');
    while (len-- > 0)
        emit(o, *text++);
    for (; fill > 0; fill--)
        emit(o, ' ');
}

static void
emit_number(struct out *o, const struct spec *s, uint64_t v, unsigned base,
            bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char buf[24];
    char *p = buf + sizeof(buf);
    int len;

    for (; v != 0; v /= base)
        *--p = digits[v % base];
    if (p == buf + sizeof(buf) && s->precision != 0)
        *--p = '0';
    len = (int)(buf + sizeof(buf) - p);
    emit_padded(o, s, prefix, p, len, MAX(s->precision - len, 0));
}

static uint64_t
get_unsigned(va_list *ap, char length)
{
    switch (length) {
    case 'H':
        return (unsigned char)va_arg(*ap, unsigned);
    case 'h':
        return (unsigned short)va_arg(*ap, unsigned);
    case 'l':
    case 'L':
    case 'z':
    case 't':
        return va_arg(*ap, uint64_t);
    default:
        return va_arg(*ap, unsigned);
    }
}

static int64_t
get_signed(va_list *ap, char length)
{
    switch (length) {
    case 'H':
        return (signed char)va_arg(*ap, int);
    case 'h':
        return (short)va_arg(*ap, int);
    case 'l':
    case 'L':
    case 'z':
    case 't':
        return va_arg(*ap, int64_t);
    default:
        return va_arg(*ap, int);
    }
}

static const char *
parse_count(const char *f, int *value, va_list *ap)
{
    if (*f == '*') {
        *value = va_arg(*ap, int);
        return f + 1;
    }
    for (*value = 0; *f >= '0' && *f <= '9'; f++)
        *value = *value * 10 + (*f - '0');
    return f;
}

static const char *
parse_spec(const char *f, struct spec *s, va_list *ap)
{
    *s = (struct spec){.precision = -1};
    for (;; f++) {
        if (*f == '-')
            s->left = true;
        else if (*f == '0')
            s->zero = true;
        else if (*f == '+')
            s->plus = true;
        else if (*f == ' ')
            s->space = true;
        else if (*f == '#')
            s->alt = true;
        else
            break;
    }
    f = parse_count(f, &s->width, ap);
    if (s->width < 0) {
        s->left = true;
        s->width = -s->width;
    }
    if (*f == '.')
        f = parse_count(f + 1, &s->precision, ap);
    if (*f != '\0' && strchr("hlzt", *f) != NULL) {
        s->length = *f++;
        if (s->length == f[0] && (f[0] == 'h' || f[0] == 'l'))
            s->length = *f++ == 'h' ? 'H' : 'L';
    }
    return f;
}

static void
emit_string(struct out *o, struct spec *s, const char *text)
{
    size_t max = s->precision < 0 ? SIZE_MAX : (size_t)s->precision;

    if (text == NULL)
        text = "(null)";
    s->precision = -1;
    s->zero = false;
    emit_padded(o, s, "", text, (int)strnlen(text, max), 0);
}

static void
emit_signed(struct out *o, const struct spec *s, int64_t v)
{
    const char *sign = v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";

    emit_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, sign);
}

static void
emit_unsigned(struct out *o, struct spec *s, char conv, uint64_t v)
{
    unsigned base = conv == 'u' ? 10 : conv == 'o' ? 8 : 16;
    const char *prefix = "";

    if (s->alt && base == 16 && v != 0)
        prefix = conv == 'X' ? "0X" : "0x";
    if (s->alt && base == 8) /* one digit more than it has, which is a 0 */
        s->precision =
            MAX(s->precision, v == 0 ? 1 : (int)log2_floor(v) / 3 + 2);
    emit_number(o, s, v, base, conv == 'X', prefix);
}

/* Print the conversion whose letter is *F; returns what follows it. */
static const char *
convert(struct out *o, const char *f, struct spec *s, va_list *ap)
{
    char c;

    switch (*f) {
    case 'd':
    case 'i':
        emit_signed(o, s, get_signed(ap, s->length));
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        emit_unsigned(o, s, *f, get_unsigned(ap, s->length));
        break;
    case 'p':
        emit_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, false, "0x");
        break;
    case 'c':
        c = (char)va_arg(*ap, int);
        s->zero = false;
        emit_padded(o, s, "", &c, 1, 0);
        break;
    case 's':
        emit_string(o, s, va_arg(*ap, const char *));
        break;
    case '\0':
        return f;
    default:
        if (*f != '%')
            emit(o, '%');
        emit(o, *f);
    }
    return f + 1;
}

int
vprintfmt(void (*put)(void *arg, char c), void *arg, const char *fmt,
          va_list ap)
{
    struct out o = {.put = put, .arg = arg};
    struct spec s;
    va_list args;

    va_copy(args, ap);
    while (*fmt != '\0') {
        if (*fmt != '%') {
            emit(&o, *fmt++);
            continue;
        }
        fmt = parse_spec(fmt + 1, &s, &args);
        fmt = convert(&o, fmt, &s, &args);
    }
    va_end(args);
    return o.count;
}

struct buffer {
    char *pos, *end;
};

static void
put_buffer(void *arg, char c)
{
    struct buffer *b = arg;

    if (b->pos < b->end)
        *b->pos++ = c;
}

int
vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct buffer b = {.pos = buf, .end = size > 0 ? buf + size - 1 : buf};
    int n = vprintfmt(put_buffer, &b, fmt, ap);

    if (size > 0)
        *b.pos = '\0';
    return n;
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
