/* strace.c: adds printing of the calls that traced programs make to
 * syscall/syscall.c; a first reader may skip it.
 *
 *     [5] openat(-100, "/etc/motd", 0, 0) = -1 ENOENT
 *
 * A call is printed when it returns, so that lines of several programs do not
 * mix; one that never does, before. */
#include "debug/printk.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <printfmt.h>
#include <string.h>

#define STRING_MAX 32

static const char *const errors[] = {
#define E(name) [name] = #name
    E(EPERM),  E(ENOENT), E(ESRCH),     E(EINTR),     E(EIO),
    E(ENXIO),  E(E2BIG),  E(ENOEXEC),   E(EBADF),     E(ECHILD),
    E(EAGAIN), E(ENOMEM), E(EACCES),    E(EFAULT),    E(EBUSY),
    E(EEXIST), E(EXDEV),  E(ENODEV),    E(ENOTDIR),   E(EISDIR),
    E(EINVAL), E(ENFILE), E(EMFILE),    E(ENOTTY),    E(ETXTBSY),
    E(EFBIG),  E(ENOSPC), E(ESPIPE),    E(EROFS),     E(EMLINK),
    E(EPIPE),  E(EDOM),   E(ERANGE),    E(EDEADLK),   E(ENAMETOOLONG),
    E(ENOSYS), E(ELOOP),  E(ENOTEMPTY), E(EOVERFLOW), E(ETIMEDOUT),
#undef E
};

/* A line being put together. */
struct line {
    char *text;
    size_t n;
};

static void
put(struct line *l, const char *fmt, ...)
{
    size_t room = TRACE_LINE - l->n;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(l->text + l->n, room, fmt, ap);
    va_end(ap);
    l->n += MIN((size_t)n, room - 1);
}

/* The string at ADDR, as far as it can be read, in quotes. */
static void
put_string(struct line *l, uintptr_t addr)
{
    char text[STRING_MAX + 1];
    long n = strncpy_from_user(text, addr, STRING_MAX);

    if (n < 0) {
        put(l, "%#lx", addr);
        return;
    }
    text[MIN(n, STRING_MAX)] = 0;
    for (char *p = text; *p != 0; p++)
        *p = *p < ' ' || *p == 127 ? '.' : *p;
    put(l, "\"%s\"%s", text, n == STRING_MAX ? "..." : "");
}

static void
put_value(struct line *l, char kind, uint64_t v)
{
    switch (kind) {
    case 'd':
    case 'f':
        put(l, "%ld", (long)(int)v);
        break;
    case 'u':
        put(l, "%lu", v);
        break;
    case 'o':
        put(l, "%#lo", v);
        break;
    case 's':
        put_string(l, v);
        break;
    default:
        put(l, v > 9 ? "%#lx" : "%lu", v);
    }
}

#define NR_exit       93
#define NR_exit_group 94

void
trace_begin(char line[TRACE_LINE], const struct syscall *row, uint64_t nr,
            const uint64_t *a)
{
    struct line l = {line, 0};
    const char *kinds = row == NULL ? "xxxxxx" : row->kinds;

    put(&l, "[%d] ", current_task()->tid);
    if (row == NULL)
        put(&l, "call %lu(", nr);
    else
        put(&l, "%s(", row->name);
    for (unsigned i = 0; kinds[i] != 0; i++) {
        put(&l, i > 0 ? ", " : "");
        put_value(&l, kinds[i], a[i]);
    }
    put(&l, ")");
    if (nr == NR_exit || nr == NR_exit_group)
        cprintf("%s\n", line);
}

void
trace_end(const char line[TRACE_LINE], long r)
{
    if (r >= 0 || r < -4095)
        cprintf(r > 9 || r < 0 ? "%s = %#lx\n" : "%s = %lu\n", line, r);
    else if ((size_t)-r < ARRAY_LEN(errors) && errors[-r] != NULL)
        cprintf("%s = -1 %s\n", line, errors[-r]);
    else
        cprintf("%s = -1, error %ld\n", line, -r);
}
