/* fiber.c: the stacks that harts and threads run on, and the life of one
 * schedule.
 *
 * A hart runs a fiber: a stack of its own.  A schedule begins with all static
 * variables as they were when the program started and a fresh fiber per hart;
 * it ends when point.c finds that nothing is left to do, or in explore_fail().
 * Either way we are back in fiber_run_schedule(), and the stacks are forgotten
 * as they stand. */
#include "engine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define NO_ASAN __attribute__((no_sanitize_address))
#else
#define NO_ASAN
#endif

struct engine *E;
struct tcb *explore_tcb[EXPLORE_HARTS];
unsigned explore_hart;

extern char __data_start[], _end[];

/* By words and not by memcpy(): the zones between variables are poisoned. */
NO_ASAN static void
copy_words(char *to, const char *from, size_t size)
{
    volatile unsigned char *t = (volatile unsigned char *)to;
    size_t i = 0;

    for (; i + 8 <= size; i += 8)
        *(volatile uint64_t *)(t + i) = *(const uint64_t *)(from + i);
    for (; i < size; i++)
        t[i] = (unsigned char)from[i];
}

/* A mutant may follow a pointer to nowhere. */
static void
crashed(int sig)
{
    static volatile bool again;

    if (again || !E->running)
        _exit(128 + sig);
    again = true; /* put back by the next schedule */
    explore_fail("segmentation fault");
}

static void
catch_crashes(void)
{
    stack_t alt = {.ss_sp = E->signal_stack, .ss_size = STACK_SIZE};
    struct sigaction act = {.sa_handler = crashed,
                            .sa_flags = SA_ONSTACK | SA_NODEFER};

    sigaltstack(&alt, NULL);
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
}

void
fiber_init(void)
{
    size_t size = (size_t)(_end - __data_start);

    E = calloc(1, sizeof(*E));
    for (unsigned i = 0; i < MAX_FIBERS; i++)
        E->fiber[i].stack = malloc(STACK_SIZE);
    E->signal_stack = malloc(STACK_SIZE);
    E->snapshot = malloc(size);
    copy_words(E->snapshot, __data_start, size);
    catch_crashes();
}

/* After a switch, on the new stack. */
static void
arrived(struct fiber *me)
{
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom;
    size_t size;

    __sanitizer_finish_switch_fiber(me->fake_stack, &bottom, &size);
    if (E->main_stack == NULL) {
        E->main_stack = bottom;
        E->main_stack_size = size;
    }
#else
    (void)me;
#endif
}

static void
leaving(void **fake, const void *stack, size_t size)
{
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(fake, stack, size);
#else
    (void)fake;
    (void)stack;
    (void)size;
#endif
}

void
fiber_swap(struct fiber *from, struct fiber *to)
{
    if (from == to)
        return;
    leaving(&from->fake_stack, to->stack, STACK_SIZE);
    swapcontext(&from->uc, &to->uc);
    arrived(from);
}

/* This schedule is over. */
void
fiber_end_schedule(void)
{
    leaving(NULL, E->main_stack, E->main_stack_size);
    setcontext(&E->main);
    abort();
}

void
explore_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(E->why, sizeof(E->why), fmt, ap);
    va_end(ap);
    if (!E->running) {
        fprintf(stderr, "explore: outside of a schedule: %s\n", E->why);
        exit(2);
    }
    E->failed = true;
    report_event(NULL, "FAILS: %s", E->why);
    fiber_end_schedule();
}

static void
fiber_main(void)
{
    struct fiber *me = here()->fiber;

    arrived(me);
    me->entry();
    point_hart_done();
}

/* Have F begin in fiber_main() when it is switched to. */
static void
prepare_context(struct fiber *f)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(f->stack, STACK_SIZE);
#endif
    getcontext(&f->uc);
    f->uc.uc_stack.ss_sp = f->stack;
    f->uc.uc_stack.ss_size = STACK_SIZE;
    f->uc.uc_link = NULL;
    makecontext(&f->uc, fiber_main, 0);
}

struct fiber *
fiber_new(void (*entry)(void), unsigned hart)
{
    struct fiber *f = NULL;

    for (unsigned i = 0; i < MAX_FIBERS && f == NULL; i++) {
        if (i >= E->nfibers || E->fiber[i].entry == NULL)
            f = &E->fiber[i];
    }
    if (f == NULL)
        explore_fail("explore: more than %d stacks", MAX_FIBERS);
    if (f == &E->fiber[E->nfibers])
        E->nfibers++;
    f->entry = entry;
    f->ctx = NULL;
    f->hart = (int)hart;
    f->call = (struct site){0};
    f->fake_stack = NULL;
    prepare_context(f);
    return f;
}

static void
run_body(void)
{
    E->test->body(explore_hart);
}

static void
reset(void)
{
    copy_words(__data_start, E->snapshot, (size_t)(_end - __data_start));
    memset(E->hart, 0, sizeof(E->hart));
    E->nfibers = 0;
    E->step = E->spent = 0;
    E->now = 1000;
    E->progress = 0;
    E->failed = E->checking = false;
    E->nnames = E->nevents = 0;
    E->ndecisions = E->next_deviation = 0;
    E->why[0] = '\0';
    machine_reset();
}

/* Run one schedule: the decisions up to E->prefix as they stand, then the
 * first choice everywhere. */
void
fiber_run_schedule(void)
{
    volatile bool back = false;

    reset();
    if (E->test->setup != NULL)
        E->test->setup();
    for (unsigned i = 0; i < E->test->harts; i++)
        E->hart[i].fiber = fiber_new(run_body, i);
    explore_hart = E->test->harts - 1;
    E->exploring = !E->test->boots;
    E->running = true;
    getcontext(&E->main);
    if (!back) {
        back = true;
        leaving(&E->main_fake_stack, here()->fiber->stack, STACK_SIZE);
        setcontext(&here()->fiber->uc);
    }
    E->running = false;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(E->main_fake_stack, NULL, NULL);
#endif
}
