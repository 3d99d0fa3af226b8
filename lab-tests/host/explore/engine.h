/* engine.h: what the parts of the explorer share.
 *
 * All of it is on the heap, behind one pointer: static variables are put back
 * before each schedule (fiber.c), and this must not be. */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include "explore.h"
#include <setjmp.h>
#include <stdarg.h>
#include <ucontext.h>

/* In ticks: no hart ever waits for so long. */
#define ONE_SECOND (1ul << 40)

#define MAX_FIBERS    16
#define MAX_OPTIONS   (2 * EXPLORE_HARTS)
#define MAX_DECISIONS 8192
#define MAX_STEPS     8000
#define MAX_WATCH     6
#define MAX_NAMES     64
#define MAX_WORDS     4096 /* a power of two */
#define STACK_SIZE    (64 * 1024)
#define NO_LIMIT      1000000u

enum option_kind {
    OPTION_HART,  /* hart ARG runs */
    OPTION_TIMER, /* time jumps to the deadline of hart ARG */
    OPTION_VALUE, /* explore_choose() returns ARG */
};

struct option {
    uint8_t kind, arg, cost;
};

/* A place where there was more than one way on. */
struct decision {
    uint32_t step;
    uint8_t n, chosen;
    uint32_t spent; /* preemptions before it */
    struct option option[MAX_OPTIONS];
};

/* A choice other than the first: a schedule is a list of these. */
struct deviation {
    uint32_t step;
    struct option option;
};

/* Where a stack is, for the list of events. */
struct site {
    const char *op, *file;
    const void *obj;
    int line;
};

struct context;

struct fiber {
    ucontext_t uc;
    char *stack;
    void (*entry)(void);
    struct context *ctx; /* the kernel's name for it; NULL: none yet */
    int hart;            /* runs there; -1: none */
    struct site call;    /* the wrapped call it is in */
    void *fake_stack;    /* of the address sanitizer */
};

/* A word a spinning hart looked at. */
struct watch {
    const void *obj;
    size_t size;
    uint64_t value;
};

enum hart_state { HART_RUNS, HART_WAITS, HART_SPINS, HART_DONE };

struct hart {
    enum hart_state state;
    struct fiber *fiber;
    bool (*ready)(void *arg); /* HART_WAITS */
    void *arg;
    struct watch watch[MAX_WATCH]; /* since it last spun */
    unsigned nwatch;
    bool watch_over;    /* it looked at more */
    struct watch last;  /* its latest access, before it took place */
    unsigned long seen; /* HART_SPINS: progress then */
    bool sie, soft;
    uint64_t timer;
};

/* Who touched a word: one stack, or several. */
struct word {
    const void *obj;
    uint8_t agent;
    bool shared, shared_next;
};

struct event {
    unsigned hart;
    uint32_t step;
    struct site site;
    char text[64];
};

struct engine {
    const struct explore_test *test;

    /* this schedule */
    struct hart hart[EXPLORE_HARTS];
    struct fiber fiber[MAX_FIBERS];
    unsigned nfibers;
    ucontext_t main;
    void *main_fake_stack;
    const void *main_stack;
    size_t main_stack_size;
    bool running, exploring, checking, failed;
    uint32_t step;
    uint32_t spent;
    uint64_t now;
    unsigned long progress;
    char why[256];
    struct {
        const char *p;
        size_t size;
        const char *name;
    } name[MAX_NAMES];
    unsigned nnames;

    /* the search */
    uint32_t budget;
    struct decision decision[MAX_DECISIONS];
    unsigned ndecisions, prefix;
    bool replaying;
    struct deviation *deviation;
    unsigned ndeviations, next_deviation;
    struct word word[MAX_WORDS];
    unsigned nwords;
    bool words_grew;
    unsigned long schedules, points;
    unsigned depth;

    /* the list of events; NULL: not wanted */
    struct event *event;
    unsigned nevents;

    char *snapshot, *signal_stack;
    bool verbose;
    bool all_points; /* private words are choices too */
    uint32_t max_budget;
};

extern struct engine *E;

/* explore.c: choose one of N ways on; an index. */
unsigned search_choose(const struct option *option, unsigned n);

/* fiber.c */
void fiber_init(void);
void fiber_run_schedule(void);
struct fiber *fiber_new(void (*entry)(void), unsigned hart);
void fiber_swap(struct fiber *from, struct fiber *to);
void fiber_end_schedule(void) __attribute__((noreturn));

/* point.c */
void point_hart_done(void);

static inline struct hart *
here(void)
{
    return &E->hart[explore_hart];
}

/* machine.c */
void machine_reset(void);
void machine_poll(void);
bool machine_pending(unsigned hart);

/* report.c */
void report_event(const struct site *site, const char *fmt, ...);
void report_print(const char *replay);

#endif
