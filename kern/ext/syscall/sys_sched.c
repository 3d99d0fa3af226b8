/* sys_sched.c: adds what programs say about how they are scheduled to syscall/; a
 * first reader may skip it.
 *
 * There is one policy for all, SCHED_OTHER, in which a thread has a share: its nice
 * value, kept as the priority of its struct thread, each value a fifth less than the
 * one before.  Real-time policies are refused with EPERM, as Linux refuses them to
 * who may not use them.  sched(7), setpriority(2). */
#include "ext/schedule/nice.h"
#include "process/impl.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

/* --- nice --- */

#define NICES (NICE_MAX - NICE_MIN + 1)

/* The priority of each value.  That of 0 is what threads begin with. */
static const uint16_t shares[NICES] = {
    1000, 950, 900, 860, 820, 780, 740, 700, 670, 640, 600, 560, 500, 440,
    380,  320, 250, 200, 160, 125, 100, 80,  64,  51,  41,  33,  26,  21,
    17,   14,  12,  10,  8,   7,   6,   5,   4,   3,   2,   1};

int
thread_nice(const struct thread *t)
{
    uint32_t share = atomic_load(&t->priority);
    int i = 0;

    while (i < NICES - 1 && shares[i] > share)
        i++;
    return i + NICE_MIN;
}

void
thread_set_nice(struct thread *t, int nice)
{
    nice = MIN(MAX(nice, NICE_MIN), NICE_MAX);
    atomic_store(&t->priority, (uint32_t)shares[nice - NICE_MIN]);
}

/* --- whom --- */

/* The task TID of P, or NULL.  => tree locked */
static struct task *
task_of(struct process *p, int tid)
{
    list_for_each_entry (t, &p->tasks, struct task, link) {
        if (t->tid == tid)
            return t;
    }
    return NULL;
}

/* The task TID of anybody (0: the caller), or NULL.  => tree locked */
static struct task *
task_find(int tid)
{
    struct process *p = tid == 0 ? NULL : pid_find(tid);
    struct task *t;

    if (tid == 0)
        return current_task();
    if (p != NULL)
        return task_of(p, tid);
    list_for_each_entry (q, &all_processes, struct process, all_link) {
        t = task_of(q, tid);
        if (t != NULL)
            return t;
    }
    return NULL;
}

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

/* What is done to each of those that are meant. */
struct round {
    bool set;
    int nice; /* set: this; else the lowest there is */
    unsigned met;
};

static void
visit(struct round *r, struct task *t)
{
    int nice = thread_nice(&t->thread);

    if (r->set)
        thread_set_nice(&t->thread, r->nice);
    else if (r->met == 0 || nice < r->nice)
        r->nice = nice;
    r->met++;
}

static void
visit_all(struct round *r, struct process *p)
{
    list_for_each_entry (t, &p->tasks, struct task, link)
        visit(r, t);
}

/* => tree locked */
static void
visit_many(struct round *r, unsigned which, int who)
{
    if (which == PRIO_PGRP && who == 0)
        who = current_process()->pgid;
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (which == PRIO_PGRP ? p->pgid == who : who == 0)
            visit_all(r, p);
    }
}

static long
go_round(struct round *r, uint64_t which, int who)
{
    struct task *t;

    if (which > PRIO_USER)
        return -EINVAL;
    spin_lock(&tree_lock);
    if (which != PRIO_PROCESS)
        visit_many(r, (unsigned)which, who);
    else if ((t = task_find(who)) != NULL)
        visit(r, t);
    spin_unlock(&tree_lock);
    return r->met == 0 ? -ESRCH : 0;
}

static long
sys_setpriority(ARGS)
{
    struct round r = {.set = true, .nice = (int)a2};

    return go_round(&r, a0, (int)a1);
}
SYSCALL(140, setpriority, "ddd", sys_setpriority);

/* 1 to 40, so that no answer looks like an error. */
static long
sys_getpriority(ARGS)
{
    struct round r = {.set = false};
    long err = go_round(&r, a0, (int)a1);

    return err != 0 ? err : 20 - r.nice;
}
SYSCALL(141, getpriority, "dd", sys_getpriority);

/* --- policies --- */

#define SCHED_OTHER         0
#define SCHED_FIFO          1
#define SCHED_RR            2
#define SCHED_BATCH         3
#define SCHED_IDLE          5
#define SCHED_DEADLINE      6
#define SCHED_RESET_ON_FORK 0x40000000u

/* 0, or why POLICY with the real-time priority PRIO cannot be had. */
static long
check_policy(uint32_t policy, uint32_t prio)
{
    policy &= ~SCHED_RESET_ON_FORK;
    switch (policy) {
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return prio != 0 ? -EINVAL : policy == SCHED_OTHER ? 0 : -EPERM;
    case SCHED_FIFO:
    case SCHED_RR:
        return prio < 1 || prio > 99 ? -EINVAL : -EPERM;
    case SCHED_DEADLINE:
        return -EPERM;
    }
    return -EINVAL;
}

static long
exists(int tid)
{
    bool found;

    if (tid < 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    found = task_find(tid) != NULL;
    spin_unlock(&tree_lock);
    return found ? 0 : -ESRCH;
}

static long
sys_sched_setscheduler(ARGS)
{
    uint32_t prio;
    long r = exists((int)a0);

    if ((int)a0 < 0 || (int)a1 < 0 || a2 == 0)
        return -EINVAL;
    if (copy_from_user(&prio, a2, sizeof(prio)) != 0)
        return -EFAULT;
    return r != 0 ? r : check_policy((uint32_t)a1, prio);
}
SYSCALL(119, sched_setscheduler, "ddp", sys_sched_setscheduler);

static long
sys_sched_getscheduler(ARGS)
{
    long r = exists((int)a0);

    return r != 0 ? r : SCHED_OTHER;
}
SYSCALL(120, sched_getscheduler, "d", sys_sched_getscheduler);

static long
sys_sched_setparam(ARGS)
{
    return sys_sched_setscheduler(a0, SCHED_OTHER, a1, 0, 0, 0);
}
SYSCALL(118, sched_setparam, "dp", sys_sched_setparam);

static long
sys_sched_getparam(ARGS)
{
    uint32_t prio = 0;
    long r = exists((int)a0);

    if (a1 == 0)
        return -EINVAL;
    if (r == 0 && copy_to_user(a1, &prio, sizeof(prio)) != 0)
        r = -EFAULT;
    return r;
}
SYSCALL(121, sched_getparam, "dp", sys_sched_getparam);

static long
priority_bound(uint64_t policy, long of_real_time)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return of_real_time;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE:
        return 0;
    }
    return -EINVAL;
}

static long
sys_sched_get_priority_max(ARGS)
{
    return priority_bound(a0, 99);
}
SYSCALL(125, sched_get_priority_max, "d", sys_sched_get_priority_max);

static long
sys_sched_get_priority_min(ARGS)
{
    return priority_bound(a0, 1);
}
SYSCALL(126, sched_get_priority_min, "d", sys_sched_get_priority_min);

static long
sys_sched_rr_get_interval(ARGS)
{
    struct user_timespec slice = {0, (int64_t)(1000000000 / TICK_HZ)};
    long r = exists((int)a0);

    if (r == 0 && copy_to_user(a1, &slice, sizeof(slice)) != 0)
        r = -EFAULT;
    return r;
}
SYSCALL(127, sched_rr_get_interval, "dp", sys_sched_rr_get_interval);

/* --- all at once: sched_setattr(2) --- */

struct sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
#define ATTR_FLAGS 0x7full

static long
sys_sched_setattr(ARGS)
{
    struct sched_attr a;
    struct round r = {.set = true};
    long err;

    if (a1 == 0 || (int)a0 < 0 || a2 != 0)
        return -EINVAL;
    if (copy_from_user(&a, a1, sizeof(a)) != 0)
        return -EFAULT;
    if (a.size != 0 && a.size < sizeof(a))
        return -E2BIG;
    if ((int)a.policy < 0 || (a.flags & ~ATTR_FLAGS))
        return -EINVAL;
    err = exists((int)a0);
    if (err == 0)
        err = check_policy(a.policy, a.priority);
    r.nice = a.nice;
    return err != 0 ? err : go_round(&r, PRIO_PROCESS, (int)a0);
}
SYSCALL(274, sched_setattr, "dpx", sys_sched_setattr);

static long
sys_sched_getattr(ARGS)
{
    struct sched_attr a = {.size = sizeof(a)};
    struct round r = {.set = false};
    long err;

    if (a1 == 0 || (int)a0 < 0 || a2 < sizeof(a) || a2 > PAGE_SIZE || a3 != 0)
        return -EINVAL;
    err = go_round(&r, PRIO_PROCESS, (int)a0);
    a.nice = r.nice;
    if (err == 0 && copy_to_user(a1, &a, sizeof(a)) != 0)
        err = -EFAULT;
    return err;
}
SYSCALL(275, sched_getattr, "dpux", sys_sched_getattr);
