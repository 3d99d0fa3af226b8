/* sys_limits.c: adds what a process may use, and where, to syscall/sys_proc.c: the
 * limits of getrlimit(2) and the harts of sched_setaffinity(2); a first reader
 * may skip it. */
#include "fs/file.h"
#include "mm/mmap.h"
#include "process/impl.h"
#include "process/proc.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>

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

/* What a new limit means at once.  MM and FILES are the process's.  -ENOMEM: nothing
 * has changed. */
static long
apply(unsigned which, const struct rlimit64 *l, struct mm_struct *mm,
      struct files *files)
{
    if (which == RLIMIT_NOFILE) {
        files_limit(files, (int)MIN(l->cur, (uint64_t)NOFILE_MAX));
        return 0;
    }
    if (which == RLIMIT_RSS)
        return limit_memory(mm, l->cur);
    mm_write_begin(mm);
    if (which == RLIMIT_STACK)
        mm->stack_limit = MIN(l->cur, STACK_MOST);
    else if (which == RLIMIT_AS)
        mm->as_limit = l->cur;
    else if (which == RLIMIT_DATA)
        mm->data_limit = l->cur;
    mm_write_end(mm);
    return 0;
}

/* RLIMIT_FSIZE.  Not signal_self(), which might not come back to unlock the file. */
uint64_t
file_size_limit(uint64_t pos)
{
    struct task *me = current_task();
    uint64_t limit;

    if (me == NULL)
        return UINT64_MAX;
    limit = atomic_load(&me->process->limits[RLIMIT_FSIZE].cur);
    if (unlikely(pos >= limit)) {
        spin_lock(&tree_lock);
        signal_send(me->process, SIGXFSZ, me, NULL);
        spin_unlock(&tree_lock);
    }
    return limit;
}

/* Whom a limit means something to at once. */
struct users {
    struct mm_struct *mm;
    struct files *files;
};

static void
users_put(struct users *u)
{
    if (u->mm != NULL) {
        mm_put(u->mm);
        files_put(u->files);
    }
}

/* *OLD is limit WHICH of PID, which becomes NEW, unless that is NULL.  1: not yet, as
 * KNOWN are not PID's (any more); *NOW are, with references. */
static long
store_limit(int pid, unsigned which, const struct rlimit64 *new,
            struct rlimit64 *old, const struct users *known, struct users *now)
{
    struct process *p;
    long r = 0;

    spin_lock(&tree_lock);
    p = pid == 0 ? current_process() : pid_find(pid);
    if (p == NULL || p->state != PROC_LIVE || p->mm == NULL) {
        r = -ESRCH;
    } else if (new != NULL &&
               (p->mm != known->mm || p->files != known->files)) {
        *now = (struct users){p->mm, p->files};
        mm_get(now->mm);
        files_get(now->files);
        r = 1;
    } else {
        *old = p->limits[which];
        if (new != NULL)
            p->limits[which] = *new;
    }
    spin_unlock(&tree_lock);
    return r;
}

/* Limit WHICH of process PID (0: the caller) becomes NEW, unless that is NULL;
 * *OLD is what it was.  What it means comes first, as that may fail; who has another
 * space since (exec) has it applied to that one, too. */
static long
change_limit(int pid, unsigned which, const struct rlimit64 *new,
             struct rlimit64 *old)
{
    struct users known = {0}, now;
    long r;

    while ((r = store_limit(pid, which, new, old, &known, &now)) == 1) {
        users_put(&known);
        known = now;
        r = apply(which, new, known.mm, known.files);
        if (r != 0)
            break;
    }
    users_put(&known);
    return r;
}

/* NEW, which PTR tells, as limit WHICH of PID; the old one goes to OLD_PTR.
 * Either pointer may be 0. */
static long
set_and_tell(int pid, uint64_t which, uintptr_t ptr, uintptr_t old_ptr)
{
    struct rlimit64 new, old;
    long r;

    if (which >= RLIM_COUNT)
        return -EINVAL;
    if (ptr != 0 && copy_from_user(&new, ptr, sizeof(new)) != 0)
        return -EFAULT;
    if (ptr != 0 && new.cur > new.max)
        return -EINVAL;
    if (ptr != 0 && which == RLIMIT_NOFILE && new.max > NOFILE_MAX)
        return -EPERM;
    r = change_limit(pid, (unsigned)which, ptr != 0 ? &new : NULL, &old);
    if (r == 0 && old_ptr != 0 && copy_to_user(old_ptr, &old, sizeof(old)) != 0)
        r = -EFAULT;
    return r;
}

static long
sys_prlimit64(ARGS)
{
    return set_and_tell((int)a0, a1, a2, a3);
}
SYSCALL(261, prlimit64, "ddpp", sys_prlimit64);

static long
sys_getrlimit(ARGS)
{
    return a1 == 0 ? -EFAULT : set_and_tell(0, a0, 0, a1);
}
SYSCALL(163, getrlimit, "dp", sys_getrlimit);

static long
sys_setrlimit(ARGS)
{
    return a1 == 0 ? -EFAULT : set_and_tell(0, a0, a1, 0);
}
SYSCALL(164, setrlimit, "dp", sys_setrlimit);
