/* timeout.c: deadlines of one hart, in a balanced tree; the tick is one more.
 *
 *     arm --> [tree by deadline] --> due --> taken out --> fire(t)
 *                   |                            ^
 *                 cancel (any hart)           firing = t, so that a canceller
 *                                             can wait until fire() is over
 *
 * The hart's timer is programmed for the nearer of first deadline and tick, but
 * never further away than HORIZON: a machine that skips idle time (QEMU with
 * -icount sleep=off) would go to the end of its clock, which then stands still. */
#include "schedule/timeout.h"

#include "arch/riscv/timer.h"
#include "schedule/sched.h"

struct timer_queue {
    struct spinlock lock;
    struct avl_tree tree;   /* [lock] by deadline */
    struct timeout *firing; /* [lock] */
    uint64_t tick;          /* [own] time of the next tick; NEVER: none */
    uint64_t programmed;    /* [lock] what the hardware was told */
} CACHE_ALIGNED;

#define NEVER   UINT64_MAX
#define HORIZON 1 /* seconds */

static struct timer_queue queues[NCPU_MAX];
uint64_t timebase_hz;

static struct timeout *
first_of(struct timer_queue *q)
{
    struct avl_node *n = avl_first(&q->tree);

    return n == NULL ? NULL : avl_entry(n, struct timeout, node);
}

/* Tell the hardware if the next event became nearer or is over.
 * => this hart's queue, lock held or not shared yet */
static void
program(struct timer_queue *q)
{
    struct timeout *t = first_of(q);
    uint64_t next = t == NULL ? NEVER : t->deadline;

    next = MIN(next, q->tick);
    if (next != q->programmed) {
        q->programmed = next;
        timer_set(MIN(next, time_now() + HORIZON * timebase_hz));
    }
}

void
timer_init_cpu(void)
{
    struct timer_queue *q = &queues[this_cpu()->id];

    spin_init(&q->lock, RANK_TIMER);
    q->tick = NEVER;
    q->programmed = 0; /* whatever it was told before, tell it */
    program(q);
    csr_set(sie, SIE_STIE);
}

static __attribute__((noinline)) void
start_ticking(struct timer_queue *q)
{
    spin_lock(&q->lock);
    q->tick = time_now() + timebase_hz / TICK_HZ;
    program(q);
    spin_unlock(&q->lock);
}

void
timer_want_tick(void)
{
    struct timer_queue *q = &queues[this_cpu()->id];

    if (unlikely(q->tick == NEVER))
        start_ticking(q);
}

void
timeout_arm(struct timeout *t, uint64_t deadline,
            void (*fire)(struct timeout *t))
{
    struct avl_node **link, *parent = NULL;
    struct timer_queue *q;

    irq_off();
    q = &queues[this_cpu()->id];
    spin_lock(&q->lock);
    assert(!t->armed);
    t->deadline = deadline;
    t->fire = fire;
    t->cpu = this_cpu()->id;
    t->armed = true;
    link = &q->tree.root;
    while (*link != NULL) {
        parent = *link;
        link = deadline < avl_entry(parent, struct timeout, node)->deadline
                   ? &parent->left
                   : &parent->right;
    }
    avl_insert(&q->tree, &t->node, parent, link);
    program(q);
    spin_unlock(&q->lock);
    irq_restore();
}

bool
timeout_cancel(struct timeout *t)
{
    struct timer_queue *q = &queues[t->cpu];
    bool armed;

    spin_lock(&q->lock);
    armed = t->armed;
    if (armed) {
        avl_remove(&q->tree, &t->node);
        t->armed = false;
        /* The hardware may now fire for nothing, once; cheaper than asking the
         * firmware for a later time. */
    }
    spin_unlock(&q->lock);
    while (atomic_load_acquire(&q->firing) == t)
        cpu_wait();
    return armed;
}

/* Take out what is due, or return NULL.  => this hart */
static struct timeout *
take_due(struct timer_queue *q, uint64_t now)
{
    struct timeout *t;

    spin_lock(&q->lock);
    t = first_of(q);
    if (t != NULL && t->deadline <= now) {
        avl_remove(&q->tree, &t->node);
        t->armed = false;
    } else {
        t = NULL;
    }
    atomic_store_release(&q->firing, t);
    spin_unlock(&q->lock);
    return t;
}

void
timeout_interrupt(void)
{
    struct timer_queue *q = &queues[this_cpu()->id];
    uint64_t now = time_now();
    struct timeout *t;

    while ((t = take_due(q, now)) != NULL)
        t->fire(t);
    if (now >= q->tick) {
        q->tick = NEVER;
        sched_tick();
    }
    spin_lock(&q->lock);
    q->programmed = 0; /* it fired: program it again in any case */
    program(q);
    spin_unlock(&q->lock);
}

struct sleeper {
    struct timeout timeout;
    struct thread *thread;
    struct spinlock lock;
    bool done; /* [lock] */
};

static void
sleeper_wake(struct timeout *t)
{
    struct sleeper *s = container_of(t, struct sleeper, timeout);

    spin_lock(&s->lock);
    s->done = true;
    sched_wake(s->thread);
    spin_unlock(&s->lock);
}

void
sleep_until(uint64_t deadline)
{
    struct sleeper s = {.thread = current_thread(),
                        .lock = SPINLOCK_INIT(RANK_WAIT)};

    timeout_arm(&s.timeout, deadline, sleeper_wake);
    spin_lock(&s.lock);
    while (!s.done)
        sched_sleep(&s.lock, false);
    spin_unlock(&s.lock);
    timeout_cancel(&s.timeout);
}

void
sleep_ms(uint64_t ms)
{
    sleep_until(time_now() + ms * timebase_hz / 1000);
}
