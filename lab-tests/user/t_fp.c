/* t_fp.c: f0..f31 and fcsr belong to a thread: over calls, switches, moves to other
 * harts, fork, threads, signals; and a program begins with zeros. */
#include "lib/utest.h"

#define WORDS 33 /* and fcsr */

void fp_set(const uint64_t *words);
void fp_get(uint64_t *words);
long fp_call(uint64_t *words, long nr, long a0, long a1, long a2);
void fp_spin(uint64_t *words, long turns);

/* What thread WHO keeps there in round N: each word differs. */
static void
make(uint64_t *w, uint64_t who, uint64_t n)
{
    for (unsigned i = 0; i < 32; i++)
        w[i] = who << 48 | n << 16 | (i + 1);
    w[32] = (who + n) % 5 << 5 | (n & 31); /* rounding mode, flags */
}

static bool
are(const uint64_t *w, uint64_t who, uint64_t n)
{
    uint64_t want[WORDS];

    make(want, who, n);
    return memcmp(w, want, sizeof(want)) == 0;
}

UTEST(fp_begins_with_zeros)
{
    uint64_t w[WORDS], zero[WORDS] = {0};

    memset(w, 1, sizeof(w));
    fp_get(w);
    CHECK(memcmp(w, zero, sizeof(w)) == 0);
}

/* Yields, moves and spins with the registers full. */
static int
keeps(void *arg)
{
    uint64_t who = (uintptr_t)arg, state = who * 77 + 1, w[WORDS];

    for (uint64_t n = 0; n < 300; n++) {
        uint64_t mask = 1ul << rnd(&state) % 4;
        long r = 0;

        make(w, who, n);
        switch (rnd(&state) % 4) {
        case 0:
            r = fp_call(w, 124, 0, 0, 0); /* sched_yield */
            break;
        case 1: /* fewer harts: -EINVAL, and nothing happens */
            (void)fp_call(w, 122, 0, 8, (long)&mask);
            break;
        case 2:
            fp_spin(w, (long)(rnd(&state) % 20000) + 1);
            break;
        default:
            r = fp_call(w, 172, 0, 0, 0) > 0 ? 0 : 1; /* getpid */
        }
        CHECK(r == 0);
        CHECK(are(w, who, n));
    }
    return 0;
}

UTEST(fp_of_four_threads)
{
    static struct uthread t[4];

    for (uintptr_t i = 0; i < 4; i++)
        thread_start(&t[i], keeps, (void *)(i + 1));
    CHECK(keeps((void *)9) == 0);
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
}

UTEST(fp_of_eight_processes)
{
    pid_t pid[8];
    int status;

    for (uintptr_t i = 0; i < 8; i++)
        pid[i] = child(keeps, (void *)(i + 1));
    for (int i = 0; i < 8; i++)
        CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
}

/* The child has what the parent had at the call, and each its own after. */
UTEST(fp_over_fork)
{
    uint64_t w[WORDS];

    for (uint64_t n = 0; n < 20; n++) {
        pid_t pid;
        int status;

        make(w, 3, n);
        pid = (pid_t)fp_call(w, 220, SIGCHLD, 0, 0);
        if (pid == 0) {
            if (!are(w, 3, n))
                _exit(1);
            make(w, 4, n);
            fp_set(w);
            sched_yield();
            fp_get(w);
            _exit(are(w, 4, n) ? 0 : 2);
        }
        CHECK(pid > 0 && are(w, 3, n));
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
}

static void
spoils(int signo)
{
    uint64_t w[WORDS];

    make(w, 0x7777, 5);
    fp_set(w);
}

/* A handler may use them all: those of the interrupted code come back. */
UTEST(fp_over_signals)
{
    uint64_t act[3] = {(uint64_t)spoils, 0, 0}, w[WORDS];
    int64_t every[4] = {0, 300, 0, 300};

    CHECK(syscall(134, 10l, act, 0l, 8l) == 0);
    CHECK(syscall(134, (long)SIGALRM, act, 0l, 8l) == 0);
    for (uint64_t n = 0; n < 50; n++) {
        make(w, 5, n);
        CHECK(fp_call(w, 129, getpid(), 10, 0) == 0);
        CHECK(are(w, 5, n));
    }
    CHECK(syscall(103, 0l, every, 0l) == 0);
    for (uint64_t n = 0; n < 100; n++) {
        make(w, 6, n);
        fp_spin(w, 20000);
        CHECK(are(w, 6, n));
    }
}

static int
execs_with_full_registers(void *arg)
{
    static char *argv[] = {"/bin/t_fp", "fp_begins_with_zeros", NULL};
    uint64_t w[WORDS];

    make(w, 8, 1);
    fp_call(w, 221, (long)argv[0], (long)argv, (long)environ);
    return 1;
}

UTEST(fp_over_exec)
{
    CHECK(run_child(execs_with_full_registers, NULL) == 0);
}
