/* explore.h: every schedule with few preemptions, of real kernel code.
 *
 * A test names up to EXPLORE_HARTS virtual harts and what each runs.  One
 * runs at a time.  Before every access to a shared word (libs/atomic.h), at
 * every spot where interrupts come on, at context switches, waits and
 * EXPLORE_POINT()s the explorer may let another hart run.  It tries all
 * choices, depth first, that
 * preempt a hart (take it off although it could go on) at most P times, with
 * P = 0, 1, 2.  So the first failure found has the fewest preemptions.
 *
 *     explore.c   the search: which choice to try next, minimising, main()
 *     point.c     the places for it; which harts can go on
 *     fiber.c     stacks, and the beginning and end of a schedule
 *     machine.c   what the kernel sees of a hart: interrupts, time, wfi, IPI
 *     report.c    the schedule as a list of events
 *     model.h     a scheduler of one thread per hart, for the tests of locks
 *
 * All static variables of the test binary are put back to their first values
 * before each schedule, so neither the tests nor the kernel files need to
 * know that they run many times.
 *
 * Musuvathi, Qadeer: Iterative Context Bounding for Systematic Testing of
 * Multithreaded Programs (PLDI 2007).  docs/design/explorer.md has the limits.
 *
 * => a test includes this file before any kernel file */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_HARTS 4

struct explore_test {
    const char *name;
    unsigned harts;
    void (*setup)(void);           /* before the harts start; may be NULL */
    void (*body)(unsigned hart);   /* what each hart runs */
    bool (*finished)(void);        /* asked when no hart can go on; NULL:
                                      * all bodies must have returned */
    void (*check)(void);           /* after that; may be NULL */
    bool boots;                    /* choices begin with explore_begin() */
    bool timers;                   /* a timer may fire early: one preemption */
    bool frozen;                   /* time never goes on, so that no tick
                                      * makes up for a lost wake-up */
    void (*timer_interrupt)(void); /* the kernel's handlers; may be NULL */
    void (*trap_end)(void);
    unsigned preemptions;        /* 0: the default, 2 */
    unsigned long max_schedules; /* 0: the default; reaching it fails */
    const char *const *skip;     /* mutants: "function/call", NULL ends */
    int mutant;                  /* mutants: what explore_mutant() says */
    const char *expect;          /* mutants: must fail; part of the reason,
                                      * "" for any */
};

/* Run all TESTS as the arguments say; the exit status. */
int explore_main(int argc, char **argv, const char *suite,
                 const struct explore_test *tests, unsigned n);

/* The choices begin; any hart may be the first to go on. */
void explore_begin(void);
/* One of 0 .. N-1, all are tried. */
unsigned explore_choose(unsigned n);
/* Something rare happens; true costs a preemption. */
bool explore_surprise(void);
/* The number of the mutant to be, 0 for none. */
int explore_mutant(void);
/* This schedule is bad. */
void explore_fail(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
/* Call SIZE bytes at P by NAME in the list of events. */
void explore_name(const void *p, size_t size, const char *name);
#define EXPLORE_NAME(var) explore_name(&(var), sizeof(var), #var)

/* Another hart may run here. */
#define EXPLORE_POINT(name) explore_point(name, NULL, 0, __FILE__, __LINE__)

void explore_point(const char *op, const void *obj, size_t size,
                   const char *file, int line);
/* The hart waits until READY says so or an interrupt is taken. */
void explore_wait(const char *op, bool (*ready)(void *arg), void *arg);
/* The hart only waits for another to change a word it looked at. */
void explore_spin(void);

/* Wrap a call: name it in the list, or leave it out if the test says so. */
bool explore_enter(const char *call, const void *obj, const char *file,
                   int line, const char *func);
void explore_leave(void);
#define EXPLORE_CALL(call, obj, ...)                                   \
    ({                                                                 \
        if (explore_enter(#call, obj, __FILE__, __LINE__, __func__)) { \
            call(__VA_ARGS__);                                         \
            explore_leave();                                           \
        }                                                              \
    })

/* The hook of libs/atomic.h.  P may be a plain 0. */
#define EXPLORE_PTR(p) _Generic((p), int : (char *)NULL, default : (p))
#define ATOMIC_POINT(p)                                                        \
    explore_point("access", EXPLORE_PTR(p), sizeof(*EXPLORE_PTR(p)), __FILE__, \
                  __LINE__)

/* For shim/: what a hart knows of itself. */
struct tcb;
extern struct tcb *explore_tcb[EXPLORE_HARTS];
extern unsigned explore_hart;
unsigned long explore_csr_read(const char *name);
unsigned long explore_csr_clear(const char *name, unsigned long bits);
void explore_csr_set(const char *name, unsigned long bits);
void explore_csr_write(const char *name, unsigned long value);
uint64_t explore_time(void);
void explore_wfi(void);

#endif
