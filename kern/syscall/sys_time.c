/* sys_time.c: what time it is, and waiting for a later one. */
#include "process/proc.h"
#include "schedule/clock.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* clock_gettime(2) */
enum {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI = 11
};

bool
clock_is_wall(uint64_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
           clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
}

static bool
clock_exists(uint64_t clock)
{
    return clock <= CLOCK_BOOTTIME_ALARM || clock == CLOCK_TAI;
}

/* Processor time is counted in ticks, for the process and for the thread. */
static bool
clock_is_cpu(uint64_t clock)
{
    return clock == CLOCK_PROCESS_CPUTIME_ID ||
           clock == CLOCK_THREAD_CPUTIME_ID;
}

static int64_t
cpu_ns(bool process)
{
    struct cputime ran = current_thread()->ran;

    if (process) {
        spin_lock(&tree_lock);
        ran = process_ran(current_process());
        spin_unlock(&tree_lock);
    }
    return (int64_t)ran.all * (NS / TICK_HZ);
}

uint64_t
deadline_in(const struct user_timespec *t)
{
    uint64_t hz = timebase_hz;
    uint64_t sec = (uint64_t)MIN(t->sec, INT64_MAX / (int64_t)hz / 4);

    return time_now() + sec * hz + (uint64_t)t->nsec * hz / NS + 1;
}

static long
give_time(uintptr_t to, int64_t ns)
{
    struct user_timespec t = {ns / NS, ns % NS};

    return copy_to_user(to, &t, sizeof(t)) != 0 ? -EFAULT : 0;
}

static long
sys_clock_gettime(ARGS)
{
    if (!clock_exists(a0))
        return -EINVAL;
    if (clock_is_cpu(a0))
        return give_time(a1, cpu_ns(a0 == CLOCK_PROCESS_CPUTIME_ID));
    return give_time(a1, clock_is_wall(a0) ? wall_ns() : uptime_ns());
}
SYSCALL(113, clock_gettime, "dp", sys_clock_gettime);

static long
sys_clock_getres(ARGS)
{
    if (!clock_exists(a0))
        return -EINVAL;
    if (a1 == 0)
        return 0;
    return give_time(a1,
                     NS / (clock_is_cpu(a0) ? TICK_HZ : (int64_t)timebase_hz));
}
SYSCALL(114, clock_getres, "dp", sys_clock_getres);

static long
sys_clock_settime(ARGS)
{
    struct user_timespec t;

    if (a0 != CLOCK_REALTIME)
        return -EINVAL;
    if (copy_from_user(&t, a1, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.sec > INT64_MAX / NS - 1 || t.nsec < 0 || t.nsec >= NS)
        return -EINVAL;
    wall_set(t.sec * NS + t.nsec);
    return 0;
}
SYSCALL(112, clock_settime, "dp", sys_clock_settime);

struct user_timeval {
    int64_t sec, usec;
};

static long
sys_gettimeofday(ARGS)
{
    int64_t ns = wall_ns();
    struct user_timeval t = {ns / NS, ns % NS / 1000};

    return a0 != 0 && copy_to_user(a0, &t, sizeof(t)) != 0 ? -EFAULT : 0;
}
SYSCALL(169, gettimeofday, "pp", sys_gettimeofday);

static long
sys_settimeofday(ARGS)
{
    struct user_timeval t;

    if (a0 == 0)
        return 0; /* of time zones programs know, not we */
    if (copy_from_user(&t, a0, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.sec > INT64_MAX / NS - 1 || t.usec < 0 ||
        t.usec >= 1000000)
        return -EINVAL;
    wall_set(t.sec * NS + t.usec * 1000);
    return 0;
}
SYSCALL(170, settimeofday, "pp", sys_settimeofday);

struct nap {
    struct timeout timeout;
    struct wait_queue wq;
    bool over; /* [wq.lock] */
};

static void
nap_over(struct timeout *t)
{
    struct nap *n = container_of(t, struct nap, timeout);

    spin_lock(&n->wq.lock);
    n->over = true;
    wait_wake_all(&n->wq);
    spin_unlock(&n->wq.lock);
}

/* Until UNTIL nanoseconds after boot; 0, or -EINTR. */
static long
nap_until(int64_t until)
{
    struct nap n = {.over = false};
    int err = 0;

    wait_init(&n.wq);
    timeout_arm(&n.timeout, ticks_at(until), nap_over);
    spin_lock(&n.wq.lock);
    while (!n.over && err == 0)
        err = wait_sleep_intr(&n.wq);
    spin_unlock(&n.wq.lock);
    timeout_cancel(&n.timeout);
    return err;
}

/* A nap with R->a[0] for the rest, if it is not 0. */
static long
nap_on(const struct restart *r)
{
    int64_t until = (int64_t)r->until;

    if (nap_until(until) == 0)
        return 0;
    if (r->a[0] != 0)
        (void)give_time(r->a[0], MAX(until - uptime_ns(), 0));
    return -ERESTART;
}

static long
sys_restart_syscall(ARGS)
{
    const struct restart *r = &current_task()->restart;

    return r->fn == NULL ? -EINTR : r->fn(r);
}
SYSCALL(128, restart_syscall, "", sys_restart_syscall);

/* For the time at FROM; ABSOLUTE: until uptime_ns() is that and OFFSET. */
static long
sleep_for(bool absolute, int64_t offset, uintptr_t from, uintptr_t left)
{
    struct user_timespec t;
    int64_t until;

    if (copy_from_user(&t, from, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= NS)
        return -EINVAL;
    until = MIN(t.sec, INT64_MAX / NS / 4) * NS + t.nsec +
            (absolute ? offset : uptime_ns());
    if (absolute)
        return nap_until(until);
    current_task()->restart =
        (struct restart){.fn = nap_on, .until = (uint64_t)until, .a = {left}};
    return nap_on(&current_task()->restart);
}

static long
sys_nanosleep(ARGS)
{
    return sleep_for(false, 0, a0, a1);
}
SYSCALL(101, nanosleep, "pp", sys_nanosleep);

static long
sys_clock_nanosleep(ARGS)
{
    if (!clock_exists(a0) || a0 == CLOCK_THREAD_CPUTIME_ID)
        return -EINVAL;
    if (a0 >= CLOCK_PROCESS_CPUTIME_ID && a0 <= CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    return sleep_for(a1 & 1, clock_is_wall(a0) ? uptime_ns() - wall_ns() : 0,
                     a2, a3);
}
SYSCALL(115, clock_nanosleep, "ddpp", sys_clock_nanosleep);
