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

long (*syscall_hook)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                     uint64_t, uint64_t);

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

static __attribute__((noinline)) long
traced(syscall_fn fn, const uint64_t *a, uint64_t nr)
{
    char line[TRACE_LINE];
    long r = -ENOSYS;

    trace_begin(line, nr < SYSCALL_MAX ? rows[nr] : NULL, nr, a);
    if (fn != NULL)
        r = fn(a[0], a[1], a[2], a[3], a[4], a[5]);
    trace_end(line, r);
    return r;
}

long
syscall_dispatch(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                 uint64_t a4, uint64_t a5, uint64_t a6, uint64_t nr)
{
    syscall_fn fn = nr < SYSCALL_MAX ? functions[nr] : NULL;

    if (unlikely(current_process()->trace))
        return traced(fn, (uint64_t[]){a0, a1, a2, a3, a4, a5}, nr);
    return likely(fn != NULL) ? fn(a0, a1, a2, a3, a4, a5) : -ENOSYS;
}
