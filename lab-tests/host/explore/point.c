/* point.c: the places where another hart may go on.
 *
 * When the search lets another hart go on, the present one stays inside
 * explore_point(), before the access it was about to do; so the order in which
 * harts leave explore_point() is the order of their accesses, and memory is
 * sequentially consistent.
 *
 * Two things keep the number of schedules small without losing one that could
 * make a difference:
 *
 *   A hart that spins (cpu_wait) cannot go on until a word it looked at since
 *   it last spun has changed.
 *
 *   A point at a word that only one stack ever touches is no choice: nobody
 *   could tell.  Which words these are is learned; a pass of the search that
 *   learns of a new one is done again (explore.c). */
#include "engine.h"

#include <string.h>

static uint64_t
word_at(const void *obj, size_t size)
{
    uint64_t v = 0;

    memcpy(&v, obj, size <= sizeof(v) ? size : sizeof(v));
    return v;
}

/* Did the last access of this hart change anything? */
static void
settle(void)
{
    struct watch *w = &here()->last;

    if (w->obj != NULL && word_at(w->obj, w->size) != w->value)
        E->progress++;
    w->obj = NULL;
}

/* This hart is about to look at OBJ, and perhaps to change it. */
static void
touch(const void *obj, size_t size)
{
    struct hart *h = here();

    settle(); /* an interrupt may have come in between */
    if (obj == NULL) {
        E->progress++;
        return;
    }
    h->last = (struct watch){obj, size, word_at(obj, size)};
    if (h->nwatch == MAX_WATCH)
        h->watch_over = true;
    else
        h->watch[h->nwatch++] = h->last;
}

/* Every decision gets a number of its own. */
static void
step_limit(void)
{
    if (++E->step > MAX_STEPS)
        explore_fail("no end after %d points (livelock)", MAX_STEPS);
}

/* May the spinning hart H look again? */
static bool
spin_over(const struct hart *h)
{
    if (h->watch_over || h->nwatch == 0)
        return h->seen != E->progress;
    for (unsigned i = 0; i < h->nwatch; i++) {
        const struct watch *w = &h->watch[i];

        if (word_at(w->obj, w->size) != w->value)
            return true;
    }
    return false;
}

static bool
can_run(unsigned hart)
{
    struct hart *h = &E->hart[hart];

    switch (h->state) {
    case HART_RUNS:
        return true;
    case HART_WAITS:
        return h->ready(h->arg) || (h->sie && machine_pending(hart));
    case HART_SPINS:
        return spin_over(h) || (h->sie && machine_pending(hart));
    default:
        return false;
    }
}

static unsigned
list_harts(struct option *option, bool can_go_on)
{
    unsigned n = 0, harts = E->test->harts;

    if (can_go_on)
        option[n++] = (struct option){OPTION_HART, (uint8_t)explore_hart, 0};
    for (unsigned i = 1; i <= harts; i++) {
        unsigned h = (explore_hart + harts - i) % harts;

        if ((h != explore_hart || !can_go_on) && can_run(h))
            option[n++] = (struct option){OPTION_HART, (uint8_t)h, can_go_on};
    }
    return n;
}

/* Time can jump to a deadline: early, which costs a preemption, or because
 * nothing else can happen. */
static unsigned
list_timers(struct option *option, unsigned n)
{
    bool forced = n == 0;
    uint64_t first = UINT64_MAX;

    if (E->test->frozen || (!forced && !(E->test->timers && E->exploring)))
        return n;
    for (unsigned i = 0; i < E->test->harts; i++) {
        if (E->hart[i].timer < first)
            first = E->hart[i].timer;
    }
    for (unsigned i = 0; i < E->test->harts; i++) {
        const struct hart *h = &E->hart[i];

        if (h->timer >= ONE_SECOND || h->timer <= E->now)
            continue;
        if (forced && h->timer != first)
            continue;
        option[n++] = (struct option){OPTION_TIMER, (uint8_t)i, !forced};
        if (forced)
            break;
    }
    return n;
}

/* No hart can go on by itself: is this the end, or a spin to look at again? */
static bool
stuck(void)
{
    bool done = true;

    for (unsigned i = 0; i < E->test->harts; i++) {
        struct hart *h = &E->hart[i];

        done = done && h->state == HART_DONE;
        if (h->state == HART_SPINS && h->seen != E->progress) {
            h->watch_over = true;
            return true;
        }
    }
    if (!(E->test->finished != NULL ? E->test->finished() : done))
        return false;
    E->checking = true; /* no more points */
    if (E->test->check != NULL)
        E->test->check();
    fiber_end_schedule();
}

/* Let the search say who goes on; returns when this fiber does. */
static void
yield(bool can_go_on)
{
    struct option option[MAX_OPTIONS + EXPLORE_HARTS];
    struct fiber *me = here()->fiber;
    const struct option *o;
    unsigned n;

    for (;;) {
        n = list_harts(option, can_go_on);
        if (n == 0 && stuck())
            continue;
        n = list_timers(option, n);
        if (n == 0)
            explore_fail("dead-lock: no hart can go on");
        o = &option[E->exploring ? search_choose(option, n) : 0];
        if (o->kind == OPTION_HART)
            break;
        E->now = E->hart[o->arg].timer;
        E->progress++;
        report_event(NULL, "time jumps to the deadline of hart %u", o->arg);
        step_limit();
    }
    if (o->arg == explore_hart && here()->fiber == me)
        return;
    explore_hart = o->arg;
    fiber_swap(me, here()->fiber);
}

/* The body has returned; does not. */
void
point_hart_done(void)
{
    settle();
    report_event(NULL, "is done");
    here()->state = HART_DONE;
    E->progress++;
    step_limit();
    yield(false);
}

/* Which stack, and in an interrupt or not. */
static uint8_t
agent(void)
{
    bool irq = !here()->sie;

    return (uint8_t)(2 * (here()->fiber - E->fiber) + irq + 1);
}

static struct word *
find_word(const void *obj)
{
    size_t i = ((uintptr_t)obj >> 2) * 2654435761u % MAX_WORDS;

    while (E->word[i].obj != NULL && E->word[i].obj != obj)
        i = (i + 1) % MAX_WORDS;
    if (E->word[i].obj == NULL) {
        if (++E->nwords == MAX_WORDS)
            explore_fail("explore: more than %d shared words", MAX_WORDS);
        E->word[i].obj = obj;
    }
    return &E->word[i];
}

/* Learn who touches OBJ; false: nobody else ever did. */
static bool
is_shared(const void *obj)
{
    struct word *w;

    if (obj == NULL || !E->exploring || E->all_points)
        return true;
    w = find_word(obj);
    if (w->agent == 0)
        w->agent = agent();
    if (w->agent != agent() && !w->shared_next) {
        w->shared_next = true;
        E->words_grew = true;
    }
    return w->shared;
}

void
explore_point(const char *op, const void *obj, size_t size, const char *file,
              int line)
{
    struct site site = {op, file, obj, line};
    bool choice;

    if (!E->running || E->checking)
        return;
    if (here()->fiber->call.op != NULL)
        site = here()->fiber->call;
    settle();
    choice = is_shared(obj);
    step_limit();
    if (choice || E->replaying)
        yield(true);
    machine_poll();
    report_event(&site, NULL);
    touch(obj, size);
}

void
explore_begin(void)
{
    E->exploring = true;
    step_limit();
    yield(false);
}

static void
wait_in(enum hart_state state)
{
    struct hart *h = here();

    h->state = state;
    step_limit();
    yield(false);
    h->state = HART_RUNS;
}

void
explore_wait(const char *op, bool (*ready)(void *arg), void *arg)
{
    settle();
    if (ready(arg))
        return;
    report_event(NULL, "%s: waits", op);
    while (!ready(arg)) {
        here()->ready = ready;
        here()->arg = arg;
        wait_in(HART_WAITS);
        if (!ready(arg))
            machine_poll();
    }
    E->progress++;
    machine_poll();
}

void
explore_spin(void)
{
    struct hart *h = here();

    settle();
    report_event(NULL, "spins");
    h->seen = E->progress;
    wait_in(HART_SPINS);
    h->nwatch = 0;
    h->watch_over = false;
    machine_poll();
}

static unsigned
choose(unsigned n, uint8_t cost)
{
    struct option option[MAX_OPTIONS];
    unsigned i;

    if (n > MAX_OPTIONS)
        explore_fail("explore: a choice of %u", n);
    for (i = 0; i < n; i++)
        option[i] = (struct option){OPTION_VALUE, (uint8_t)i, i ? cost : 0};
    step_limit();
    return option[E->exploring ? search_choose(option, n) : 0].arg;
}

unsigned
explore_choose(unsigned n)
{
    unsigned i = choose(n, 0);

    report_event(NULL, "chooses %u of %u", i, n);
    return i;
}

bool
explore_surprise(void)
{
    bool yes = choose(2, 1) == 1;

    if (yes)
        report_event(NULL, "is surprised");
    return yes;
}

int
explore_mutant(void)
{
    return E->test->mutant;
}

static bool
left_out(const char *call, const char *func)
{
    size_t n = strlen(func);

    for (const char *const *s = E->test->skip; s != NULL && *s != NULL; s++) {
        if (strncmp(*s, func, n) == 0 && (*s)[n] == '/' &&
            strcmp(*s + n + 1, call) == 0)
            return true;
    }
    return false;
}

bool
explore_enter(const char *call, const void *obj, const char *file, int line,
              const char *func)
{
    if (!E->running)
        return true;
    if (E->test->skip != NULL && left_out(call, func)) {
        explore_point("(left out)", NULL, 0, file, line);
        return false;
    }
    here()->fiber->call = (struct site){call, file, obj, line};
    return true;
}

void
explore_leave(void)
{
    if (E->running)
        here()->fiber->call.op = NULL;
}
