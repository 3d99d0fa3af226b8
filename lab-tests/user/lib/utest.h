/* utest.h: tests that run in user mode.
 *
 *     UTEST(vm_row_29_first_access_is_a_write)
 *     {
 *         ...
 *         CHECK(after.anon - before.anon == 16);
 *     }
 *
 * A test is one fact and a program run of its own: the program starts itself
 * once per test, so each begins in a fresh space, and may die.  Around each, the
 * kernel compares its free frames and objects, and checks all it has.  A test is
 * over when its process is; what it leaves behind must be gone by itself.
 *
 * Verdicts go to /dev/utest as records "test NAME begin|pass|fail|skip". */
#ifndef LAB_TESTS_USER_UTEST_H
#define LAB_TESTS_USER_UTEST_H

#include "utest_abi.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE      4096ul
#define RW        (PROT_READ | PROT_WRITE)
#define NORETURN_ __attribute__((noreturn))

struct utest {
    const char *name;
    void (*run)(void);
};

#define UTEST(id)                                                         \
    static void id(void);                                                 \
    static const struct utest utest_##id                                  \
        __attribute__((section("utests"), used, aligned(8))) = {#id, id}; \
    static void id(void)

/* If X is false the test has failed, and is over; also in its children and
 * threads. */
#define CHECK(x)                                \
    do {                                        \
        if (!(x))                               \
            utest_fail(__FILE__, __LINE__, #x); \
    } while (0)
NORETURN_ void utest_fail(const char *file, int line, const char *what);
NORETURN_ void utest_skip(const char *why);

/* --- what only the kernel knows --- */

uint64_t stat_of(const char *name);  /* a counter of our space */
uint64_t stat_all(const char *name); /* ... of the kernel; free_pages: exact */
struct utest_page page_of(const void *p);
void set_knob(const char *line);   /* "fail_alloc=any,3" */
unsigned mmcheck(void);            /* complaints */
long ask(unsigned cmd, void *arg); /* any other question */

/* Pin the N bytes at P, as for a device that reads, or writes (WRITE): a handle,
 * or a negative errno.  The device itself: */
long pin(const void *p, size_t n, bool write);
void unpin(long handle);
void dma_write(long handle, size_t offset, uint64_t value);
uint64_t dma_read(long handle, size_t offset);

/* The counters that tests compare, of our space. */
struct counts {
    uint64_t flt, anon, zero, cow, reuse, spur, min, maj, fread, fcow, segv;
};
void count(struct counts *c);

/* Every counter of a space, remembered for this one: how often since then? */
void mark_counts(void);
uint64_t since(const char *name);

/* Do OP, a RANGE_ of utest_abi.h, to N bytes at P; its result. */
long range_do(unsigned op, const void *p, size_t n);

/* --- memory --- */

/* N pages, private and anonymous, untouched. */
char *pages(size_t n, int prot);
void fill(void *p, size_t n, uint64_t seed); /* bytes that depend on SEED */
bool filled(const void *p, size_t n, uint64_t seed);
uint64_t rnd(uint64_t *state);

/* --- processes --- */

/* A child that runs FN(ARG) and ends with what it returns. */
pid_t child(int (*fn)(void *), void *arg);
/* ... and is waited for: its status as wait4() gives it. */
int run_child(int (*fn)(void *), void *arg);
/* It must die of SIGNO, with CODE and ADDR as its cause. */
void dies(int (*fn)(void *), void *arg, int signo, int code, const void *addr);

/* Run on hart I only; how many harts there are. */
void stay_on_hart(unsigned i);
unsigned harts(void);
void await_word(volatile int *word, int value); /* yields until it is that */

/* A thread of this process: clone() with a stack of its own. */
struct uthread {
    int tid;     /* 0: has ended */
    char *stack; /* UTHREAD_STACK bytes, mapped by the first start */
    int (*fn)(void *);
    void *arg;
};
#define UTHREAD_STACK (16 * PAGE)
void thread_start(struct uthread *t, int (*fn)(void *), void *arg);
void thread_join(struct uthread *t);
/* clone(FLAGS): FN(ARG) on STACK, whose end is given; ends with what it returns.
 * The tid, or a negative errno. */
long raw_clone(unsigned long flags, void *stack, int (*fn)(void *), void *arg,
               int *parent_tid, int *child_tid);

#define CLONE_VM             0x00000100ul
#define CLONE_FS             0x00000200ul
#define CLONE_FILES          0x00000400ul
#define CLONE_SIGHAND        0x00000800ul
#define CLONE_VFORK          0x00004000ul
#define CLONE_PARENT         0x00008000ul
#define CLONE_THREAD         0x00010000ul
#define CLONE_SYSVSEM        0x00040000ul
#define CLONE_SETTLS         0x00080000ul
#define CLONE_PARENT_SETTID  0x00100000ul
#define CLONE_CHILD_CLEARTID 0x00200000ul
#define CLONE_CHILD_SETTID   0x01000000ul

#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN  1
#define BUS_ADRERR  2

/* The program's arguments behind its name: tools/ktest.py may pass a number of
 * rounds as "rounds=N". */
extern unsigned utest_rounds;
/* ... and where tests of files make theirs, as "dir=PATH"; /tmp. */
extern const char *utest_dir;

#endif
