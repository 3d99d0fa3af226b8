/* sys_limits.c: adds what a process may use, and where, to syscall/sys_proc.c: the
 * limits of getrlimit(2) and the harts of sched_setaffinity(2); a first reader
 * may skip it. */
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

static long
sys_sched_setaffinity(ARGS)
{
    uint64_t mask = 0;

    if (a0 != 0 && (int)a0 != current_task()->tid)
        return -ESRCH;
    if (copy_from_user(&mask, a2, MIN(a1, sizeof(mask))) != 0)
        return -EFAULT;
    return sched_set_affinity(mask);
}
SYSCALL(122, sched_setaffinity, "dup", sys_sched_setaffinity);

static long
sys_sched_getaffinity(ARGS)
{
    uint64_t mask = current_thread()->affinity & ((1ul << ncpu) - 1);

    if (a1 < sizeof(mask))
        return -EINVAL;
    return copy_to_user(a2, &mask, sizeof(mask)) != 0 ? -EFAULT
                                                      : (long)sizeof(mask);
}
SYSCALL(123, sched_getaffinity, "dup", sys_sched_getaffinity);

static long
sys_prlimit64(ARGS)
{
    struct process *p = current_process();
    struct rlimit64 new;

    if (a0 != 0 && (int)a0 != p->pid)
        return -ESRCH;
    if (a1 >= RLIM_COUNT)
        return -EINVAL;
    if (a2 != 0 && (copy_from_user(&new, a2, sizeof(new)) != 0))
        return -EFAULT;
    if (a2 != 0 && new.cur > new.max)
        return -EINVAL;
    if (a3 != 0 && copy_to_user(a3, &p->limits[a1], sizeof(new)) != 0)
        return -EFAULT;
    if (a2 != 0)
        p->limits[a1] = new;
    return 0;
}
SYSCALL(261, prlimit64, "ddpp", sys_prlimit64);
