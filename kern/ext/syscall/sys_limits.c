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

/* What a new limit means at once.  MM and FILES are the process's. */
static void
apply(unsigned which, const struct rlimit64 *l, struct mm_struct *mm,
      struct files *files)
{
    if (which == RLIMIT_NOFILE) {
        files_limit(files, (int)MIN(l->cur, (uint64_t)NOFILE_MAX));
    } else if (which == RLIMIT_STACK) {
        mm_write_begin(mm);
        mm->stack_limit = MIN(l->cur, STACK_MOST);
        mm_write_end(mm);
    }
}

/* Limit WHICH of process PID (0: the caller) becomes NEW, unless that is NULL;
 * *OLD is what it was. */
static long
change_limit(int pid, unsigned which, const struct rlimit64 *new,
             struct rlimit64 *old)
{
    struct mm_struct *mm = NULL;
    struct files *files = NULL;
    struct process *p;
    long r = -ESRCH;

    spin_lock(&tree_lock);
    p = pid == 0 ? current_process() : pid_find(pid);
    if (p != NULL && p->state == PROC_LIVE && p->mm != NULL) {
        r = 0;
        *old = p->limits[which];
        if (new != NULL) {
            p->limits[which] = *new;
            mm = p->mm;
            files = p->files;
            mm_get(mm);
            files_get(files);
        }
    }
    spin_unlock(&tree_lock);
    if (mm != NULL) {
        apply(which, new, mm, files);
        mm_put(mm);
        files_put(files);
    }
    return r;
}

static long
sys_prlimit64(ARGS)
{
    struct rlimit64 new, old;
    long r;

    if (a1 >= RLIM_COUNT)
        return -EINVAL;
    if (a2 != 0 && copy_from_user(&new, a2, sizeof(new)) != 0)
        return -EFAULT;
    if (a2 != 0 && new.cur > new.max)
        return -EINVAL;
    if (a2 != 0 && a1 == RLIMIT_NOFILE && new.max > NOFILE_MAX)
        return -EPERM;
    r = change_limit((int)a0, (unsigned)a1, a2 != 0 ? &new : NULL, &old);
    if (r == 0 && a3 != 0 && copy_to_user(a3, &old, sizeof(old)) != 0)
        r = -EFAULT;
    return r;
}
SYSCALL(261, prlimit64, "ddpp", sys_prlimit64);
