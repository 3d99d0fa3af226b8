/* sys_time.c: what time it is, and waiting for a later one. */
#include "process/proc.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

#define NS 1000000000ll

/* Nanoseconds since boot; there is no clock that knows the date yet. */
static int64_t
now_ns(void)
{
    uint64_t t = time_now(), hz = timebase_hz;

    return (int64_t)(t / hz * NS + t % hz * NS / hz);
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
    return a0 > 7 ? -EINVAL : give_time(a1, now_ns());
}
SYSCALL(113, clock_gettime, "dp", sys_clock_gettime);

static long
sys_clock_getres(ARGS)
{
    return a0 > 7 ? -EINVAL : a1 == 0 ? 0 : give_time(a1, NS / timebase_hz);
}
SYSCALL(114, clock_getres, "dp", sys_clock_getres);

struct user_timeval {
    int64_t sec, usec;
};

static long
sys_gettimeofday(ARGS)
{
    int64_t ns = now_ns();
    struct user_timeval t = {ns / NS, ns % NS / 1000};

    return a0 != 0 && copy_to_user(a0, &t, sizeof(t)) != 0 ? -EFAULT : 0;
}
SYSCALL(169, gettimeofday, "pp", sys_gettimeofday);

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

/* Until UNTIL nanoseconds; 0, or -EINTR. */
static long
nap_until(int64_t until)
{
    uint64_t hz = timebase_hz;
    struct nap n = {.over = false};
    int err = 0;

    wait_init(&n.wq);
    timeout_arm(&n.timeout,
                (uint64_t)(until / NS) * hz + (uint64_t)(until % NS) * hz / NS +
                    1,
                nap_over);
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
        (void)give_time(r->a[0], MAX(until - now_ns(), 0));
    return -ERESTART;
}

static long
sys_restart_syscall(ARGS)
{
    const struct restart *r = &current_task()->restart;

    return r->fn == NULL ? -EINTR : r->fn(r);
}
SYSCALL(128, restart_syscall, "", sys_restart_syscall);

static long
sleep_for(bool absolute, uintptr_t from, uintptr_t left)
{
    struct user_timespec t;
    int64_t until;

    if (copy_from_user(&t, from, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= NS)
        return -EINVAL;
    until = MIN(t.sec, INT64_MAX / NS / 4) * NS + t.nsec +
            (absolute ? 0 : now_ns());
    if (absolute)
        return nap_until(until);
    current_task()->restart =
        (struct restart){.fn = nap_on, .until = (uint64_t)until, .a = {left}};
    return nap_on(&current_task()->restart);
}

static long
sys_nanosleep(ARGS)
{
    return sleep_for(false, a0, a1);
}
SYSCALL(101, nanosleep, "pp", sys_nanosleep);

static long
sys_clock_nanosleep(ARGS)
{
    return a0 > 7 ? -EINVAL : sleep_for(a1 & 1, a2, a3);
}
SYSCALL(115, clock_nanosleep, "ddpp", sys_clock_nanosleep);
