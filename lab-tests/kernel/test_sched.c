/* test_sched.c: threads, time, and who runs where. */
#include "debug/kstat.h"
#include "ktest.h"
#include "mm/failpoint.h"
#include "mm/pmm.h"
#include "schedule/timeout.h"
#include <errno.h>
#include <string.h>

#define THREADS 32

static uint64_t sum; /* [a] */

static void
add_one(unsigned i)
{
    for (unsigned n = 0; n < 50; n++) {
        atomic_add(&sum, 1ul);
        if (n % 7 == i % 7)
            sched_yield();
    }
}

KTEST(sched_all_threads_run_to_their_end)
{
    sum = 0;
    ktest_parallel(THREADS, false, add_one);
    CHECK(sum == THREADS * 50);
}

static uint64_t wrong_hart; /* [a] */

static void
check_hart(unsigned i)
{
    for (unsigned n = 0; n < 20; n++) {
        irq_off();
        if (this_cpu()->id != i % ncpu)
            atomic_add(&wrong_hart, 1ul);
        irq_restore();
        sched_yield();
    }
}

KTEST(sched_affinity_is_obeyed)
{
    wrong_hart = 0;
    ktest_parallel(3 * ncpu, true, check_hart);
    CHECK(wrong_hart == 0);
    CHECK(sched_set_affinity(1ul << 63) == -EINVAL);
    CHECK(sched_set_affinity(0) == -EINVAL);
}

#define YIELDS 200u

static unsigned turns[2]; /* [a] */
static unsigned in_vain;  /* [a] yields after which the other had not moved */

/* Two on one hart take turns. */
static void
take_turns(unsigned i)
{
    unsigned me = i != 0, seen = 0;

    if (i % ncpu != 0)
        return;
    atomic_store(&turns[me], 1);
    while (atomic_load(&turns[!me]) == 0)
        sched_yield();
    for (unsigned n = 0; n < YIELDS; n++) {
        unsigned other = atomic_load(&turns[!me]);

        atomic_add(&turns[me], 1u);
        if (n < YIELDS / 2 && other == seen)
            atomic_add(&in_vain, 1u);
        seen = other;
        sched_yield();
    }
}

static unsigned steps[2]; /* [a] how often each has moved */

/* Two change places, and each spins where it comes to until the other has come, too. */
static void
change_places(unsigned i)
{
    for (unsigned n = 1; n <= 2000; n++) {
        if (sched_set_affinity(1ul << (i + n) % 2) != 0)
            return;
        atomic_store(&steps[i], n);
        while (atomic_load(&steps[1 - i]) < n)
            cpu_relax();
    }
}

/* Who moves is woken by whom it leaves its hart to.  If that is the idle thread, and it
 * lost the hart before it did so, it got it back only when the hart had nothing else
 * to do: never, here. */
KTEST(sched_who_moves_is_woken_by_a_hart_that_gets_busy)
{
    if (ncpu < 2) {
        ktest_skip("needs two harts");
        return;
    }
    steps[0] = steps[1] = 0;
    ktest_parallel(2, true, change_places);
    CHECK(steps[0] == 2000 && steps[1] == 2000);
}

KTEST(sched_yield_lets_the_other_run)
{
    uint64_t *ticks = &kstat_rows[0].v[STAT_TICK], before;

    /* Who had a tick more than the other is behind it for a while, by right: so
     * without one.  A turn takes far less than there is between two. */
    for (unsigned tries = 0; tries < 1000; tries++) {
        before = atomic_load(ticks);
        turns[0] = turns[1] = in_vain = 0;
        ktest_parallel(ncpu + 1, true, take_turns);
        if (atomic_load(ticks) == before) {
            CHECK(in_vain < YIELDS / 10);
            return;
        }
    }
    ktest_skip("the host's time goes too fast");
}

static uint64_t harts_seen; /* [a] */

/* Busy until every hart was seen at work; how long that takes is up to the host
 * that runs us, so there is no limit here: the runner notices a hang. */
static void
busy_look(unsigned i)
{
    while (atomic_load(&harts_seen) != (1ul << ncpu) - 1) {
        irq_off();
        atomic_or(&harts_seen, 1ul << this_cpu()->id);
        irq_restore();
    }
}

KTEST(sched_load_spreads_over_harts)
{
    harts_seen = 0;
    ktest_parallel(2 * ncpu, false, busy_look);
    CHECK(harts_seen == (1ul << ncpu) - 1);
}

static uint64_t flag; /* [a] */

static void
spin_for_flag(unsigned i)
{
    if (i == 0)
        while (atomic_load_acquire(&flag) == 0)
            cpu_relax();
    else
        atomic_store_release(&flag, 1ul);
}

static void
spin_on_one_hart(unsigned i)
{
    sched_set_affinity(1);
    spin_for_flag(i);
}

KTEST(sched_a_spinning_thread_is_preempted)
{
    flag = 0;
    ktest_parallel(2, false, spin_on_one_hart);
    CHECK(flag == 1);
}

static struct {
    uint64_t deadline, woke;
} naps[THREADS];

static void
nap(unsigned i)
{
    uint64_t seed = ktest_seed + i;

    naps[i].deadline = time_now() + ktest_random(&seed) % (timebase_hz / 20);
    sleep_until(naps[i].deadline);
    naps[i].woke = time_now();
}

KTEST(sleep_never_ends_early)
{
    ktest_parallel(THREADS, false, nap);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(naps[i].woke >= naps[i].deadline);
    sleep_until(0); /* long past */
}

static unsigned fired;
static uint64_t last_deadline;
static bool in_order = true;

static void
count_fire(struct timeout *t)
{
    in_order =
        in_order && t->deadline >= last_deadline && time_now() >= t->deadline;
    last_deadline = t->deadline;
    fired++;
}

KTEST(timeout_fires_in_order_and_cancels)
{
    static struct timeout t[200];
    uint64_t now = time_now(), seed = ktest_seed;
    unsigned cancelled = 0;

    memset(t, 0, sizeof(t));
    fired = 0;
    last_deadline = 0;
    sched_set_affinity(1);
    /* None may fire before all are armed, however slow this machine is. */
    irq_off();
    for (unsigned i = 0; i < ARRAY_LEN(t); i++)
        timeout_arm(&t[i],
                    now + timebase_hz / 50 +
                        ktest_random(&seed) % (timebase_hz / 50),
                    count_fire);
    irq_restore();
    for (unsigned i = 0; i < ARRAY_LEN(t); i += 4)
        cancelled += timeout_cancel(&t[i]);
    sleep_until(now + timebase_hz / 20);
    sched_set_affinity(~0ul);
    CHECK(in_order);
    CHECK(fired + cancelled == ARRAY_LEN(t));
    CHECK(cancelled <= ARRAY_LEN(t) / 4);
    CHECK(!timeout_cancel(&t[1]));
}

static void
nothing(void *arg)
{
}

KTEST(kthread_survives_every_failing_allocation)
{
    int err = -ENOMEM;

    for (uint64_t n = 1; n < 100 && err != 0; n++) {
        fail_set("any", n);
        err = kthread_run("victim", nothing, NULL);
        CHECK(err == 0 || err == -ENOMEM);
        if (err != 0)
            CHECK(fail_left(FAIL_ANY) == 0);
        fail_set("any", 0);
    }
    CHECK(err == 0);
}

KTEST(kthread_many_alive_at_once)
{
    static struct semaphore gate;
    unsigned started = 0, wanted = nr_free_pages() > 20000 ? 1000 : 200;

    sem_init(&gate, 0);
    for (unsigned i = 0; i < wanted; i++)
        started += kthread_run("crowd", (void (*)(void *))sem_down, &gate) == 0;
    CHECK(started == wanted);
    CHECK(kthread_count() == wanted + 1);
    for (unsigned i = 0; i < started; i++)
        sem_up(&gate);
}

/* All registers a program has, through many timer interrupts. */
extern uint64_t register_check(uint64_t seed, uint64_t until);

KTEST(trap_registers_survive_interrupts)
{
    uint64_t first = kstat_read(STAT_IRQ);

    /* A loaded host may deliver few interrupts in that time: go on until there
     * were enough. */
    while (kstat_read(STAT_IRQ) - first < 25)
        CHECK(register_check(ktest_seed, time_now() + timebase_hz / 20) == 0);
}

static uint64_t share[2]; /* ticks that the two threads got */

static void
burn(unsigned i)
{
    struct thread *t = current_thread();
    uint64_t until = time_now() + timebase_hz * 2 / 5;

    sched_set_affinity(1);
    t->priority = i == 0 ? 100 : 300;
    while (time_now() < until)
        cpu_relax();
    share[i] = t->ran.all;
}

/* The two have priorities 100 and 300: stride shares by them, round robin does
 * not look at them.  Give or take the ticks at both ends. */
KTEST(sched_shares_are_as_the_policy_says)
{
    bool stride = strcmp(sched_name(), "stride") == 0;

    if (ncpu > 1) {
        ktest_skip("ticks are exact with one hart only");
        return;
    }
    ktest_parallel(2, false, burn);
    CHECK(share[0] >= 8);
    CHECK(share[1] >= (stride ? share[0] * 5 / 2 : share[0] - 4));
    CHECK(share[1] <= (stride ? share[0] * 7 / 2 : share[0] + 4));
}
