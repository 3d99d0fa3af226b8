/* explore.c: the search over schedules.
 *
 * A schedule is the list of its decisions; everything between them is
 * determined.  One run follows the list so far and then takes the first way
 * everywhere, noting each place where there was another.  The next run changes
 * the last decision that still has an untried way, and forgets those after it:
 * depth first, with no more memory than one schedule (stateless search).
 *
 * The first way is always "the same hart goes on", so a schedule is written as
 * the few places where it does something else:
 *
 *     NAME/57:h1,80:t0,91:v2
 *
 * before point 57 hart 1 goes on; before point 80 time jumps to the deadline
 * of hart 0; explore_choose() at point 91 says 2. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PREEMPTIONS 2
#define DEFAULT_SCHEDULES   3000000ul
#define MAX_DEVIATIONS      256
#define MAX_REPLAY          4096

static const char kind_letter[] = {'h', 't', 'v'};

/* The way a replayed schedule goes on. */
static unsigned
replay_choose(const struct option *option, unsigned n)
{
    const struct deviation *d;

    if (E->next_deviation == E->ndeviations)
        return 0;
    d = &E->deviation[E->next_deviation];
    if (d->step != E->step)
        return 0;
    E->next_deviation++;
    for (unsigned i = 0; i < n; i++) {
        if (option[i].kind == d->option.kind && option[i].arg == d->option.arg)
            return i;
    }
    return 0;
}

static struct decision *
note_decision(const struct option *option, unsigned n)
{
    struct decision *d = &E->decision[E->ndecisions];

    d->step = E->step;
    d->n = (uint8_t)n;
    d->chosen = 0;
    d->spent = E->spent;
    memcpy(d->option, option, n * sizeof(*option));
    return d;
}

/* Options come cheapest first. */
unsigned
search_choose(const struct option *option, unsigned n)
{
    struct decision *d = &E->decision[E->ndecisions];

    if (E->replaying) {
        unsigned i = replay_choose(option, n);

        E->spent += option[i].cost;
        return i;
    }
    while (n > 1 && E->spent + option[n - 1].cost > E->budget)
        n--;
    if (n == 1) {
        E->spent += option[0].cost;
        return 0;
    }
    if (E->ndecisions == MAX_DECISIONS)
        explore_fail("explore: more than %d decisions", MAX_DECISIONS);
    if (E->ndecisions >= E->prefix)
        d = note_decision(option, n);
    else if (d->step != E->step || d->n != n || d->spent != E->spent)
        explore_fail("explore: not deterministic at point %u", E->step);
    E->ndecisions++;
    E->spent += d->option[d->chosen].cost;
    return d->chosen;
}

static void
run_once(void)
{
    fiber_run_schedule();
    E->schedules++;
    E->points += E->step;
    if (E->ndecisions > E->depth)
        E->depth = E->ndecisions;
}

/* Go to the next schedule; false: there is none. */
static bool
next_schedule(void)
{
    while (E->ndecisions > 0) {
        struct decision *d = &E->decision[E->ndecisions - 1];

        if (d->chosen + 1 < d->n) {
            d->chosen++;
            E->prefix = E->ndecisions;
            return true;
        }
        E->ndecisions--;
    }
    return false;
}

/* All schedules with at most BUDGET preemptions.  True: one failed. */
static bool
search(uint32_t budget, unsigned long limit)
{
    do {
        E->words_grew = false;
        for (unsigned i = 0; i < MAX_WORDS; i++)
            E->word[i].shared = E->word[i].shared_next;
        E->budget = budget;
        E->prefix = 0;
        do {
            run_once();
            if (E->failed)
                return true;
            if (E->schedules >= limit) {
                snprintf(E->why, sizeof(E->why),
                         "the space was cut after %lu schedules", limit);
                return true;
            }
        } while (next_schedule());
    } while (E->words_grew);
    return false;
}

static void
replay(struct deviation *list, unsigned n)
{
    E->replaying = true;
    E->deviation = list;
    E->ndeviations = n;
    fiber_run_schedule();
    E->replaying = false;
}

static unsigned
take_deviations(struct deviation *list)
{
    unsigned n = 0;

    for (unsigned i = 0; i < E->ndecisions; i++) {
        const struct decision *d = &E->decision[i];

        if (d->chosen != 0 && n < MAX_DEVIATIONS)
            list[n++] = (struct deviation){d->step, d->option[d->chosen]};
    }
    return n;
}

/* Leave out every deviation the failure does not need. */
static unsigned
minimise(struct deviation *list, unsigned n)
{
    struct deviation shorter[MAX_DEVIATIONS];

    for (unsigned i = n; i-- > 0;) {
        memcpy(shorter, list, i * sizeof(*list));
        memcpy(shorter + i, list + i + 1, (n - i - 1) * sizeof(*list));
        replay(shorter, n - 1);
        if (E->failed && E->next_deviation == n - 1) {
            memcpy(list, shorter, --n * sizeof(*list));
            i = n; /* look at all of them again */
        }
    }
    return n;
}

static void
format_replay(char *to, size_t size, const struct deviation *list, unsigned n)
{
    size_t at = (size_t)snprintf(to, size, "%s/", E->test->name);

    for (unsigned i = 0; i < n && at < size; i++)
        at += (size_t)snprintf(
            to + at, size - at, "%s%u:%c%u", i == 0 ? "" : ",", list[i].step,
            kind_letter[list[i].option.kind], list[i].option.arg);
}

static unsigned
parse_replay(const char *s, struct deviation *list)
{
    unsigned n = 0, step, arg;
    char letter;
    int used;

    while (n < MAX_DEVIATIONS &&
           sscanf(s, "%u:%c%u%n", &step, &letter, &arg, &used) == 3) {
        unsigned kind = letter == 'h'   ? OPTION_HART
                        : letter == 't' ? OPTION_TIMER
                                        : OPTION_VALUE;

        list[n++] = (struct deviation){
            step, {.kind = (uint8_t)kind, .arg = (uint8_t)arg}};
        s += used;
        if (*s == ',')
            s++;
    }
    if (*s != '\0')
        fprintf(stderr, "explore: \"%s\" is no schedule\n", s);
    return n;
}

/* Run LIST once more, writing down what happens.  Returns the preemptions. */
static unsigned
tell(struct deviation *list, unsigned n, const char *name, bool print)
{
    E->event = calloc(2 * MAX_STEPS, sizeof(*E->event));
    replay(list, n);
    if (print)
        report_print(name);
    free(E->event);
    E->event = NULL;
    return E->spent;
}

static void
begin_test(const struct explore_test *t)
{
    E->test = t;
    E->schedules = E->points = 0;
    E->depth = 0;
    E->nwords = 0;
    memset(E->word, 0, sizeof(E->word));
}

static void
print_points(void)
{
    if (E->verbose)
        printf("    %lu points passed\n", E->points);
}

static bool
run_test(const struct explore_test *t)
{
    unsigned max = t->preemptions ? t->preemptions : E->max_budget, n;
    unsigned long limit =
        t->max_schedules ? t->max_schedules : DEFAULT_SCHEDULES;
    struct deviation list[MAX_DEVIATIONS];
    char name[MAX_REPLAY], why[sizeof(E->why)];
    bool bad = false, ok;

    begin_test(t);
    for (unsigned p = 0; p <= max && !bad; p++)
        bad = search(p, limit);
    if (!bad) {
        ok = t->expect == NULL;
        printf("%s %s (schedules %lu, depth %u, preemptions <= %u)%s\n",
               ok ? "ok" : "FAIL", t->name, E->schedules, E->depth, max,
               ok ? "" : ": the mutant was not caught");
        print_points();
        return ok;
    }
    if (!E->failed) {
        printf("FAIL %s: %s\n", t->name, E->why);
        return false;
    }
    n = minimise(list, take_deviations(list));
    format_replay(name, sizeof(name), list, n);
    replay(list, n);
    memcpy(why, E->why, sizeof(why));
    if (!E->failed)
        snprintf(why, sizeof(why), "explore: the failure does not come back");
    ok = E->failed && t->expect != NULL && strstr(why, t->expect) != NULL;
    printf("%s %s (schedules %lu, depth %u, preemptions %u): %s%s\n",
           ok ? "ok" : "FAIL", t->name, E->schedules, E->depth, E->spent,
           ok ? "caught: " : "", why);
    if (ok && !E->verbose)
        printf("    %s\n", name);
    tell(list, n, name, !ok || E->verbose);
    return ok;
}

static int
replay_one(const char *s, const struct explore_test *tests, unsigned n)
{
    struct deviation list[MAX_DEVIATIONS];
    const char *slash = strrchr(s, '/');

    for (unsigned i = 0; i < n && slash != NULL; i++) {
        if (strlen(tests[i].name) != (size_t)(slash - s) ||
            strncmp(tests[i].name, s, (size_t)(slash - s)) != 0)
            continue;
        begin_test(&tests[i]);
        tell(list, parse_replay(slash + 1, list), s, true);
        printf("%s %s: %s\n", E->failed ? "FAIL" : "ok", tests[i].name,
               E->failed ? E->why : "nothing wrong in this schedule");
        return E->failed;
    }
    fprintf(stderr, "explore: no test for \"%s\"; want NAME/SCHEDULE\n", s);
    return 2;
}

int
explore_main(int argc, char **argv, const char *suite,
             const struct explore_test *tests, unsigned n)
{
    const char *only = NULL, *schedule = getenv("EXPLORE_REPLAY");
    unsigned passed = 0, failed = 0, mutants = 0;
    unsigned long schedules = 0;

    fiber_init();
    E->max_budget = DEFAULT_PREEMPTIONS;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            E->verbose = true;
        } else if (strcmp(argv[i], "--all-points") == 0) {
            E->all_points = true;
        } else if (strcmp(argv[i], "-p") == 0 && i + 1 < argc) {
            E->max_budget = (uint32_t)atoi(argv[++i]);
        } else if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc) {
            schedule = argv[++i];
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else {
            fprintf(stderr,
                    "usage: %s [-v] [-p PREEMPTIONS] [--all-points] "
                    "[--only NAME] [--replay SCHEDULE]\n",
                    argv[0]);
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (schedule != NULL && *schedule != '\0')
        return replay_one(schedule, tests, n);
    for (unsigned i = 0; i < n; i++) {
        if (only != NULL && strcmp(only, tests[i].name) != 0)
            continue;
        if (run_test(&tests[i]))
            passed++;
        else
            failed++;
        schedules += E->schedules;
        mutants += tests[i].expect != NULL;
    }
    printf("# %lu schedules of %u tests and %u mutants\n", schedules,
           passed + failed - mutants, mutants);
    printf("%s: %u passed, %u failed\n", suite, passed, failed);
    return failed != 0;
}
