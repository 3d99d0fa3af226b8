/* t_timer.c: timers that send signals: setitimer(), alarm, timer_create(), and
 * sigtimedwait(), which takes them.  That something comes is judged, and that it
 * does not come too early; how late, is not. */
#include "lib/utest.h"
#include <sys/stat.h>

#define SIGRT     40
#define SIGVTALRM 26
#define SIGPROF   27
#define SI_TIMER  (-2)
#define SI_QUEUE  (-1)

static volatile int rings;

static void
ring(int signo)
{
    rings++;
}

static void
handle(int signo, uint64_t flags)
{
    uint64_t act[3] = {(uint64_t)ring, flags, 0};

    CHECK(syscall(134, (long)signo, act, 0l, 8l) == 0);
}

static void
block(int signo)
{
    uint64_t set = 1ul << (signo - 1);

    CHECK(syscall(135, 0l, &set, 0l, 8l) == 0);
}

static uint64_t
now_ns(void)
{
    struct timespec t;

    CHECK(syscall(113, 1l, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static long
setitimer_(int which, long interval_us, long us, int64_t *old)
{
    int64_t v[4] = {0, interval_us, 0, us};
    long r = syscall(103, (long)which, v, old);

    return r < 0 ? -errno : r;
}

UTEST(timer_real_once)
{
    uint64_t begin = now_ns();
    int64_t left[4];

    handle(SIGALRM, 0);
    CHECK(setitimer_(0, 0, 20000, NULL) == 0);
    CHECK(syscall(102, 0l, left) == 0);
    CHECK(left[0] == 0 && left[1] == 0 && left[2] == 0 && left[3] > 0 &&
          left[3] <= 20000);
    CHECK(usleep(1000000000) == -1 && errno == EINTR); /* it ends a sleep */
    CHECK(rings == 1 && now_ns() - begin >= 20000000);
    CHECK(syscall(102, 0l, left) == 0 && left[3] == 0);
    usleep(30000);
    CHECK(rings == 1);
}

UTEST(timer_real_repeats_until_told)
{
    int64_t old[4];

    handle(SIGALRM, 0x10000000);
    CHECK(setitimer_(0, 1000, 1000, NULL) == 0);
    while (rings < 10)
        sched_yield();
    CHECK(setitimer_(0, 0, 0, old) == 0 && old[1] == 1000);
    rings = 0;
    usleep(10000);
    CHECK(rings <= 1); /* one may have been on its way */
}

/* Times of a processor that computes. */
UTEST(timer_of_processor_time)
{
    handle(SIGVTALRM, 0);
    CHECK(setitimer_(1, 0, 30000, NULL) == 0);
    while (rings == 0)
        ;
    handle(SIGPROF, 0);
    CHECK(setitimer_(2, 10000, 10000, NULL) == 0);
    while (rings < 3)
        ;
    CHECK(setitimer_(2, 0, 0, NULL) == 0);
}

static long
clock_ns(long clock)
{
    long t[2];

    CHECK(syscall(113, clock, t) == 0);
    return t[0] * 1000000000 + t[1];
}

/* The date is set, and with it those who sleep until one; other clocks do not
 * care. */
UTEST(clock_knows_the_date)
{
    long date[2] = {2000000000, 5}, bad[2] = {1, 1000000000}, up = clock_ns(1);
    long old = clock_ns(0), until[2];
    struct stat st;

    CHECK(syscall(112, 1l, date) == -1 && errno == EINVAL);
    CHECK(syscall(112, 0l, bad) == -1 && errno == EINVAL);
    CHECK(syscall(112, 0l, date) == 0);
    CHECK(clock_ns(0) / 1000000000 - 2000000000 < 1000);
    CHECK(clock_ns(0) >= date[0] * 1000000000 + 5);
    CHECK(clock_ns(5) >= date[0] * 1000000000 + 5);
    CHECK(clock_ns(1) >= up && clock_ns(1) - up < 1000000000000);
    CHECK(open("/dev/shm/dated", O_CREAT | O_RDWR, 0600) >= 0);
    CHECK(stat("/dev/shm/dated", &st) == 0 && st.st_mtim.tv_sec >= 2000000000);
    CHECK(unlink("/dev/shm/dated") == 0);
    until[0] = clock_ns(0) / 1000000000;
    until[1] = clock_ns(0) % 1000000000;
    CHECK(syscall(115, 0l, 1l, until, NULL) == 0); /* is over already */
    date[0] = old / 1000000000;
    date[1] = old % 1000000000;
    CHECK(syscall(112, 0l, date) == 0);
}

/* Processor time does not pass while one sleeps. */
UTEST(clock_of_processor_time)
{
    long before, t[2];

    while (clock_ns(2) < 30000000)
        ;
    CHECK(clock_ns(3) <= clock_ns(2));
    before = clock_ns(2);
    usleep(300000);
    CHECK(clock_ns(2) - before < 200000000);
    CHECK(syscall(113, 10l, t) == -1 && errno == EINVAL);
    CHECK(syscall(113, 12l, t) == -1 && errno == EINVAL);
}

UTEST(timer_refuses_nonsense)
{
    CHECK(setitimer_(3, 0, 0, NULL) == -EINVAL);
    CHECK(setitimer_(0, 0, -1, NULL) == -EINVAL);
    CHECK(setitimer_(0, 1000000, 1, NULL) == -EINVAL);
    CHECK(syscall(103, 0l, 8l, 0l) == -1 && errno == EFAULT);
    CHECK(syscall(102, 0l, 8l) == -1 && errno == EFAULT);
    CHECK(syscall(110, 5l, 0l, 8l, 0l) == -1 && errno == EFAULT);
    CHECK(syscall(111, 0l) == -1 && errno == EINVAL);
}

static int
alarmed(void *arg)
{
    CHECK(setitimer_(0, 0, 5000, NULL) == 0);
    if (arg != NULL)
        execve("/bin/sleep", (char *[]){"sleep", "100", NULL},
               (char *[]){NULL});
    for (;;)
        usleep(1000000);
}

static int
child_has_none(void *arg)
{
    int64_t left[4];

    return syscall(102, 0l, left) == 0 && left[3] == 0 ? 0 : 1;
}

UTEST(timer_kills_by_default_and_survives_exec)
{
    CHECK(run_child(alarmed, NULL) == SIGALRM);
    CHECK(run_child(alarmed, "exec") == SIGALRM);
    block(SIGALRM);
    CHECK(setitimer_(0, 0, 900000, NULL) == 0);
    CHECK(run_child(child_has_none, NULL) == 0);
    CHECK(setitimer_(0, 0, 0, NULL) == 0);
}

/* --- sigtimedwait --- */

struct info {
    int signo, err, code, pad, pid, uid;
    uint64_t value;
    char rest[96];
};

static long
take(int signo, struct info *info, long ms)
{
    uint64_t set = 1ul << (signo - 1);
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    long r = syscall(137, &set, info, ms < 0 ? NULL : &t, 8l);

    return r < 0 ? -errno : r;
}

UTEST(sigtimedwait_takes_what_is_blocked)
{
    struct info info;
    uint64_t begin;

    block(10);
    CHECK(take(10, &info, 0) == -EAGAIN);
    begin = now_ns();
    CHECK(take(10, &info, 5) == -EAGAIN && now_ns() - begin >= 5000000);
    CHECK(kill(getpid(), 10) == 0 && kill(getpid(), 10) == 0);
    CHECK(take(10, &info, 0) == 10);
    CHECK(info.signo == 10 && info.code == 0 && info.pid == getpid());
    CHECK(take(10, &info, 0) == -EAGAIN);
}

static int
nothing(void *arg)
{
    return 3;
}

UTEST(sigtimedwait_is_woken)
{
    struct info info;
    pid_t pid;
    int status;

    block(17);
    pid = child(nothing, NULL);
    CHECK(take(17, &info, -1) == 17);
    CHECK(info.pid == pid && info.code == 1 && (int)info.value == 3);
    CHECK(waitpid(pid, &status, 0) == pid);
}

UTEST(sigqueue_is_in_order)
{
    struct info in = {.code = SI_QUEUE}, out;

    block(SIGRT);
    for (int i = 0; i < 10; i++) {
        in.value = (uint64_t)i * 3;
        CHECK(syscall(138, (long)getpid(), (long)SIGRT, &in) == 0);
    }
    for (int i = 0; i < 10; i++) {
        CHECK(take(SIGRT, &out, 0) == SIGRT);
        CHECK(out.code == SI_QUEUE && out.value == (uint64_t)i * 3);
    }
    CHECK(take(SIGRT, &out, 0) == -EAGAIN);
    in.code = 0;
    CHECK(syscall(138, (long)getppid(), (long)SIGRT, &in) == -1 &&
          errno == EPERM);
    in.code = SI_QUEUE;
    for (int i = 0; i < 1024; i++)
        CHECK(syscall(138, (long)getpid(), (long)SIGRT, &in) == 0);
    CHECK(syscall(138, (long)getpid(), (long)SIGRT, &in) == -1 &&
          errno == EAGAIN);
}

/* --- timer_create --- */

struct event {
    uint64_t value;
    int signo, notify, tid, rest[11];
};

static int
create(const struct event *e)
{
    int id = -1;

    CHECK(syscall(107, 1l, e, &id) == 0 && id >= 0);
    return id;
}

static void
set(int id, int flags, uint64_t interval_ns, uint64_t ns)
{
    int64_t v[4] = {(int64_t)(interval_ns / 1000000000),
                    (int64_t)(interval_ns % 1000000000),
                    (int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000)};

    CHECK(syscall(110, (long)id, (long)flags, v, 0l) == 0);
}

UTEST(timer_create_sends_its_value)
{
    struct event e = {.value = 77, .signo = SIGRT};
    struct info info;
    int64_t left[4];
    int id = create(&e), other = create(NULL);

    CHECK(id != other);
    block(SIGRT);
    set(id, 0, 0, 5000000);
    CHECK(take(SIGRT, &info, -1) == SIGRT);
    CHECK(info.code == SI_TIMER && info.value == 77 && info.pid == id);
    CHECK(syscall(108, (long)id, left) == 0 && left[2] == 0 && left[3] == 0);
    set(id, 1, 0, now_ns() + 5000000); /* absolute */
    CHECK(take(SIGRT, &info, -1) == SIGRT);
    set(id, 1, 0, 1); /* long ago: at once */
    CHECK(take(SIGRT, &info, -1) == SIGRT);
    CHECK(syscall(111, (long)id) == 0 && syscall(111, (long)other) == 0);
    CHECK(syscall(108, (long)id, left) == -1 && errno == EINVAL);
}

UTEST(timer_counts_what_was_missed)
{
    struct event e = {.signo = SIGRT};
    struct info info;
    int id = create(&e);

    block(SIGRT);
    set(id, 0, 1000000, 1000000);
    usleep(30000);
    CHECK(take(SIGRT, &info, -1) == SIGRT);
    CHECK(take(SIGRT, &info, -1) == SIGRT);
    CHECK(syscall(109, (long)id) >= 5); /* they came while the first waited */
    set(id, 0, 1, 1);                   /* as fast as may be */
    for (int i = 0; i < 20; i++)
        CHECK(take(SIGRT, &info, -1) == SIGRT);
    /* It goes on while we end. */
}

/* Set, stopped and made while they fire, by two threads. */
static int ids[2];

static int
sets(void *arg)
{
    uint64_t seed = (uint64_t)arg;

    for (int i = 0; i < 300; i++)
        set(ids[rnd(&seed) % 2], 0, rnd(&seed) % 3 * 100000,
            rnd(&seed) % 4 * 50000);
    return 0;
}

UTEST(timer_set_while_it_fires)
{
    static struct uthread t[2];
    struct event e = {.signo = 10};

    handle(10, 0x10000000);
    ids[0] = create(&e);
    ids[1] = create(&e);
    for (uintptr_t i = 0; i < 2; i++)
        thread_start(&t[i], sets, (void *)(i + 5));
    for (int i = 0; i < 2; i++)
        thread_join(&t[i]);
    CHECK(syscall(111, (long)ids[0]) == 0);
}
