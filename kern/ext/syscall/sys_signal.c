/* sys_signal.c: adds ignoring of signals to syscall/sys_proc.c; a first reader
 * may skip it.  Handlers are refused, so that nobody waits for one. */
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>

#define ARGS \
    uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5

#define SIGSTOP 19
#define SIG_DFL 0
#define SIG_IGN 1

struct user_sigaction { /* asm-generic/signal.h */
    uint64_t handler, flags, mask;
};

static long
sys_rt_sigaction(ARGS)
{
    struct process *p = current_process();
    struct user_sigaction new = {0}, old = {0};
    uint64_t bit = 1ul << ((a0 - 1) & 63);

    if (a0 < 1 || a0 > 64 || a3 != sizeof(uint64_t))
        return -EINVAL;
    if (a1 != 0 && copy_from_user(&new, a1, sizeof(new)) != 0)
        return -EFAULT;
    if (a1 != 0 && (a0 == SIGKILL || a0 == SIGSTOP))
        return -EINVAL;
    if (new.handler > SIG_IGN)
        return -ENOSYS;
    old.handler = p->ignored & bit ? SIG_IGN : SIG_DFL;
    if (a2 != 0 && copy_to_user(a2, &old, sizeof(old)) != 0)
        return -EFAULT;
    if (a1 == 0)
        return 0;
    spin_lock(&tree_lock);
    p->ignored = new.handler == SIG_IGN ? p->ignored | bit : p->ignored & ~bit;
    spin_unlock(&tree_lock);
    return 0;
}
SYSCALL(134, rt_sigaction, "dppu", sys_rt_sigaction);
