/* sys_info.c: adds calls that only tell something to syscall/; a first reader may
 * skip it. */
#include "debug/kstat.h"
#include "ext/schedule/loadavg.h"
#include "mm/bootmem.h"
#include "mm/swap.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

/* --- what was used --- */

struct user_rusage {  /* getrusage(2) */
    int64_t times[4]; /* user_times() */
    int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock,
        oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};

#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD   1

static long
sys_getrusage(ARGS)
{
    struct process *p = current_process();
    struct user_rusage u = {0};
    struct cputime ran;

    if ((int)a0 < RUSAGE_CHILDREN || (int)a0 > RUSAGE_THREAD)
        return -EINVAL;
    spin_lock(&tree_lock);
    if ((int)a0 == RUSAGE_CHILDREN) {
        user_times(u.times, &p->child_ran);
        u.minflt = (int64_t)p->child_stat[MM_MIN];
        u.majflt = (int64_t)p->child_stat[MM_MAJ];
    } else {
        ran = (int)a0 == RUSAGE_SELF ? process_ran(p) : current_thread()->ran;
        user_times(u.times, &ran);
        u.minflt = (int64_t)atomic_load(&p->mm->stat[MM_MIN]);
        u.majflt = (int64_t)atomic_load(&p->mm->stat[MM_MAJ]);
        u.maxrss = atomic_load(&p->mm->rss) * (int64_t)(PAGE_SIZE / 1024);
    }
    spin_unlock(&tree_lock);
    return copy_to_user(a1, &u, sizeof(u)) != 0 ? -EFAULT : 0;
}
SYSCALL(165, getrusage, "dp", sys_getrusage);

static long
sys_times(ARGS)
{
    struct process *p = current_process();
    struct cputime ran, child;
    uint64_t t[4]; /* in the program, in the kernel; the same of children */

    spin_lock(&tree_lock);
    ran = process_ran(p);
    child = p->child_ran;
    spin_unlock(&tree_lock);
    t[0] = ran.user;
    t[1] = ran.all - ran.user;
    t[2] = child.user;
    t[3] = child.all - child.user;
    if (a0 != 0 && copy_to_user(a0, t, sizeof(t)) != 0)
        return -EFAULT;
    return (long)(time_now() / (timebase_hz / TICK_HZ));
}
SYSCALL(153, times, "p", sys_times);

/* --- the machine --- */

struct user_sysinfo { /* sysinfo(2) */
    int64_t uptime;
    uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap,
        freeswap;
    uint16_t procs, pad;
    uint64_t totalhigh, freehigh;
    uint32_t unit, pad2;
};

static void
count(struct thread *t, void *arg)
{
    ++*(uint16_t *)arg;
}

static long
sys_sysinfo(ARGS)
{
    struct user_sysinfo s = {
        .uptime = (int64_t)(time_now() / timebase_hz),
        .totalram = bootmem_total(),
        .freeram = nr_free_pages() * PAGE_SIZE,
        .unit = 1,
    };
    uint64_t slots = swap_slots(), used = swap_slots_used();

    load_average(s.loads);
    for (unsigned i = 0; i < 3; i++)
        s.loads[i] <<= 16 - LOAD_SHIFT;
    s.sharedram = kstat_read(STAT_SHMEM) * PAGE_SIZE;
    s.totalswap = slots * PAGE_SIZE;
    s.freeswap = (slots - MIN(slots, used)) * PAGE_SIZE;
    thread_for_each(count, &s.procs);
    return copy_to_user(a0, &s, sizeof(s)) != 0 ? -EFAULT : 0;
}
SYSCALL(179, sysinfo, "p", sys_sysinfo);

static long
sys_getcpu(ARGS)
{
    uint32_t cpu = this_cpu()->id, node = 0;

    if ((a0 != 0 && copy_to_user(a0, &cpu, sizeof(cpu)) != 0) ||
        (a1 != 0 && copy_to_user(a1, &node, sizeof(node)) != 0))
        return -EFAULT;
    return 0;
}
SYSCALL(168, getcpu, "pp", sys_getcpu);

/* Of all harts, and each before it runs the space's code again; so also before
 * this one goes on. */
static long
sys_riscv_flush_icache(ARGS)
{
    mm_sync_code(current_process()->mm);
    __asm__ volatile("fence.i" ::: "memory");
    return a2 & ~1ul ? -EINVAL : 0;
}
SYSCALL(259, riscv_flush_icache, "ppx", sys_riscv_flush_icache);

/* --- the process --- */

#define PR_GET_DUMPABLE     3
#define PR_SET_DUMPABLE     4
#define PR_GET_KEEPCAPS     7
#define PR_SET_NAME         15
#define PR_GET_NAME         16
#define PR_GET_SECCOMP      21
#define PR_CAPBSET_READ     23
#define PR_GET_SECUREBITS   27
#define PR_GET_TIMERSLACK   30
#define PR_GET_NO_NEW_PRIVS 39
#define PR_GET_TID_ADDRESS  40
#define PR_GET_THP_DISABLE  42
#define CAP_LAST            40

/* What a process cannot change here. */
static long
prctl_fixed(uint64_t what, uint64_t arg)
{
    uint64_t tid = current_task()->clear_tid;

    switch (what) {
    case PR_GET_DUMPABLE:
        return 1;
    case PR_SET_DUMPABLE:
        return arg == 1 ? 0 : -EINVAL;
    case PR_GET_KEEPCAPS:
    case PR_GET_SECCOMP:
    case PR_GET_SECUREBITS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_GET_THP_DISABLE:
        return 0;
    case PR_CAPBSET_READ:
        return arg <= CAP_LAST ? 1 : -EINVAL;
    case PR_GET_TIMERSLACK:
        return 50000; /* nanoseconds; nobody uses it */
    case PR_GET_TID_ADDRESS:
        return copy_to_user(arg, &tid, sizeof(tid)) != 0 ? -EFAULT : 0;
    }
    return -EINVAL;
}

static long
sys_prctl(ARGS)
{
    struct process *p = current_process();
    char name[sizeof(p->name)] = "";
    long n;

    switch (a0) {
    case PR_SET_NAME:
        n = strncpy_from_user(name, a1, sizeof(name) - 1);
        if (n < 0)
            return n;
        spin_lock(&tree_lock);
        memcpy(p->name, name, sizeof(name));
        spin_unlock(&tree_lock);
        return 0;
    case PR_GET_NAME:
        spin_lock(&tree_lock);
        memcpy(name, p->name, sizeof(name));
        spin_unlock(&tree_lock);
        return copy_to_user(a1, name, sizeof(name)) != 0 ? -EFAULT : 0;
    }
    return prctl_fixed(a0, a1);
}
SYSCALL(167, prctl, "dxxxx", sys_prctl);

static long
sys_getgroups(ARGS)
{
    return (int)a0 < 0 ? -EINVAL : 0;
}
SYSCALL(158, getgroups, "dp", sys_getgroups);
