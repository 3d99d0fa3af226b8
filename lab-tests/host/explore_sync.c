/* explore_sync.c: the locks and the queues, over all schedules with at most
 * two preemptions.
 *
 * The kernel's own spinlock.c, wait.c, mutex.c, sem.c, condvar.c and timeout.c
 * run here; below them is the model of the scheduler (explore/model.h).  After
 * each test come its mutants: the same test with one call left out, moved or
 * weakened, in which the explorer must find a failure.  A mutant is made by
 * the macros below, so the kernel's files know nothing of it. */
#include "explore/explore.h"

#include <atomic.h>
#include <list.h>

enum mutant {
    MUTANT_NONE,
    MUTANT_LOCK_LOADS_THEN_STORES,
    MUTANT_QUEUE_AFTER_UNLOCK,
    MUTANT_COND_UNLOCKS_FIRST,
    MUTANT_NO_HEIR, /* mutex_unlock() clears the owner and wakes somebody */
    MUTANT_NO_MARK, /* who sleeps leaves the owner as it was */
};

/* A swap that is a load and a store. */
#define weak_swap(p, v)                         \
    ({                                          \
        __typeof__(*(p)) old_ = atomic_load(p); \
        atomic_store(p, v);                     \
        old_;                                   \
    })
#undef atomic_swap_acquire
#define atomic_swap_acquire(p, v)                      \
    (explore_mutant() == MUTANT_LOCK_LOADS_THEN_STORES \
         ? weak_swap(p, v)                             \
         : (ATOMIC_POINT(p), __atomic_exchange_n(p, v, __ATOMIC_ACQUIRE)))

#include "explore/model.h"
#include "ext/sync/condvar.h"
#include "ext/sync/sem.h"
#include "sync/mutex.h"
#include "sync/wait.h"
#include <errno.h>

#include "kern/sync/lockorder.c"
#include "kern/sync/spinlock.c"
#include "libs/avl.c"
#define program timer_program /* the name is free in timeout.c only */
#include "kern/schedule/timeout.c"
#undef program

/* The waiter joins the queue in a second critical section. */
static void
late_add(struct spinlock *lock, struct list *at, struct list *node)
{
    if (explore_mutant() == MUTANT_QUEUE_AFTER_UNLOCK) {
        spin_unlock(lock);
        spin_lock(lock);
    }
    list_add_tail(at, node);
}

#define list_add_tail(at, node) late_add(&wq->lock, at, node)
#define sched_sleep(lock, intr) EXPLORE_CALL(sched_sleep, lock, lock, intr)
#include "kern/sync/wait.c"
#undef list_add_tail
#undef sched_sleep

#define timeout_cancel(t) EXPLORE_CALL(timeout_cancel, t, t)
#include "kern/ext/sync/wait_until.c"
#undef timeout_cancel

#define wait_wake(wq, n) EXPLORE_CALL(wait_wake, wq, wq, n)
#define wait_first(wq) \
    (explore_mutant() == MUTANT_NO_HEIR ? NULL : wait_first(wq))
#undef atomic_cas
#define atomic_cas(p, expected, desired)                             \
    (explore_mutant() == MUTANT_NO_MARK && (desired & MUTEX_WAITED)  \
         ? *(expected) == atomic_load(p)                             \
         : (ATOMIC_POINT(p),                                         \
            __atomic_compare_exchange_n(p, expected, desired, false, \
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)))
#include "kern/sync/mutex.c"
#undef wait_first

/* The value is a plain field, whose accesses the explorer does not see; so
 * each "if" in this file is a point. */
/* clang-format off */
#define if(x) if (EXPLORE_POINT("if"), x)
/* clang-format on */
#include "kern/ext/sync/sem.c"
#undef if
#undef wait_wake

/* The mutex is given back before the waiter is on the queue. */
static void
early_enter(struct wait_queue *wq, struct waiter *w, struct mutex *m)
{
    if (explore_mutant() == MUTANT_COND_UNLOCKS_FIRST) {
        spin_unlock(&wq->lock);
        mutex_unlock(m);
        spin_lock(&wq->lock);
    }
    wait_enter(wq, w);
}

static void
late_unlock(struct mutex *m)
{
    if (explore_mutant() != MUTANT_COND_UNLOCKS_FIRST)
        mutex_unlock(m);
}

#define wait_enter(wq, w) early_enter(wq, w, m)
#define mutex_unlock(m)   late_unlock(m)
#include "kern/ext/sync/condvar.c"
#undef wait_enter
#undef mutex_unlock

/* --- spin locks -------------------------------------------------------- */

static struct spinlock lock;
static unsigned inside, passes;

static void
critical_section(void)
{
    if (++inside != 1)
        explore_fail("two harts hold the lock");
    EXPLORE_POINT("inside");
    if (inside != 1)
        explore_fail("two harts hold the lock");
    inside--;
    passes++;
}

static void
spin_setup(void)
{
    spin_init(&lock, RANK_OBJECT);
    EXPLORE_NAME(lock);
}

static void
spin_body(unsigned hart)
{
    model_start(hart);
    for (int i = 0; i < 2; i++) {
        spin_lock(&lock);
        assert(spin_held(&lock));
        critical_section();
        assert(spin_held(&lock));
        spin_unlock(&lock);
    }
}

static void
spin_check(void)
{
    assert(passes == 2 * ncpu && !lock.locked && !spin_held(&lock));
}

static void
spin_try_body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        spin_body(hart);
    } else if (spin_trylock_nested(&lock)) {
        critical_section();
        spin_unlock_nested(&lock);
    }
}

/* --- wait queues -------------------------------------------------------- */

static struct wait_queue wq;
static bool ready;
static int results[EXPLORE_HARTS];

static void
wait_setup(void)
{
    wait_init(&wq);
    model_spurious = true;
    EXPLORE_NAME(wq);
    EXPLORE_NAME(model_thread);
}

static void
make_ready(void)
{
    spin_lock(&wq.lock);
    ready = true;
    wait_wake_all(&wq);
    spin_unlock(&wq.lock);
}

static void
wait_body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        make_ready();
        return;
    }
    spin_lock(&wq.lock);
    while (!ready)
        wait_sleep(&wq);
    spin_unlock(&wq.lock);
}

static void
wait_check(void)
{
    assert(list_empty(&wq.sleepers) && !wq.lock.locked);
}

/* Hart 1 waits with a deadline, hart 0 wakes: exactly one of the two ends the
 * sleep, and the answer says which. */
static unsigned woken;

static void
timed_body(unsigned hart)
{
    model_start(hart);
    spin_lock(&wq.lock);
    if (hart == 0)
        woken += wait_wake(&wq, 1);
    else
        results[hart] = wait_sleep_until(&wq, time_now() + 50);
    spin_unlock(&wq.lock);
    /* Whoever still had a deadline on this stack would now write into it. */
    EXPLORE_POINT("stack is reused");
}

static void
timed_check(void)
{
    wait_check();
    assert(results[1] == (woken ? 0 : -ETIMEDOUT));
    for (unsigned i = 0; i < ncpu; i++)
        assert(queues[i].tree.root == NULL && queues[i].firing == NULL);
}

/* --- mutexes ------------------------------------------------------------ */

static struct mutex mutex;

static void
mutex_setup(void)
{
    mutex_init(&mutex, RANK_GATE);
    model_spurious = true;
    EXPLORE_NAME(mutex);
    EXPLORE_NAME(model_thread);
}

static void
mutex_body(unsigned hart)
{
    model_start(hart);
    mutex_lock(&mutex);
    assert(mutex_held(&mutex));
    critical_section();
    mutex_unlock(&mutex);
    assert(!mutex_held(&mutex));
}

static void
mutex_check(void)
{
    assert(passes == ncpu && mutex.owner == 0);
    assert(list_empty(&mutex.wq.sleepers));
}

/* Hart 0 holds it until both others are asleep; they must pass in the order in
 * which they queued, and nobody who only tries may come in between. */
static bool held;
static int queued[EXPLORE_HARTS], passed[EXPLORE_HARTS];
static unsigned nqueued, npassed;

static bool
is_held(void *arg)
{
    (void)arg;
    return held;
}

static bool
both_asleep(void *arg)
{
    (void)arg;
    return model_thread[1].state == THREAD_BLOCKED &&
           model_thread[2].state == THREAD_BLOCKED;
}

static void
fifo_setup(void)
{
    mutex_setup();
    model_spurious = false;
}

static void
fifo_holder(void)
{
    mutex_lock(&mutex);
    held = true;
    explore_wait("both asleep", both_asleep, NULL);
    list_for_each_entry (w, &mutex.wq.sleepers, struct waiter, link)
        queued[nqueued++] = w->thread->tid;
    mutex_unlock(&mutex);
    if (mutex_trylock(&mutex)) {
        if (npassed != 2)
            explore_fail("trylock overtook a sleeper");
        mutex_unlock(&mutex);
    }
}

static void
fifo_body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        fifo_holder();
        return;
    }
    explore_wait("held", is_held, NULL);
    mutex_lock(&mutex);
    passed[npassed++] = current_thread()->tid;
    mutex_unlock(&mutex);
}

static void
fifo_check(void)
{
    if (passed[0] != queued[0] || passed[1] != queued[1])
        explore_fail("a sleeper overtook another");
}

/* --- semaphores ---------------------------------------------------------- */

static struct semaphore sem;
static unsigned taken;

static void
sem_setup(void)
{
    sem_init(&sem, 0);
    model_spurious = true;
    EXPLORE_NAME(sem);
    EXPLORE_NAME(model_thread);
}

/* Two downs meet two ups. */
static void
sem_body(unsigned hart)
{
    model_start(hart);
    if (hart == 0) {
        sem_up(&sem);
        sem_up(&sem);
    } else {
        sem_down(&sem);
        taken++;
    }
}

static void
sem_check(void)
{
    assert(taken == 2 && sem.value == 0 && list_empty(&sem.wq.sleepers));
}

/* An up, a down with a deadline, and one that only tries: the unit is taken
 * once or still there. */
static void
sem_timed_body(unsigned hart)
{
    model_start(hart);
    if (hart == 0)
        sem_up(&sem);
    else if (hart == 1)
        taken += sem_down_until(&sem, time_now() + 50) == 0;
    else
        taken += sem_try_down(&sem);
}

static void
sem_timed_check(void)
{
    assert(taken <= 1 && taken + sem.value == 1 &&
           list_empty(&sem.wq.sleepers));
}

/* Three harts want one unit at once. */
static void
sem_try_setup(void)
{
    sem_setup();
    sem.value = 1;
}

static void
sem_try_body(unsigned hart)
{
    model_start(hart);
    taken += sem_try_down(&sem);
}

/* --- condition variables -------------------------------------------------- */

static struct condvar cond;

static void
cond_setup(void)
{
    mutex_setup();
    cond_init(&cond);
    EXPLORE_NAME(cond);
}

static void
cond_body(unsigned hart)
{
    model_start(hart);
    mutex_lock(&mutex);
    if (hart == 0) {
        ready = true;
        cond_signal(&cond);
    } else {
        while (!ready)
            cond_wait(&cond, &mutex);
    }
    assert(mutex_held(&mutex));
    mutex_unlock(&mutex);
}

static void
cond_broadcast_body(unsigned hart)
{
    if (hart != 0) {
        cond_body(hart);
        return;
    }
    model_start(hart);
    mutex_lock(&mutex);
    ready = true;
    mutex_unlock(&mutex); /* a signal without the mutex is allowed */
    cond_broadcast(&cond);
}

static void
cond_timed_body(unsigned hart)
{
    int err;

    if (hart == 0) {
        cond_body(hart);
        return;
    }
    model_start(hart);
    mutex_lock(&mutex);
    while (!ready) {
        err = cond_wait_until(&cond, &mutex, 1050);
        if (err != 0)
            break;
    }
    assert(mutex_held(&mutex) && (ready || time_now() >= 1050));
    mutex_unlock(&mutex);
}

static void
cond_check(void)
{
    assert(list_empty(&cond.wq.sleepers) && mutex.owner == 0);
}

#define SKIP(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SPIN      .setup = spin_setup, .body = spin_body, .check = spin_check
#define WAIT      .setup = wait_setup, .body = wait_body, .check = wait_check
#define TIMED                                                      \
    .setup = wait_setup, .body = timed_body, .check = timed_check, \
    .timers = true, .timer_interrupt = timeout_interrupt
#define MUTEX .setup = mutex_setup, .body = mutex_body, .check = mutex_check
#define FIFO  .setup = fifo_setup, .body = fifo_body, .check = fifo_check
#define SEM   .setup = sem_setup, .body = sem_body, .check = sem_check
#define TRY \
    .setup = sem_try_setup, .body = sem_try_body, .check = sem_timed_check
#define COND .setup = cond_setup, .check = cond_check

static const struct explore_test tests[] = {
    {"spinlock", 3, SPIN},
    {"spinlock-try", 3, .setup = spin_setup, .body = spin_try_body},
    {"spinlock-mutant-load-store", 2, SPIN,
     .mutant = MUTANT_LOCK_LOADS_THEN_STORES, .expect = ""},
    {"wait", 3, WAIT},
    {"wait-mutant-queue-after-unlock", 2, WAIT,
     .mutant = MUTANT_QUEUE_AFTER_UNLOCK, .expect = "dead-lock"},
    {"wait-mutant-no-sleep", 2, WAIT, .skip = SKIP("wait_finish/sched_sleep"),
     .expect = "livelock"},
    {"wait-until", 2, TIMED},
    {"wait-until-mutant-no-cancel", 2, TIMED,
     .skip = SKIP("wait_finish_until/timeout_cancel"), .expect = ""},
    {"mutex", 3, MUTEX},
    {"mutex-fifo", 3, FIFO},
    {"mutex-mutant-no-wake", 2, MUTEX,
     .skip = SKIP("mutex_unlock_nested/wait_wake"), .expect = "dead-lock"},
    {"mutex-mutant-lock-without-spinlock", 2, MUTEX,
     .skip =
         SKIP("mutex_lock_nested/spin_lock", "mutex_lock_nested/spin_unlock"),
     .expect = ""},
    {"mutex-mutant-no-mark", 2, MUTEX, .mutant = MUTANT_NO_MARK,
     .expect = "dead-lock"},
    {"mutex-mutant-no-heir", 2, MUTEX, .mutant = MUTANT_NO_HEIR,
     .expect = "dead-lock"},
    {"semaphore", 3, SEM},
    {"semaphore-try", 3, TRY},
    {"semaphore-until", 3, .setup = sem_setup, .body = sem_timed_body,
     .check = sem_timed_check, .timers = true,
     .timer_interrupt = timeout_interrupt},
    {"semaphore-mutant-no-wake", 3, SEM, .skip = SKIP("sem_up/wait_wake"),
     .expect = "dead-lock"},
    {"semaphore-mutant-try-unlocked", 2, TRY,
     .skip = SKIP("sem_try_down/spin_lock", "sem_try_down/spin_unlock"),
     .expect = "taken"},
    {"condvar", 3, COND, .body = cond_broadcast_body},
    {"condvar-signal", 2, COND, .body = cond_body},
    {"condvar-until", 2, COND, .body = cond_timed_body, .timers = true,
     .timer_interrupt = timeout_interrupt},
    {"condvar-mutant-unlock-first", 2, COND, .body = cond_body,
     .mutant = MUTANT_COND_UNLOCKS_FIRST, .expect = "dead-lock"},
};

int
main(int argc, char **argv)
{
    return explore_main(argc, argv, "explore_sync", tests, ARRAY_LEN(tests));
}
