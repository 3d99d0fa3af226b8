/* sys_poll.c: adds waiting for several files, ppoll() and pselect6(), to syscall/; a
 * first reader may skip it.
 *
 *     look at all files; one is ready, or it is late: done
 *     sleep until a pipe or the terminal changes, anywhere; again
 *
 * All pollers share one queue, and a number that grows with each change tells
 * whether something happened between the look and the sleep. */
#include "mm/kmalloc.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <string.h>

#define NS       1000000000ull
#define ALWAYS   (POLLERR | POLLHUP | POLLNVAL)
#define POLL_MAX NOFILE_MAX

struct user_pollfd {
    int32_t fd;
    int16_t events, revents;
};

static struct wait_queue pollers = {
    .lock = SPINLOCK_INIT(RANK_WAIT),
    .sleepers = LIST_INIT(pollers.sleepers),
};
static uint64_t changes; /* [a] */
static uint32_t npolls;  /* [a] calls that may sleep */

void
poll_changed(void)
{
    atomic_add(&changes, 1);
    atomic_fence(); /* a poller counts itself before it looks at CHANGES */
    if (atomic_load(&npolls) == 0)
        return;
    spin_lock(&pollers.lock);
    wait_wake_all(&pollers);
    spin_unlock(&pollers.lock);
}

/* --- one look --- */

/* What of WANT, and of what is always told, is so of FD. */
static unsigned
look(int fd, unsigned want)
{
    struct file *f = fd_get(current_process()->files, fd);
    unsigned r = POLLIN | POLLOUT;

    if (f == NULL)
        return POLLNVAL;
    if (f->ops->poll != NULL)
        r = f->ops->poll(f->inode, f);
    file_put(f);
    return r & (want | ALWAYS);
}

static long
look_at_all(struct user_pollfd *p, size_t n)
{
    long ready = 0;

    for (size_t i = 0; i < n; i++) {
        p[i].revents = 0;
        if (p[i].fd >= 0)
            p[i].revents = (int16_t)look(p[i].fd, (uint16_t)p[i].events);
        ready += p[i].revents != 0;
    }
    return ready;
}

/* --- waiting --- */

struct alarm {
    struct timeout timeout;
    bool late; /* [pollers.lock] */
};

static void
ring(struct timeout *t)
{
    struct alarm *a = container_of(t, struct alarm, timeout);

    spin_lock(&pollers.lock);
    a->late = true;
    wait_wake_all(&pollers);
    spin_unlock(&pollers.lock);
}

/* Until CHANGES is not SEEN, or DEADLINE (0: for ever): 0, or -EINTR. */
static long
sleep_for_change(uint64_t seen, uint64_t deadline)
{
    struct alarm a = {.late = false};
    long err = 0;

    if (deadline != 0)
        timeout_arm(&a.timeout, deadline, ring);
    spin_lock(&pollers.lock);
    while (atomic_load(&changes) == seen && !a.late && err == 0)
        err = wait_sleep_intr(&pollers);
    spin_unlock(&pollers.lock);
    if (deadline != 0)
        timeout_cancel(&a.timeout);
    return err;
}

/* The number of ready ones; 0 at DEADLINE (0: never); -EINTR. */
static long
poll_until(struct user_pollfd *p, size_t n, uint64_t deadline)
{
    long r;

    atomic_add(&npolls, 1);
    atomic_fence();
    for (;;) {
        uint64_t seen = atomic_load(&changes);

        r = look_at_all(p, n);
        if (r != 0 || (deadline != 0 && time_now() >= deadline))
            break;
        r = sleep_for_change(seen, deadline);
        if (r != 0)
            break;
    }
    atomic_add(&npolls, -1);
    return r;
}

/* The timespec at ADDR from now on, in time_now(); 0: no limit. */
static long
deadline_of(uintptr_t addr, uint64_t *deadline)
{
    struct user_timespec t;

    *deadline = 0;
    if (addr == 0)
        return 0;
    if (copy_from_user(&t, addr, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= (int64_t)NS)
        return -EINVAL;
    *deadline = deadline_in(&t);
    return 0;
}

/* What is left until DEADLINE, to the timespec at ADDR, as Linux's calls do: so
 * one that is made again does not wait anew. */
static void
give_rest(uintptr_t addr, uint64_t deadline)
{
    uint64_t now = time_now(), hz = timebase_hz;
    uint64_t left = deadline > now ? deadline - now : 0;
    struct user_timespec t = {(int64_t)(left / hz),
                              (int64_t)(left % hz * NS / hz)};

    if (addr != 0 && copy_to_user(addr, &t, sizeof(t)) != 0)
        return; /* the ready ones matter more */
}

/* With the signals at ADDR (0: as they are) blocked instead, until mask_end(): a
 * handler that ends the wait runs with them, too. */
static long
mask_begin(uintptr_t addr, uint64_t size)
{
    struct task *me = current_task();
    uint64_t mask;

    if (addr == 0)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, addr, sizeof(mask)) != 0)
        return -EFAULT;
    me->saved_mask = me->blocked;
    me->restore_mask = true;
    signal_mask(mask);
    return 0;
}

static void
mask_end(long r)
{
    struct task *me = current_task();

    if (!me->restore_mask || r == -EINTR) /* then task_work() does it */
        return;
    me->restore_mask = false;
    signal_mask(me->saved_mask);
}

/* --- the calls --- */

static long
sys_ppoll(ARGS)
{
    size_t bytes = a1 * sizeof(struct user_pollfd);
    struct user_pollfd *p;
    uint64_t deadline;
    long r = deadline_of(a2, &deadline);

    if (r != 0 || a1 > POLL_MAX)
        return r != 0 ? r : -EINVAL;
    p = kmalloc(MAX(bytes, 1ul));
    if (p == NULL)
        return -ENOMEM;
    if (copy_from_user(p, a0, bytes) != 0)
        r = -EFAULT;
    if (r == 0)
        r = mask_begin(a3, a4);
    if (r == 0) {
        r = poll_until(p, a1, deadline);
        mask_end(r);
        give_rest(a2, deadline);
    }
    if (r >= 0 && copy_to_user(a0, p, bytes) != 0)
        r = -EFAULT;
    kfree(p);
    return r;
}
SYSCALL(73, ppoll, "puppu", sys_ppoll);

/* pselect6: three sets of bits, in, out and odd. */
struct sets {
    uint64_t bits[3][POLL_MAX / 64];
    struct user_pollfd p[POLL_MAX];
};
static const uint16_t wants[3] = {POLLIN, POLLOUT, POLLPRI};
static const uint16_t means[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR,
                                  POLLPRI};

static size_t
collect(struct sets *s, size_t n)
{
    size_t k = 0;

    for (size_t fd = 0; fd < n; fd++) {
        unsigned want = 0;

        for (unsigned i = 0; i < 3; i++)
            want |= s->bits[i][fd / 64] >> (fd % 64) & 1 ? wants[i] : 0;
        if (want != 0)
            s->p[k++] = (struct user_pollfd){(int32_t)fd, (int16_t)want, 0};
    }
    return k;
}

/* The bits of what is ready; how many. */
static long
spread(struct sets *s, size_t k)
{
    long ready = 0;

    memset(s->bits, 0, sizeof(s->bits));
    for (size_t j = 0; j < k; j++) {
        size_t fd = (size_t)s->p[j].fd;

        if (s->p[j].revents & POLLNVAL)
            return -EBADF;
        for (unsigned i = 0; i < 3; i++) {
            if ((s->p[j].events & wants[i]) && (s->p[j].revents & means[i])) {
                s->bits[i][fd / 64] |= 1ul << (fd % 64);
                ready++;
            }
        }
    }
    return ready;
}

static long
sys_pselect6(ARGS)
{
    uint64_t from[3] = {a1, a2, a3}, deadline, mask[2] = {0};
    size_t bytes = (a0 + 63) / 64 * 8, k;
    struct sets *s;
    long r = deadline_of(a4, &deadline);

    if (r != 0 || a0 > POLL_MAX)
        return r != 0 ? r : -EINVAL;
    if (a5 != 0 && copy_from_user(mask, a5, sizeof(mask)) != 0)
        return -EFAULT;
    s = kzalloc(sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < 3 && r == 0; i++) {
        if (from[i] != 0 && copy_from_user(s->bits[i], from[i], bytes) != 0)
            r = -EFAULT;
    }
    if (r == 0)
        r = mask_begin(mask[0], mask[1]);
    if (r == 0) {
        k = collect(s, a0);
        r = poll_until(s->p, k, deadline);
        mask_end(r);
        give_rest(a4, deadline);
        if (r >= 0)
            r = spread(s, k);
    }
    for (unsigned i = 0; i < 3 && r >= 0; i++) {
        if (from[i] != 0 && copy_to_user(from[i], s->bits[i], bytes) != 0)
            r = -EFAULT;
    }
    kfree(s);
    return r;
}
SYSCALL(72, pselect6, "dppppp", sys_pselect6);
