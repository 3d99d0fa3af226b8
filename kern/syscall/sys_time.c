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

static long
sleep_for(bool absolute, uintptr_t from, uintptr_t left)
{
    struct user_timespec t;
    int64_t until;
    long r;

    if (copy_from_user(&t, from, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= NS)
        return -EINVAL;
    until = MIN(t.sec, INT64_MAX / NS / 4) * NS + t.nsec +
            (absolute ? 0 : now_ns());
    r = nap_until(until);
    if (r != 0 && left != 0 && !absolute)
        (void)give_time(left, MAX(until - now_ns(), 0));
    return r;
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
