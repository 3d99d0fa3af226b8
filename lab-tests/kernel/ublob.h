/* ublob.h: small programs that run in user mode, for tests.
 *
 *     struct urun r = {0};
 *
 *     ublob_start(&r, mm, 1, UBLOB_LOAD, at, 0, 0);    on hart 1, in MM
 *     ublob_wait(&r);
 *     CHECK(r.signo == SIGSEGV && r.code == SEGV_MAPERR && r.addr == at);
 *
 * or in one step: ublob_run(&r, mm, 1, UBLOB_LOAD, at, 0, 0).  A program takes
 * real page faults and is preempted like any other.  It ends with signo 0 and
 * its result in r.result, or with the signal it deserves; nothing is ever
 * delivered to it.
 *
 * The programs are one page of code, mapped at UBLOB_CODE by the first start in
 * a space (one area, one private page, one table per level).  A test that
 * counts calls ublob_map(mm) before it begins to count; from then on the code
 * takes no faults of its own.
 *
 * A kernel thread becomes the program.  It is a user of the space from
 * ublob_start() until just before ublob_wait() returns; the test stays one
 * itself.  The hart keeps the space's root for a while (see mm/space.h); the
 * test runner lets go of such before it compares counts. */
#ifndef LAB_TESTS_KERNEL_UBLOB_H
#define LAB_TESTS_KERNEL_UBLOB_H

#include "ext/sync/sem.h"
#include "mm/vmm.h"
#include <signal.h>

/* Above MMAP_TOP and below 2^38: do_mmap() never puts anything there. */
#define UBLOB_CODE     0x3f80000000ul
#define UBLOB_ANY_HART (~0u)

/* a0, a1, a2 are what ublob_start() got; words are 8 bytes.
 *
 * NOTHING     ends; result a0
 * LOAD        result = word at a0
 * STORE       word at a0 = a1; result a1
 * JUMP        calls a0; result what it returns, see ublob_function()
 * FILL        page i from a0 on, i < a1: first word = a2 + i; result 0
 * CHECK       the same read back; result 0, or 1 + first wrong i
 * ADD         a1 times: add 1 to the word at a0, atomically; result 0
 * SPIN        word at a1 = 1, then until word at a0 is not 0; result it
 * COUNT       word at a0 = 1, 2, 3 ... until word at a1 is not 0; result the
 *             last value stored
 * WATCH       word at a0, again and again, until it is neither 0 nor a2, which
 *             is the result, or word at a1 is not 0: result 0
 * CALL        calls r->call(r) in the kernel, in this thread; result what that
 *             returns
 * CALL_STORE  the same, then word at what that returns = a1
 * EBREAK      SIGTRAP
 * ILLEGAL     SIGILL */
enum ublob {
    UBLOB_NOTHING,
    UBLOB_LOAD,
    UBLOB_STORE,
    UBLOB_JUMP,
    UBLOB_FILL,
    UBLOB_CHECK,
    UBLOB_ADD,
    UBLOB_SPIN,
    UBLOB_COUNT,
    UBLOB_WATCH,
    UBLOB_CALL,
    UBLOB_CALL_STORE,
    UBLOB_EBREAK,
    UBLOB_ILLEGAL,
    UBLOB_KINDS
};

struct urun {
    /* Set by the test, before the start: */
    uintptr_t (*call)(struct urun *r); /* for UBLOB_CALL; may sleep */
    void *arg;                         /* the test's */
    /* How it ended: */
    int signo;       /* 0: by itself */
    int code;        /* si_code */
    uintptr_t addr;  /* si_addr, to the byte */
    uintptr_t pc;    /* where */
    uint64_t x[32];  /* registers */
    uint64_t result; /* x[10], a0 */
    /* ublob.c's: */
    struct mm_struct *mm;
    unsigned hart;
    enum ublob what;
    uintptr_t a[3];
    struct semaphore done;
};

/* Map the page of programs into MM, unless it is there.  False: no memory. */
bool ublob_map(struct mm_struct *mm);

/* Start WHAT in MM, on logical hart HART or UBLOB_ANY_HART.  Each start needs
 * one ublob_wait().  => the caller is a user of MM; may sleep */
void ublob_start(struct urun *r, struct mm_struct *mm, unsigned hart,
                 enum ublob what, uintptr_t a0, uintptr_t a1, uintptr_t a2);
void ublob_wait(struct urun *r);
void ublob_run(struct urun *r, struct mm_struct *mm, unsigned hart,
               enum ublob what, uintptr_t a0, uintptr_t a1, uintptr_t a2);

/* Write into MM at AT two instructions that return N, 0 .. 2047: for JUMP. */
bool ublob_function(struct mm_struct *mm, uintptr_t at, unsigned n);

#endif
