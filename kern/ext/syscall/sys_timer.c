/* sys_timer.c: adds timers that send signals, setitimer() and timer_create(), to
 * syscall/sys_time.c; a first reader may skip it.
 *
 *     arm ---> [a hart's deadlines] ---> fire: signal, and again if it repeats
 *
 * Timers of the clock are deadlines.  Those of processor time look at each tick
 * while they run: time is only counted in ticks.  A timer belongs to a process
 * and is gone before that is a zombie, so whoever fires may look at it; STOPPED,
 * under the lock of the tree, keeps it from being armed again behind the back of
 * who cancels it.  A signal that is still pending is not sent again, but counted
 * (timer_getoverrun). */
#include "ext/process/signals.h"
#include "mm/kmalloc.h"
#include "schedule/clock.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>

#define TIMERS_MAX        64 /* of a process, by timer_create() */
#define CLOCKS            12
#define CLOCK_PROCESS_CPU 2
#define CLOCK_THREAD_CPU  3

#define SIGVTALRM 26
#define SIGPROF   27

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF, ITIMERS };
enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID = 4 };
#define TIMER_ABSTIME 1u

struct timer {
    struct timeout timeout;
    struct process *process; /* [I] */
    struct sig_info info;    /* [I] pid: its number */
    int signo;               /* [I] 0: none */
    int tid;                 /* [I] for this task, or 0 */
    bool cpu;                /* [I] of processor time, in ticks */
    bool wall;               /* [I] of the date */
    bool posix;              /* [I] of timer_create() */
    bool stopped;            /* [t] */
    uint64_t next;           /* [t] when, 0: never */
    uint64_t interval;       /* [t] */
    uint32_t missed;         /* [t] since the signal became pending */
    uint32_t overrun;        /* [t] ... as of the last signal */
};

struct timers {        /* process->timers */
    struct mutex lock; /* rank DEVICE: who sets, makes and deletes */
    struct timer it[ITIMERS];
    struct timer *made[TIMERS_MAX]; /* [lock] */
};

/* --- firing --- */

/* What its clock shows.  => tree locked */
static uint64_t
clock_of(const struct timer *t)
{
    return t->cpu ? process_ran(t->process).all : time_now();
}

static void fire(struct timeout *timeout);

/* => tree locked, T not armed */
static void
arm(struct timer *t)
{
    if (!t->stopped && t->next != 0)
        timeout_arm(&t->timeout,
                    t->cpu ? time_now() + timebase_hz / TICK_HZ : t->next,
                    fire);
}

static struct task *
task_by_tid(struct process *p, int tid)
{
    list_for_each_entry (t, &p->tasks, struct task, link) {
        if (t->tid == tid)
            return t;
    }
    return NULL;
}

/* => tree locked */
static void
send(struct timer *t)
{
    struct process *p = t->process;
    struct task *to = t->tid != 0 ? task_by_tid(p, t->tid) : NULL;
    uint64_t pending = to != NULL ? to->pending : p->pending;

    if (t->signo == 0 || (t->tid != 0 && to == NULL))
        return;
    if (t->posix && (pending & signal_bit(t->signo))) {
        t->missed++;
        return;
    }
    t->overrun = t->missed;
    t->missed = 0;
    t->info.uid = t->overrun;
    signal_send(p, t->signo, to, t->posix ? &t->info : NULL);
}

static void
fire(struct timeout *timeout)
{
    struct timer *t = container_of(timeout, struct timer, timeout);
    uint64_t now, least = t->cpu ? 1 : timebase_hz / 10000;

    spin_lock(&tree_lock);
    now = clock_of(t);
    if (!t->stopped && t->next != 0 && now >= t->next) {
        uint64_t n = t->interval == 0 ? 0 : (now - t->next) / t->interval + 1;

        t->missed += n > 1 ? (uint32_t)MIN(n - 1, 0x7fffffffu) : 0;
        t->next = n == 0 ? 0 : t->next + n * t->interval;
        if (t->next != 0) /* however short it is, others shall run, too */
            t->next = MAX(t->next, now + least);
        send(t);
    }
    arm(t);
    spin_unlock(&tree_lock);
}

/* --- setting --- */

struct setting {
    uint64_t next, interval; /* relative; 0: none */
};

/* T shall have SET (NULL: only look); *OLD is what it had.  => timers locked */
static void
change(struct timer *t, const struct setting *set, bool absolute,
       struct setting *old)
{
    uint64_t now;

    if (set != NULL) {
        spin_lock(&tree_lock);
        t->stopped = true;
        spin_unlock(&tree_lock);
        timeout_cancel(&t->timeout);
    }
    spin_lock(&tree_lock);
    now = clock_of(t);
    old->interval = t->interval;
    old->next = t->next == 0 ? 0 : t->next > now ? t->next - now : 1;
    if (set != NULL) {
        t->interval = set->interval;
        t->next = set->next == 0 ? 0 : absolute ? set->next : now + set->next;
        t->missed = 0;
        t->stopped = false;
        arm(t);
    }
    spin_unlock(&tree_lock);
}

static void
end_timer(struct timer *t)
{
    struct setting none = {0, 0}, old;

    change(t, &none, false, &old);
}

static struct timers *
timers_of(struct process *p)
{
    static const int signals[ITIMERS] = {SIGALRM, SIGVTALRM, SIGPROF};
    struct timers *fresh, *old = NULL;

    if (atomic_load(&p->timers) != NULL)
        return p->timers;
    fresh = kzalloc(sizeof(*fresh));
    if (fresh == NULL)
        return NULL;
    mutex_init(&fresh->lock, RANK_DEVICE);
    for (int i = 0; i < ITIMERS; i++) {
        fresh->it[i].process = p;
        fresh->it[i].signo = signals[i];
        fresh->it[i].cpu = i != ITIMER_REAL;
    }
    if (!atomic_cas(&p->timers, &old, fresh))
        kfree(fresh); /* another thread was first */
    return p->timers;
}

void
timers_drop(struct process *p, bool all)
{
    struct timers *ts = p->timers;

    if (ts == NULL)
        return;
    for (int i = 0; i < TIMERS_MAX; i++) {
        if (ts->made[i] != NULL) {
            end_timer(ts->made[i]);
            kfree(ts->made[i]);
            ts->made[i] = NULL;
        }
    }
    for (int i = 0; all && i < ITIMERS; i++)
        end_timer(&ts->it[i]);
    if (all) {
        p->timers = NULL;
        kfree(ts);
    }
}

/* --- times of users --- */

/* SEC and PART of a second (1 / SCALE each), in units of T's clock, not less. */
static bool
units(const struct timer *t, int64_t sec, int64_t part, int64_t scale,
      uint64_t *n)
{
    uint64_t hz = t->cpu ? TICK_HZ : timebase_hz, s = (uint64_t)scale;

    if (sec < 0 || part < 0 || part >= scale)
        return false;
    *n = (uint64_t)MIN(sec, INT64_MAX / (int64_t)hz / 4) * hz +
         ((uint64_t)part * hz + s - 1) / s;
    return true;
}

static void
from_units(const struct timer *t, uint64_t n, int64_t scale, int64_t out[2])
{
    uint64_t hz = t->cpu ? TICK_HZ : timebase_hz;

    out[0] = (int64_t)(n / hz);
    out[1] = (int64_t)(n % hz * (uint64_t)scale / hz);
    if (n != 0 && out[0] == 0 && out[1] == 0)
        out[1] = 1; /* 0 would mean that it does not run */
}

/* Interval, then value: struct itimerval (SCALE 10^6) and itimerspec (10^9). */
static bool
read_setting(const struct timer *t, const int64_t in[4], int64_t scale,
             struct setting *s)
{
    return units(t, in[0], in[1], scale, &s->interval) &&
           units(t, in[2], in[3], scale, &s->next);
}

static void
write_setting(const struct timer *t, const struct setting *s, int64_t scale,
              int64_t out[4])
{
    from_units(t, s->interval, scale, out);
    from_units(t, s->next, scale, out + 2);
}

/* --- setitimer --- */

static long
change_itimer(unsigned which, uintptr_t from, uintptr_t to)
{
    struct timers *ts = timers_of(current_process());
    int64_t in[4], out[4];
    struct setting set, old;
    struct timer *t;

    if (ts == NULL)
        return -ENOMEM;
    t = &ts->it[which];
    if (from != 0 && copy_from_user(in, from, sizeof(in)) != 0)
        return -EFAULT;
    if (from != 0 && !read_setting(t, in, 1000000, &set))
        return -EINVAL;
    mutex_lock(&ts->lock);
    change(t, from != 0 ? &set : NULL, false, &old);
    mutex_unlock(&ts->lock);
    write_setting(t, &old, 1000000, out);
    return to != 0 && copy_to_user(to, out, sizeof(out)) != 0 ? -EFAULT : 0;
}

static long
sys_setitimer(ARGS)
{
    struct timers *ts;
    struct setting set = {0, 0}, old;

    if (a0 >= ITIMERS)
        return -EINVAL;
    if (a1 != 0)
        return change_itimer((unsigned)a0, a1, a2);
    ts = timers_of(current_process()); /* NULL stops it, as ever */
    if (ts == NULL)
        return -ENOMEM;
    mutex_lock(&ts->lock);
    change(&ts->it[a0], &set, false, &old);
    mutex_unlock(&ts->lock);
    return a2 != 0 ? change_itimer((unsigned)a0, 0, a2) : 0;
}
SYSCALL(103, setitimer, "dpp", sys_setitimer);

static long
sys_getitimer(ARGS)
{
    if (a0 >= ITIMERS)
        return -EINVAL;
    return a1 == 0 ? -EFAULT : change_itimer((unsigned)a0, 0, a1);
}
SYSCALL(102, getitimer, "dp", sys_getitimer);

/* --- timer_create --- */

struct user_sigevent { /* sigevent(7): 64 bytes */
    uint64_t value;
    int32_t signo, notify, tid, rest[11];
};
_Static_assert(sizeof(struct user_sigevent) == 64, "sigevent(7)");

/* A timer as EVENT asks for; NULL: it makes no sense (*ERR), or no memory. */
static struct timer *
make_timer(struct process *p, uint64_t clock, const struct user_sigevent *e,
           int *err)
{
    struct timer *t;
    bool ours;

    *err = -EINVAL;
    if (e->notify != SIGEV_NONE &&
        (e->signo < 1 || e->signo > 64 ||
         (e->notify != SIGEV_SIGNAL &&
          e->notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))))
        return NULL;
    if (e->notify & SIGEV_THREAD_ID) {
        spin_lock(&tree_lock);
        ours = task_by_tid(p, e->tid) != NULL;
        spin_unlock(&tree_lock);
        if (!ours)
            return NULL;
    }
    *err = -EAGAIN;
    t = kzalloc(sizeof(*t));
    if (t == NULL)
        return NULL;
    t->process = p;
    t->posix = true;
    t->cpu = clock == CLOCK_PROCESS_CPU || clock == CLOCK_THREAD_CPU;
    t->wall = clock_is_wall(clock);
    t->signo = e->notify == SIGEV_NONE ? 0 : e->signo;
    t->tid = e->notify & SIGEV_THREAD_ID ? e->tid : 0;
    t->info.code = SI_TIMER;
    t->info.value = e->value;
    return t;
}

static long
sys_timer_create(ARGS)
{
    struct process *p = current_process();
    struct user_sigevent e = {.signo = SIGALRM};
    struct timers *ts = timers_of(p);
    struct timer *t;
    int32_t id = 0;
    int err;

    if (a0 >= CLOCKS)
        return -EINVAL;
    if (a1 != 0 && copy_from_user(&e, a1, sizeof(e)) != 0)
        return -EFAULT;
    t = ts == NULL ? NULL : make_timer(p, a0, &e, &err);
    if (t == NULL)
        return ts == NULL ? -EAGAIN : err;
    mutex_lock(&ts->lock);
    while (id < TIMERS_MAX && ts->made[id] != NULL)
        id++;
    if (id < TIMERS_MAX)
        ts->made[id] = t;
    t->info.pid = (uint32_t)id;
    if (a1 == 0)
        t->info.value = (uint64_t)id;
    mutex_unlock(&ts->lock);
    if (id < TIMERS_MAX && copy_to_user(a2, &id, sizeof(id)) == 0)
        return 0;
    mutex_lock(&ts->lock);
    if (id < TIMERS_MAX && ts->made[id] == t)
        ts->made[id] = NULL;
    mutex_unlock(&ts->lock);
    kfree(t);
    return id < TIMERS_MAX ? -EFAULT : -EAGAIN;
}
SYSCALL(107, timer_create, "dpp", sys_timer_create);

/* The timers, locked, and the one with number ID in them; NULL: not locked. */
static struct timers *
find_timer(uint64_t id, struct timer **t)
{
    struct timers *ts = current_process()->timers;

    if (ts == NULL || id >= TIMERS_MAX)
        return NULL;
    mutex_lock(&ts->lock);
    *t = ts->made[id];
    if (*t != NULL)
        return ts;
    mutex_unlock(&ts->lock);
    return NULL;
}

static long
sys_timer_settime(ARGS)
{
    struct setting set, old;
    int64_t in[4], out[4];
    struct timers *ts;
    struct timer *t;
    bool good;

    if (a2 == 0)
        return -EINVAL;
    if (copy_from_user(in, a2, sizeof(in)) != 0)
        return -EFAULT;
    ts = find_timer(a0, &t);
    if (ts == NULL)
        return -EINVAL;
    good = read_setting(t, in, NS, &set);
    if (good && (a1 & TIMER_ABSTIME) && t->wall && set.next != 0)
        set.next = ticks_at(MIN(in[2], INT64_MAX / NS / 4) * NS + in[3] +
                            uptime_ns() - wall_ns());
    if (good) {
        change(t, &set, (a1 & TIMER_ABSTIME) != 0, &old);
        write_setting(t, &old, NS, out);
    }
    mutex_unlock(&ts->lock);
    if (!good)
        return -EINVAL;
    return a3 != 0 && copy_to_user(a3, out, sizeof(out)) != 0 ? -EFAULT : 0;
}
SYSCALL(110, timer_settime, "dxpp", sys_timer_settime);

static long
sys_timer_gettime(ARGS)
{
    struct setting old;
    struct timer *t;
    struct timers *ts = find_timer(a0, &t);
    int64_t out[4];

    if (ts == NULL)
        return -EINVAL;
    change(t, NULL, false, &old);
    write_setting(t, &old, NS, out);
    mutex_unlock(&ts->lock);
    return copy_to_user(a1, out, sizeof(out)) != 0 ? -EFAULT : 0;
}
SYSCALL(108, timer_gettime, "dp", sys_timer_gettime);

static long
sys_timer_getoverrun(ARGS)
{
    struct timer *t;
    struct timers *ts = find_timer(a0, &t);
    long n;

    if (ts == NULL)
        return -EINVAL;
    n = t->overrun;
    mutex_unlock(&ts->lock);
    return n;
}
SYSCALL(109, timer_getoverrun, "d", sys_timer_getoverrun);

static long
sys_timer_delete(ARGS)
{
    struct timer *t;
    struct timers *ts = find_timer(a0, &t);

    if (ts == NULL)
        return -EINVAL;
    end_timer(t);
    ts->made[a0] = NULL;
    mutex_unlock(&ts->lock);
    kfree(t);
    return 0;
}
SYSCALL(111, timer_delete, "d", sys_timer_delete);
