/* sys_wait.c: adds waiting for children as waitid() does, and for signals
 * without handlers, to syscall/; a first reader may skip it. */
#include "ext/process/signals.h"
#include "mm/kmalloc.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>

#define NS 1000000000ull

struct user_siginfo { /* 128 bytes; of signals that no fault made */
    int32_t signo, err, code, pad;
    uint32_t pid, uid;
    uint64_t value;
    uint64_t rest[12];
};
_Static_assert(sizeof(struct user_siginfo) == 128, "the C libraries know it");

/* --- waitid --- */

enum { P_ALL, P_PID, P_PGID };
#define WAITID_OPTIONS \
    (WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | 0xe0000000u)

/* WHICH and ID as do_wait() has them; 0: they make no sense. */
static bool
who_is_meant(uint64_t which, int id, int *pid)
{
    *pid = -1;
    if (which == P_ALL)
        return true;
    if (which == P_PID && id > 0) {
        *pid = id;
        return true;
    }
    if (which == P_PGID && id >= 0) {
        *pid = id == 1 ? -current_process()->pgid : -id;
        return id != 1 || current_process()->pgid == 1;
    }
    return false;
}

static void
say_how(const struct wait_result *w, struct user_siginfo *info)
{
    *info = (struct user_siginfo){.signo = SIGCHLD, .pid = (uint32_t)w->pid};
    if (w->status == 0xffff) {
        info->code = CLD_CONTINUED;
        info->value = SIGCONT;
    } else if ((w->status & 0xff) == 0x7f) {
        info->code = CLD_STOPPED;
        info->value = (uint64_t)w->status >> 8;
    } else if ((w->status & 0x7f) != 0) {
        info->code = w->status & 0x80 ? CLD_DUMPED : CLD_KILLED;
        info->value = w->status & 0x7f;
    } else {
        info->code = CLD_EXITED;
        info->value = (uint64_t)w->status >> 8 & 0xff;
    }
}

static long
sys_waitid(ARGS)
{
    uint64_t options = a3;
    struct user_siginfo info = {0};
    struct wait_result *w;
    long r;
    int pid;

    if ((options & ~(uint64_t)WAITID_OPTIONS) ||
        !(options & (WEXITED | WUNTRACED | WCONTINUED)) ||
        !who_is_meant(a0, (int)a1, &pid))
        return -EINVAL;
    w = kzalloc(sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    r = do_wait(pid, (unsigned)options, w);
    if (r > 0)
        say_how(w, &info);
    if (r >= 0 && a2 != 0 && copy_to_user(a2, &info, sizeof(info)) != 0)
        r = -EFAULT;
    if (r > 0 && a4 != 0 && give_usage(a4, w) != 0)
        r = -EFAULT;
    kfree(w);
    return MIN(r, 0l);
}
SYSCALL(95, waitid, "ddpxp", sys_waitid);

/* --- signals without handlers --- */

struct vigil {
    struct timeout timeout;
    struct wait_queue wq;
    bool late; /* [wq.lock] */
};

static void
too_late(struct timeout *t)
{
    struct vigil *v = container_of(t, struct vigil, timeout);

    spin_lock(&v->wq.lock);
    v->late = true;
    wait_wake_all(&v->wq);
    spin_unlock(&v->wq.lock);
}

/* The signal of SET that is there, or comes before V is late. */
static int
wait_for_signal(struct task *me, uint64_t set, struct vigil *v)
{
    int signo, err = 0;

    spin_lock(&tree_lock);
    me->wanted = set;
    while ((signo = signal_take(me, set)) == 0 && err == 0) {
        spin_lock(&v->wq.lock);
        spin_unlock(&tree_lock);
        err = v->late ? -EAGAIN : wait_sleep_intr(&v->wq);
        spin_unlock(&v->wq.lock);
        spin_lock(&tree_lock);
    }
    me->wanted = 0;
    spin_unlock(&tree_lock);
    return signo != 0 ? signo : err;
}

static long
take_now(struct task *me, uint64_t set)
{
    int signo;

    spin_lock(&tree_lock);
    signo = signal_take(me, set);
    spin_unlock(&tree_lock);
    return signo == 0 ? -EAGAIN : signo;
}

static long
sys_rt_sigtimedwait(ARGS)
{
    struct task *me = current_task();
    struct vigil v = {.late = false};
    struct user_timespec t = {0};
    struct user_siginfo info = {0};
    uint64_t set;
    long r;

    if (a3 != sizeof(set))
        return -EINVAL;
    if (copy_from_user(&set, a0, sizeof(set)) != 0 ||
        (a2 != 0 && copy_from_user(&t, a2, sizeof(t)) != 0))
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= (int64_t)NS)
        return -EINVAL;
    set &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    wait_init(&v.wq);
    r = take_now(me, set);
    if (r < 0 && (a2 == 0 || t.sec != 0 || t.nsec != 0)) {
        if (a2 != 0)
            timeout_arm(&v.timeout, deadline_in(&t), too_late);
        r = wait_for_signal(me, set, &v);
        if (a2 != 0)
            timeout_cancel(&v.timeout);
    }
    if (r > 0 && a1 != 0) {
        info = (struct user_siginfo){.signo = (int32_t)r,
                                     .code = me->info.code,
                                     .pid = me->info.pid,
                                     .uid = me->info.uid,
                                     .value = me->info.value};
        if (copy_to_user(a1, &info, sizeof(info)) != 0)
            return -EFAULT;
    }
    return r;
}
SYSCALL(137, rt_sigtimedwait, "pppu", sys_rt_sigtimedwait);

/* --- signals with a value --- */

/* The user's siginfo at ADDR for SIGNO to process PID.  Codes from 0 on, and that
 * of tgkill(), are the kernel's own, but to oneself. */
static long
fetch_info(uintptr_t addr, int pid, struct sig_info *info)
{
    struct user_siginfo u;

    if (copy_from_user(&u, addr, sizeof(u)) != 0)
        return -EFAULT;
    if ((u.code >= 0 || u.code == SI_TKILL) && pid != current_process()->pid)
        return -EPERM;
    *info = (struct sig_info){u.code, u.pid, u.uid, u.value};
    return 0;
}

/* To task TID of process PID, or (0) to any of it. */
static long
queue_to(int pid, int tid, int signo, uintptr_t addr)
{
    struct sig_info info;
    struct process *p;
    long r = fetch_info(addr, pid, &info);

    if (r != 0)
        return r;
    if (signo < 0 || signo > 64 || pid <= 0)
        return -EINVAL;
    r = -ESRCH;
    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL && signals_queued(p) >= QUEUED_MAX) {
        r = -EAGAIN;
    } else if (p != NULL && tid == 0) {
        signal_send(p, signo, NULL, &info);
        r = 0;
    } else if (p != NULL) {
        list_for_each_entry (t, &p->tasks, struct task, link) {
            if (t->tid != tid)
                continue;
            signal_send(p, signo, t, &info);
            r = 0;
            break;
        }
    }
    spin_unlock(&tree_lock);
    return r;
}

static long
sys_rt_sigqueueinfo(ARGS)
{
    return queue_to((int)a0, 0, (int)a1, a2);
}
SYSCALL(138, rt_sigqueueinfo, "ddp", sys_rt_sigqueueinfo);

static long
sys_rt_tgsigqueueinfo(ARGS)
{
    return (int)a1 <= 0 ? -EINVAL : queue_to((int)a0, (int)a1, (int)a2, a3);
}
SYSCALL(240, rt_tgsigqueueinfo, "dddp", sys_rt_tgsigqueueinfo);
