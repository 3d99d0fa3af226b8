/* syscall.c: from a number to a function.
 *
 * The table is put together by linking (SYSCALL() in any file) and spread into
 * an array once, where trapentry.S looks.  The number's row also says how to
 * print a call, for programs that are traced: their calls come here, as
 * exceptions do. */
#include "syscall/syscall.h"

#include "debug/panic.h"
#include "process/syscall_hook.h"
#include <errno.h>

call_fn user_calls[CALLS_MAX]; /* [I] */
static const struct syscall *rows[CALLS_MAX];

static long
no_such_call(ARGS)
{
    return -ENOSYS;
}

void
syscall_init(void)
{
    for (unsigned i = 0; i < CALLS_MAX; i++)
        user_calls[i] = no_such_call;
    TABLE_FOR_EACH (syscall, struct syscall, s) {
        assert((*s)->nr < CALLS_MAX && rows[(*s)->nr] == NULL);
        user_calls[(*s)->nr] = (*s)->entry;
        rows[(*s)->nr] = *s;
    }
}

WEAK void
trace_begin(char line[TRACE_LINE], const struct syscall *row, uint64_t nr,
            const uint64_t *a)
{
}

WEAK void
trace_end(const char line[TRACE_LINE], long r)
{
}

void
traced_call(struct trapframe *tf)
{
    uint64_t nr = tf->x[X_A7];
    const uint64_t *a = &tf->x[X_A0];
    const struct syscall *row = nr < CALLS_MAX ? rows[nr] : NULL;
    char line[TRACE_LINE];
    long r = -ENOSYS;

    tf->x[0] = a[0];
    tf->sepc += 4;
    trace_begin(line, row, nr, a);
    if (row != NULL)
        r = row->fn(a[0], a[1], a[2], a[3], a[4], a[5]);
    trace_end(line, r);
    tf->x[X_A0] = (uint64_t)r;
}
