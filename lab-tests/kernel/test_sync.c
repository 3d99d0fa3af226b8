/* test_sync.c: the sleeping locks on the real machine, many threads at once.
 * The host explorer shows that every order works; this shows that the orders
 * the machine finds do. */
#include "ext/sync/condvar.h"
#include "ktest.h"
#include "schedule/timeout.h"
#include <errno.h>

#define THREADS 12
#define ROUNDS  200

static struct mutex mutex;
static struct spinlock spin;
static volatile uint64_t counter; /* guarded by either */

static void
count_with_mutex(unsigned i)
{
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint64_t seen;

        mutex_lock(&mutex);
        CHECK(mutex_held(&mutex));
        seen = counter;
        if (n % 16 == 0)
            sched_yield();
        counter = seen + 1;
        mutex_unlock(&mutex);
    }
}

KTEST(mutex_excludes)
{
    mutex_init(&mutex, RANK_TEST_SLEEPING);
    counter = 0;
    ktest_parallel(THREADS, false, count_with_mutex);
    CHECK(counter == THREADS * ROUNDS);
    CHECK(mutex_trylock(&mutex));
    CHECK(mutex_held(&mutex));
    mutex_unlock(&mutex);
    CHECK(!mutex_held(&mutex));
}

static void
count_with_spinlock(unsigned i)
{
    for (unsigned n = 0; n < 20 * ROUNDS; n++) {
        spin_lock(&spin);
        counter = counter + 1;
        spin_unlock(&spin);
    }
}

KTEST(spinlock_excludes)
{
    spin_init(&spin, RANK_BLOCK);
    counter = 0;
    ktest_parallel(2 * ncpu, true, count_with_spinlock);
    CHECK(counter == 2ul * ncpu * 20 * ROUNDS);
}

#define SLOTS 4

static struct semaphore items, room;
static uint64_t ring[SLOTS], put_at, take_at, taken_sum;

static void
pass_along(unsigned i)
{
    for (unsigned n = 1; n <= ROUNDS; n++) {
        if (i % 2 == 0) {
            sem_down(&room);
            mutex_lock(&mutex);
            ring[put_at++ % SLOTS] = n;
            mutex_unlock(&mutex);
            sem_up(&items);
        } else {
            sem_down(&items);
            mutex_lock(&mutex);
            taken_sum += ring[take_at++ % SLOTS];
            mutex_unlock(&mutex);
            sem_up(&room);
        }
    }
}

KTEST(semaphore_bounded_buffer)
{
    mutex_init(&mutex, RANK_TEST_SLEEPING);
    sem_init(&items, 0);
    sem_init(&room, SLOTS);
    put_at = take_at = taken_sum = 0;
    ktest_parallel(8, false, pass_along);
    CHECK(taken_sum == 4ul * ROUNDS * (ROUNDS + 1) / 2);
    CHECK(items.value == 0 && room.value == SLOTS);
    CHECK(!sem_try_down(&items) && sem_try_down(&room));
}

static struct condvar turn_changed;
static unsigned turn, members;

static void
take_turns(unsigned i)
{
    for (unsigned n = 0; n < 50; n++) {
        mutex_lock(&mutex);
        while (turn % members != i)
            cond_wait(&turn_changed, &mutex);
        turn++;
        cond_broadcast(&turn_changed);
        mutex_unlock(&mutex);
    }
}

KTEST(condvar_takes_turns)
{
    mutex_init(&mutex, RANK_TEST_SLEEPING);
    cond_init(&turn_changed);
    turn = 0;
    members = 5;
    ktest_parallel(members, false, take_turns);
    CHECK(turn == members * 50);
}

KTEST(timed_waits_time_out)
{
    uint64_t deadline = time_now() + timebase_hz / 100;

    sem_init(&items, 0);
    CHECK(sem_down_until(&items, deadline) == -ETIMEDOUT);
    CHECK(time_now() >= deadline);
    sem_up(&items);
    CHECK(sem_down_until(&items, time_now() + timebase_hz) == 0);
    mutex_init(&mutex, RANK_TEST_SLEEPING);
    cond_init(&turn_changed);
    mutex_lock(&mutex);
    CHECK(cond_wait_until(&turn_changed, &mutex,
                          time_now() + timebase_hz / 100) == -ETIMEDOUT);
    CHECK(mutex_held(&mutex));
    mutex_unlock(&mutex);
}

/* A wake and a deadline at the same moment, again and again: each sleeper ends
 * exactly once, by one of the two. */
static void
race_deadline(unsigned i)
{
    uint64_t seed = ktest_seed + i;

    for (unsigned n = 0; n < ROUNDS; n++) {
        if (i % 2 == 0)
            sem_down_until(&items, time_now() + ktest_random(&seed) % 2000);
        else
            sem_up(&items);
    }
}

KTEST(timed_waits_race_with_wakes)
{
    sem_init(&items, 0);
    ktest_parallel(8, false, race_deadline);
    CHECK(items.value <= 4 * ROUNDS);
}
