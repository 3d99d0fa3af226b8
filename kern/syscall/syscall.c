/* syscall.c: from a number to a function.
 *
 * The table is put together by linking (SYSCALL() in any file) and spread into
 * an array once, so that a call costs one load.  The number's row also says how
 * to print a call, for programs that are traced. */
#include "syscall/syscall.h"

#include "debug/panic.h"
#include "process/proc.h"
#include "process/syscall_hook.h"
#include <errno.h>

void (*syscall_hook)(struct trapframe *tf);

static syscall_fn functions[SYSCALL_MAX];
static const struct syscall *rows[SYSCALL_MAX];

void
syscall_init(void)
{
    TABLE_FOR_EACH (syscall, struct syscall, s) {
        assert((*s)->nr < SYSCALL_MAX && functions[(*s)->nr] == NULL);
        functions[(*s)->nr] = (*s)->fn;
        rows[(*s)->nr] = *s;
    }
    syscall_hook = syscall_dispatch;
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

static long
traced_call(syscall_fn fn, uint64_t nr, const uint64_t *a)
{
    char line[TRACE_LINE];
    long r = -ENOSYS;

    trace_begin(line, nr < SYSCALL_MAX ? rows[nr] : NULL, nr, a);
    if (fn != NULL)
        r = fn(a[0], a[1], a[2], a[3], a[4], a[5]);
    trace_end(line, r);
    return r;
}

void
syscall_dispatch(struct trapframe *tf)
{
    uint64_t nr = tf->x[X_A7], a[6];
    bool trace = unlikely(current_process()->trace);
    syscall_fn fn = nr < SYSCALL_MAX ? functions[nr] : NULL;
    long r = -ENOSYS;

    for (unsigned i = 0; i < 6; i++)
        a[i] = tf->x[X_A0 + i];
    tf->sepc += 4; /* ecall has no short form */
    if (trace)
        r = traced_call(fn, nr, a);
    else if (likely(fn != NULL))
        r = fn(a[0], a[1], a[2], a[3], a[4], a[5]);
    tf->x[X_A0] = (uint64_t)r;
}
