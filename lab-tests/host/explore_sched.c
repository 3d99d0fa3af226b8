/* explore_sched.c: the real scheduler, over all schedules with at most two
 * preemptions.
 *
 * schedule/sched.c, thread.c, timeout.c, sched_rr.c and sync/wait.c run as they
 * are; only the hart below them is virtual.  A test starts a few threads with
 * their affinities and ends when all harts wait for interrupts; then every
 * thread must have ended and every queue must be empty.  A thread that is
 * READY while all harts sleep is a lost wake-up and shows as a dead-lock.
 *
 * The mutants take away one of the hand-shakes each. */
#include "explore/explore.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#include "arch/riscv/cpu.h"
#include "arch/riscv/memlayout.h"
#include "arch/riscv/sbi.h"
#include "arch/riscv/timer.h"
#include "schedule/sched.h"
#include "schedule/timeout.h"
#include "sync/wait.h"
#include <errno.h>
#include <stdio.h>

enum mutant {
    MUTANT_NONE,
    MUTANT_UNLOCK_BEFORE_SWITCH, /* the queue lock does not cover the switch */
    MUTANT_GONE_BEFORE_SWITCH,   /* a dead thread still uses its stack */
    MUTANT_SLEEP_TOO_LATE,       /* after the waker's lock is given back */
    MUTANT_LOOK_TOO_EARLY,       /* who interrupts us came after the look */
};

/* The switch, by a thread in too much of a hurry. */
static void
early_switch(struct run_queue *rq, struct context *from, struct context *to,
             struct tcb *next)
{
    struct thread *gone = rq->gone;

    if (explore_mutant() == MUTANT_UNLOCK_BEFORE_SWITCH)
        atomic_store_release(&rq->lock.locked, 0);
    if (explore_mutant() == MUTANT_GONE_BEFORE_SWITCH && gone != NULL) {
        rq->gone = NULL;
        spin_unlock(&rq->lock);
        thread_gone(gone);
        spin_lock(&rq->lock);
    }
    context_switch(from, to, next);
}

/* A store one can leave out: "function/&word". */
#define named_store(p, v)                                         \
    ({                                                            \
        if (explore_enter(#p, p, __FILE__, __LINE__, __func__)) { \
            ATOMIC_POINT(p);                                      \
            __atomic_store_n(p, v, __ATOMIC_RELAXED);             \
            explore_leave();                                      \
        }                                                         \
    })

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "libs/avl.c"

#define irq_off()               EXPLORE_CALL(irq_off, NULL)
#define irq_restore()           EXPLORE_CALL(irq_restore, NULL)
#define sbi_send_ipi(...)       EXPLORE_CALL(sbi_send_ipi, NULL, __VA_ARGS__)
#define context_switch(f, t, n) early_switch(rq, f, t, n)
#pragma push_macro("atomic_store")
#undef atomic_store
#define atomic_store(p, v) named_store(p, v)
#include "kern/schedule/sched.c"
#undef irq_off
#undef irq_restore
#undef sbi_send_ipi
#undef context_switch
#pragma pop_macro("atomic_store")

/* Who forgets what when is explore_tlb.c's matter. */
void
cpu_sleep(void)
{
    wfi();
}

#include "kern/schedule/sched_rr.c"
static size_t
copy_name(char *to, const char *from, size_t n)
{
    return (size_t)snprintf(to, n, "%s", from);
}
#define strlcpy copy_name
#include "kern/schedule/thread.c"
#include "kern/schedule/timeout.c"
#define sched_sleep(lock, intr) \
    sched_sleep(lock, (intr) && explore_mutant() != MUTANT_LOOK_TOO_EARLY)
#include "kern/sync/wait.c"
#undef sched_sleep

#include "kern/ext/sync/wait_until.c"

/* --- a machine with a few threads --------------------------------------- */

#define MAX_THREADS 4

static struct thread idle_thread[EXPLORE_HARTS];
static struct thread threads[MAX_THREADS];
static unsigned nthreads, ndead;

/* What the test starts, on hart 0, when all other harts sleep. */
static void
on_dead(struct thread *t)
{
    struct run_queue *rq = &run_queues[t->rq_cpu];

    assert(t->state == THREAD_DEAD && rq->running != t &&
           t != current_thread());
    ndead++;
}

static void
spawn(const char *name, uint64_t affinity, void (*entry)(void *), void *arg)
{
    struct thread *t = &threads[nthreads++];

    thread_init(t, name, 0, entry, arg);
    t->slice_left = 1; /* the first tick preempts */
    t->affinity = affinity;
    t->on_dead = on_dead;
    thread_start(t);
}

static void
setup(void)
{
    if (sched_select("rr") != 0)
        explore_fail("no policy");
    timebase_hz = 1000;
    EXPLORE_NAME(run_queues);
    EXPLORE_NAME(queues);
    EXPLORE_NAME(idle_mask);
    EXPLORE_NAME(threads);
    EXPLORE_NAME(idle_thread);
    EXPLORE_NAME(cpus);
}

static void
boot(unsigned hart, void (*start)(void))
{
    struct thread *idle = &idle_thread[hart];

    explore_tcb[hart] = &idle->tcb;
    idle->tcb.cpu = &cpus[hart];
    timer_init_cpu();
    sched_init_cpu(idle);
    if (hart == 0) {
        start();
        explore_begin();
    }
    sched_idle_loop();
}

static bool
finished(void)
{
    return ndead == nthreads;
}

static void
check(void)
{
    for (unsigned i = 0; i < ncpu; i++) {
        const struct run_queue *rq = &run_queues[i];

        assert(rq->nr == 0 && list_empty(&rq->list) && !rq->lock.locked);
        assert(rq->running == &idle_thread[i]);
        assert(rq->gone == NULL && rq->moved == NULL);
    }
    assert(idle_mask == (1ul << ncpu) - 1);
    assert(list_empty(&all_threads));
}

/* --- block and wake, by the pattern of sched.h --- */

static struct spinlock lock = SPINLOCK_INIT(RANK_WAIT);
static bool ready;

static void
sleeper(void *arg)
{
    struct spinlock own = SPINLOCK_INIT(RANK_WAIT);

    (void)arg;
    for (;;) {
        spin_lock(&lock);
        if (ready)
            break;
        if (explore_mutant() == MUTANT_SLEEP_TOO_LATE) {
            spin_unlock(&lock);
            spin_lock(&own);
            sched_sleep(&own, false);
            spin_unlock(&own);
        } else {
            sched_sleep(&lock, false);
            spin_unlock(&lock);
        }
    }
    spin_unlock(&lock);
}

static void
waker(void *arg)
{
    spin_lock(&lock);
    ready = true;
    spin_unlock(&lock);
    sched_wake(arg); /* before it sleeps, while, or after */
}

static void
start_wake(void)
{
    EXPLORE_NAME(lock);
    spawn("sleeper", 1 << 1, sleeper, NULL);
    spawn("waker", 1 << 0, waker, &threads[0]);
}

static void
wake_body(unsigned hart)
{
    boot(hart, start_wake);
}

/* From now on the threads may run anywhere. */
static void
set_free(void)
{
    for (unsigned i = 0; i < nthreads; i++)
        threads[i].affinity = ~0ul;
}

/* The sleeper may go on on another hart than the one it is just leaving: hart
 * 0 has nothing to do when the waker has ended, and takes it. */
static void
start_hand_over(void)
{
    start_wake();
    set_free();
}

static void
hand_over_body(unsigned hart)
{
    boot(hart, start_hand_over);
}

/* --- wait queues over the real scheduler --- */

static struct wait_queue wq;
static int answer;
static unsigned woken;

static void
queue_sleeper(void *arg)
{
    (void)arg;
    spin_lock(&wq.lock);
    while (!ready)
        wait_sleep(&wq);
    spin_unlock(&wq.lock);
}

static void
queue_waker(void *arg)
{
    (void)arg;
    spin_lock(&wq.lock);
    ready = true;
    woken += wait_wake_all(&wq);
    spin_unlock(&wq.lock);
}

static void
timed_sleeper(void *arg)
{
    (void)arg;
    spin_lock(&wq.lock);
    answer = wait_sleep_until(&wq, time_now() + 5);
    spin_unlock(&wq.lock);
}

/* Interrupted before it sleeps, while, or after. */
static void
wanted_sleeper(void *arg)
{
    (void)arg;
    spin_lock(&wq.lock);
    answer = wait_sleep_intr(&wq);
    spin_unlock(&wq.lock);
}

static void
interrupter(void *arg)
{
    thread_interrupt(arg);
}

static void
start_wanted(void)
{
    wait_init(&wq);
    EXPLORE_NAME(wq);
    spawn("sleeper", 1 << 1, wanted_sleeper, NULL);
    spawn("interrupter", 1 << 0, interrupter, &threads[0]);
}

static void
wanted_body(unsigned hart)
{
    boot(hart, start_wanted);
}

static void
wanted_check(void)
{
    check();
    assert(answer == -EINTR && list_empty(&wq.sleepers));
}

static void
start_queue(void)
{
    wait_init(&wq);
    EXPLORE_NAME(wq);
    spawn("sleeper", ~0ul, queue_sleeper, NULL);
    spawn("waker", ~0ul, queue_waker, NULL);
}

static void
queue_body(unsigned hart)
{
    boot(hart, start_queue);
}

/* The deadline may be on another hart than the sleeper when it is cancelled. */
static void
start_timed(void)
{
    wait_init(&wq);
    EXPLORE_NAME(wq);
    spawn("sleeper", 1 << 1, timed_sleeper, NULL);
    spawn("waker", 1 << 0, queue_waker, NULL);
    set_free();
}

static void
timed_body(unsigned hart)
{
    boot(hart, start_timed);
}

static void
timed_check(void)
{
    check();
    assert(answer == (woken ? 0 : -ETIMEDOUT));
}

/* --- idle harts: start, yield, steal, move, sleep --- */

static unsigned ran[MAX_THREADS];

static void
yielder(void *arg)
{
    unsigned *n = arg;

    ++*n;
    sched_yield();
    ++*n;
}

/* Two threads begin on hart 0; hart 1 may take one of them at any time. */
static void
start_steal(void)
{
    spawn("one", 1 << 0, yielder, &ran[0]);
    spawn("two", 1 << 0, yielder, &ran[1]);
    set_free();
    sbi_send_ipi((struct sbi_harts){.mask = 1, .base = 1});
}

static void
steal_body(unsigned hart)
{
    boot(hart, start_steal);
}

static void
steal_check(void)
{
    check();
    assert(ran[0] == 2 && ran[1] == 2);
}

/* Both on one hart, where only a tick can come between. */
static void
start_alone(void)
{
    EXPLORE_NAME(lock);
    spawn("sleeper", 1 << 0, sleeper, NULL);
    spawn("waker", 1 << 0, waker, &threads[0]);
    spawn("other", 1 << 0, yielder, &ran[2]);
}

static void
alone_body(unsigned hart)
{
    boot(hart, start_alone);
}

/* A thread's memory is used again as soon as on_dead() says it may. */
static void
reborn(struct thread *t)
{
    on_dead(t);
    nthreads++;
    memset(t, 0, sizeof(*t));
    thread_init(t, "reborn", 0, yielder, &ran[1]);
    t->on_dead = on_dead;
    thread_start(t);
}

static void
start_reuse(void)
{
    spawn("one", 1 << 1, yielder, &ran[0]);
    threads[0].on_dead = reborn;
    set_free();
}

static void
reuse_body(unsigned hart)
{
    boot(hart, start_reuse);
}

/* Whoever was stolen goes to sleep on its new hart, or wakes the other. */
static void
start_steal_wake(void)
{
    EXPLORE_NAME(lock);
    spawn("sleeper", 1 << 0, sleeper, NULL);
    spawn("waker", 1 << 0, waker, &threads[0]);
    set_free();
    sbi_send_ipi((struct sbi_harts){.mask = 1, .base = 1});
}

static void
steal_wake_body(unsigned hart)
{
    boot(hart, start_steal_wake);
}

static void
mover(void *arg)
{
    (void)arg;
    assert(sched_set_affinity(1 << 0) == 0);
    irq_off();
    assert(this_cpu()->id == 0);
    irq_restore();
    assert(sched_set_affinity(1 << 1) == 0);
    irq_off();
    assert(this_cpu()->id == 1);
    irq_restore();
}

static void
start_move(void)
{
    spawn("mover", 1 << 1, mover, NULL);
    spawn("other", 1 << 1, yielder, &ran[1]);
}

static void
move_body(unsigned hart)
{
    boot(hart, start_move);
}

static void
napper(void *arg)
{
    (void)arg;
    sleep_until(time_now() + 5);
    assert(time_now() >= 1005);
}

static void
start_nap(void)
{
    spawn("napper", ~0ul, napper, NULL);
    spawn("other", ~0ul, yielder, &ran[1]);
}

static void
nap_body(unsigned hart)
{
    boot(hart, start_nap);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define QUIET                                            \
    .boots = true, .setup = setup, .finished = finished, \
    .timer_interrupt = timeout_interrupt
#define COMMON  QUIET, .trap_end = sched_preempt_point
#define TEST(b) COMMON, .body = b, .check = check, .frozen = true

#define STEAL COMMON, .body = steal_body, .check = steal_check, .frozen = true

static const struct explore_test tests[] = {
    {"wake", 2, TEST(wake_body)},
    {"wake-with-ticks", 2, COMMON, .body = wake_body, .check = check,
     .timers = true},
    {"wake-mutant-sleep-too-late", 2, TEST(wake_body),
     .mutant = MUTANT_SLEEP_TOO_LATE, .expect = "dead-lock"},
    {"hand-over", 3, TEST(hand_over_body)},
    {"hand-over-mutant-early-unlock", 2, TEST(hand_over_body),
     .mutant = MUTANT_UNLOCK_BEFORE_SWITCH, .expect = "on one stack"},
    {"wait-queue", 3, TEST(queue_body)},
    {"interrupt", 2, COMMON, .body = wanted_body, .check = wanted_check,
     .frozen = true},
    {"interrupt-mutant-look-too-early", 2, COMMON, .body = wanted_body,
     .check = wanted_check, .frozen = true, .mutant = MUTANT_LOOK_TOO_EARLY,
     .expect = "dead-lock"},
    {"wait-until", 2, COMMON, .body = timed_body, .check = timed_check,
     .timers = true},
    /* As if the end of a trap did not switch: the idle loop alone must do. */
    {"idle", 2, QUIET, .body = wake_body, .check = check, .frozen = true},
    {"idle-mutant-interrupts-on", 2, QUIET, .body = wake_body, .frozen = true,
     .skip = SKIP("sched_idle_loop/irq_off", "sched_idle_loop/irq_restore"),
     .expect = "dead-lock"},
    {"idle-mutant-no-ipi", 2, TEST(wake_body),
     .skip = SKIP("kick/sbi_send_ipi"), .expect = "dead-lock"},
    {"steal", 2, STEAL},
    {"steal-wake", 2, TEST(steal_wake_body)},
    {"steal-mutant-no-lock", 2, STEAL,
     .skip = SKIP("steal/spin_lock", "steal/spin_unlock"), .expect = ""},
    {"steal-mutant-old-owner", 2, TEST(steal_wake_body),
     .skip = SKIP("steal/&t->rq_cpu"), .expect = ""},
    {"move", 2, TEST(move_body)},
    {"move-with-ticks", 2, COMMON, .body = move_body, .check = check,
     .timers = true},
    {"alone-with-ticks", 1, COMMON, .body = alone_body, .check = check,
     .timers = true},
    {"reuse", 2, TEST(reuse_body)},
    {"reuse-mutant-early", 2, TEST(reuse_body),
     .mutant = MUTANT_GONE_BEFORE_SWITCH, .expect = "t != current_thread"},
    {"sleep", 2, COMMON, .body = nap_body, .check = check, .timers = true},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_sched", tests, ARRAY_LEN(tests));
}
