/* t_futex.c: futex(). */
#include "lib/utest.h"

enum { WAIT, WAKE, REQUEUE = 3, CMP_REQUEUE = 4, WAIT_BITSET = 9, WAKE_BITSET };
#define PRIVATE 128

static long
futex(volatile int *word, int op, long value, void *time, volatile int *to,
      long bits)
{
    long r = syscall(98, word, (long)op, value, time, to, bits);

    return r < 0 ? -errno : r;
}

static volatile int word[3];
static volatile int done;

UTEST(futex_wait_looks_first)
{
    struct timespec little = {0, 5000000};

    word[0] = 7;
    CHECK(futex(word, WAIT, 8, NULL, NULL, 0) == -EAGAIN);
    CHECK(futex(word, WAIT, 7, &little, NULL, 0) == -110); /* ETIMEDOUT */
    CHECK(futex((volatile int *)2, WAIT, 0, NULL, NULL, 0) == -EINVAL);
    CHECK(futex((volatile int *)8, WAIT, 0, NULL, NULL, 0) == -EFAULT);
    CHECK(futex(word, WAKE, 1, NULL, NULL, 0) == 0);
    CHECK(futex(word, WAKE_BITSET, 1, NULL, NULL, 0) == -EINVAL);
}

static int
sleeper(void *arg)
{
    volatile int *w = arg;

    while (*w == 0)
        futex(w, WAIT | PRIVATE, 0, NULL, NULL, 0);
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return 0;
}

UTEST(futex_wake_reaches_threads)
{
    static struct uthread t[4];

    for (int i = 0; i < 4; i++)
        thread_start(&t[i], sleeper, (void *)word);
    usleep(10000);
    word[0] = 1;
    futex(word, WAKE | PRIVATE, 100, NULL, NULL, 0);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    CHECK(done == 4);
}

static int
one_sleep(void *arg)
{
    long r = futex(arg, WAIT | PRIVATE, 0, NULL, NULL, 0);

    if (r == 0)
        __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Two sleep at word 0; both go to word 1, from where they are woken. */
UTEST(futex_requeue_moves_sleepers)
{
    static struct uthread t[2];
    long moved = 0;

    for (int i = 0; i < 2; i++)
        thread_start(&t[i], one_sleep, (void *)&word[0]);
    CHECK(futex(&word[0], CMP_REQUEUE | PRIVATE, 0, (void *)100, &word[1], 5) ==
          -EAGAIN);
    while (moved < 2) {
        moved +=
            futex(&word[0], CMP_REQUEUE | PRIVATE, 0, (void *)100, &word[1], 0);
        sched_yield();
    }
    CHECK(futex(&word[0], WAKE | PRIVATE, 100, NULL, NULL, 0) == 0);
    CHECK(futex(&word[1], WAKE | PRIVATE, 100, NULL, NULL, 0) == 2);
    for (int i = 0; i < 2; i++)
        thread_join(&t[i]);
    CHECK(done == 2);
}

static int
other_process(void *arg)
{
    volatile int *w = arg;

    while (*w == 0)
        futex(w, WAIT, 0, NULL, NULL, 0);
    return 0;
}

UTEST(futex_of_shared_memory)
{
    volatile int *w = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = child(other_process, (void *)w);
    int status;

    usleep(10000);
    *w = 1;
    futex(w, WAKE, 1, NULL, NULL, 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int
waits_for_ever(void *arg)
{
    futex(arg, WAIT, 0, NULL, NULL, 0);
    return 0;
}

UTEST(futex_waiter_can_be_killed)
{
    pid_t pid = child(waits_for_ever, (void *)word);
    int status;

    usleep(10000);
    CHECK(kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
