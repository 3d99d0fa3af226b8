/* syscall.c: from a number to a function.
 *
 * The table is put together by linking (SYSCALL() in any file) and spread into
 * an array once, so that a call costs one load.  The number's row also says how
 * to print a call, for programs that are traced. */
#include "syscall/syscall.h"

#include "debug/panic.h"
#include "debug/printk.h"
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

static void
print_call(uint64_t nr, const uint64_t *a)
{
    const struct syscall *row = nr < SYSCALL_MAX ? rows[nr] : NULL;
    const char *kinds = row == NULL ? "xxxxxx" : row->kinds;

    cprintf("[%d] ", current_task()->tid);
    if (row == NULL)
        cprintf("call %lu(", nr);
    else
        cprintf("%s(", row->name);
    for (unsigned i = 0; kinds[i] != 0; i++) {
        const char *comma = i > 0 ? ", " : "";

        if (kinds[i] == 'd' || kinds[i] == 'f')
            cprintf("%s%ld", comma, (long)a[i]);
        else if (kinds[i] == 'o')
            cprintf("%s0%lo", comma, a[i]);
        else
            cprintf("%s%s%lx", comma, a[i] > 9 ? "0x" : "", a[i]);
    }
}

static void
print_result(long r)
{
    if (r < 0 && r > -4096)
        cprintf(") = -1, error %ld\n", -r);
    else
        cprintf(") = %s%lx\n", r > 9 ? "0x" : "", r);
}

static __attribute__((noinline)) long
traced(syscall_fn fn, const uint64_t *a, uint64_t nr)
{
    long r;

    print_call(nr, a);
    r = fn == NULL ? -ENOSYS : fn(a[0], a[1], a[2], a[3], a[4], a[5]);
    print_result(r);
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
