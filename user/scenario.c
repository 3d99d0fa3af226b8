/* scenario.c: runs the scenarios of /scn and reports each step: scenario [SKIP
 * [N STEP]].  "scenario line" takes orders from the console instead: scenario/line.c.
 *
 * /scn/list has the seed in its first line, then a scenario per line; SKIP of them
 * are left out.  In front of step STEP of number N a debugger may stop.  What is
 * reported is what happened: what should have happened nobody here knows, and
 * "passed" is not among the words.
 *
 *     start NAME           step I RESULT COUNTER=N...     area I PROC NAME PAGES
 *     complaint TEXT       end FRAMES OBJECTS LOST COMPLAINTS SLOTS       done N
 *
 * docs/design/scenarios.md has the picture, scenario/scenario.h the parts. */
#include "../kern/ext/init/scenario.h"
#include "scenario/scenario.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_SETAFFINITY 122
#define NR_YIELD       124

struct scn scn;
struct wire wires[SCN_PROCS];
int feed[2];
volatile uint32_t *shared;

static struct { /* what the runner knows of each process */
    pid_t pid;  /* 0: not yet, or no longer */
    uint8_t parent;
    bool thread; /* of its parent, whose memory it has */
    char areas[SCN_AREAS][2 * SCN_PAGES + 1]; /* as reported last */
} procs[SCN_PROCS];

int channel;
static long stop_in = -1,
            stop_at; /* a scenario of the list, and a step of it */
static char text[1 << 16];

long
ask(unsigned what, void *arg)
{
    return syscall(29, (long)channel, (long)what, (long)arg, 0l, 0l, 0l);
}

void
report(const char *line)
{
    size_t n = strlen(line);

    if (line_keep(line) &&
        write(channel, line, n < SCN_TEXT ? n : SCN_TEXT) < 0) {
        perror("scenario: /dev/scenario");
        exit(1);
    }
}

/* --- telling a process what to do --- */

/* False: it ended instead of answering. */
static bool
hear(unsigned proc, struct reply *r)
{
    return read(wires[proc].answer[0], r, sizeof(*r)) == sizeof(*r);
}

static bool
order(unsigned proc, int command)
{
    return write(wires[proc].command[1], &command, sizeof(command)) ==
           sizeof(command);
}

static bool
tell(unsigned proc, int command, struct reply *r)
{
    return order(proc, command) && hear(proc, r);
}

/* PROC has ended: let its parent wait for it.  REPLY_ENDED, and how. */
static void
reap(unsigned proc, struct reply *r)
{
    int status;

    procs[proc].pid = 0;
    if (procs[proc].thread) { /* it has said how it ends */
        struct reply joined;

        (void)tell(procs[proc].parent, DO_WAIT + (int)proc, &joined);
        return;
    }
    if (proc != 0) {
        if (!tell(procs[proc].parent, DO_WAIT + (int)proc, r))
            r->kind = REPLY_ERROR;
        return;
    }
    wait(&status);
    r->kind = REPLY_ENDED;
    r->number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    r->code = WIFSIGNALED(status);
}

/* --- reports --- */

static void
result_text(const struct scn_step *st, const struct reply *r, char *to,
            size_t size)
{
    if (r->kind == REPLY_VALUE)
        snprintf(to, size, "value:%lx", r->value);
    else if (r->kind == REPLY_ERROR)
        snprintf(to, size, "error:%d", r->number);
    else if (r->kind == REPLY_SIGNAL)
        snprintf(to, size, "signal:%d:%d:%lx", r->number, r->code,
                 st->area == SCN_NO ? r->value
                                    : r->value - scn_base(&scn, st->area));
    else if (r->kind == REPLY_ENDED)
        snprintf(to, size, "%s:%d", r->code ? "killed" : "exited", r->number);
    else
        strlcpy(to, "ok", size);
}

static void
report_step(unsigned i, const struct reply *r, const uint64_t *before,
            const uint64_t *after)
{
    const struct scn_step *st = &scn.steps[i];
    char line[SCN_TEXT + 1], result[64];
    int n;

    result_text(st, r, result, sizeof(result));
    n = snprintf(line, sizeof(line), "step %u %s", i, result);
    for (unsigned k = 0; k < COUNTERS && n < SCN_TEXT - 24; k++) {
        if (after[k] != before[k])
            n += snprintf(line + n, sizeof(line) - (size_t)n, " %s=%lu",
                          counter_names[k], after[k] - before[k]);
    }
    if (procs[st->proc].pid != 0)
        snprintf(line + n, sizeof(line) - (size_t)n, " areas=%d",
                 observe_areas(procs[st->proc].pid));
    report(line);
}

/* The pages of all processes, where they are not as they were. */
static void
report_areas(unsigned i)
{
    char cells[2 * SCN_PAGES + 1], line[SCN_TEXT + 1];

    observe_begin();
    for (unsigned p = 0; p < scn.nprocs; p++) {
        for (unsigned a = 0;
             a < scn.nareas && procs[p].pid != 0 && !procs[p].thread; a++) {
            observe_pages(procs[p].pid, a, cells, sizeof(cells));
            if (strcmp(cells, procs[p].areas[a]) == 0)
                continue;
            memcpy(procs[p].areas[a], cells, sizeof(cells));
            snprintf(line, sizeof(line), "area %u %s %s %s", i, scn.procs[p],
                     scn.areas[a].name, cells);
            report(line);
        }
    }
}

/* --- a step --- */

/* The process of the step and those it races with: all begin, then all answer. */
static bool
run_race(unsigned i, struct reply *r)
{
    const struct scn_step *st = &scn.steps[i];
    struct reply other;
    bool ok = true;

    for (unsigned p = 0; p < scn.nprocs; p++)
        ok = ok && (!(st->at >> p & 1) || order(p, (int)i));
    ok = ok && tell(st->proc, (int)i, r);
    for (unsigned p = 0; p < scn.nprocs; p++) {
        if (!(st->at >> p & 1))
            continue;
        ok = ok && hear(p, &other);
        if (ok && r->kind == REPLY_OK)
            *r = other;
    }
    return ok;
}

/* Send what the last "await" of this process waits for. */
static bool
run_finish(unsigned i, struct reply *r)
{
    static char bytes[SCN_PAGE];
    unsigned proc = scn.steps[i].proc;

    while (i > 0 && (scn.steps[i].op != SCN_AWAIT || scn.steps[i].proc != proc))
        i--;
    memset(bytes, SCN_FED, sizeof(bytes));
    for (uint64_t n = scn.steps[i].value; n > 0;) {
        ssize_t done = write(feed[1], bytes, n < SCN_PAGE ? n : SCN_PAGE);

        if (done <= 0)
            return false;
        n -= (uint64_t)done;
    }
    return hear(proc, r);
}

static bool
run_kind(unsigned i, struct reply *r)
{
    const struct scn_step *st = &scn.steps[i];

    switch (st->op) {
    case SCN_RACE:
        return run_race(i, r);
    case SCN_AWAIT: /* the answer comes when it is fed */
        return order(st->proc, (int)i);
    case SCN_FINISH:
        return run_finish(i, r);
    }
    return tell(st->proc, (int)i, r);
}

static bool
begin_child(const struct scn_step *st, const struct reply *r)
{
    struct reply child;

    if ((st->op != SCN_FORK && st->op != SCN_THREAD) || r->kind != REPLY_OK)
        return true;
    if (!hear(st->other, &child))
        return false;
    procs[st->other].pid = child.pid;
    procs[st->other].parent = st->proc;
    procs[st->other].thread = st->op == SCN_THREAD;
    return true;
}

/* False: what follows makes no sense any more. */
static bool
run_step(unsigned i)
{
    const struct scn_step *st = &scn.steps[i];
    uint64_t before[COUNTERS] = {0}, after[COUNTERS] = {0};
    bool ends = st->op == SCN_EXIT || st->op == SCN_DIE, answered;
    struct reply r = {0};

    if (stop_in == 0 && stop_at == (long)i)
        tell(st->proc, DO_STOP, &r);
    observe_counters(procs[st->proc].pid, before);
    answered = run_kind(i, &r);
    if (!answered || (ends && procs[st->proc].thread)) {
        answered = false;
        reap(st->proc, &r);
    }
    if (answered)
        answered = begin_child(st, &r);
    if (st->op == SCN_HEAP || st->op == SCN_STACK)
        scn.areas[st->area].moved = r.value;
    if (answered)
        observe_counters(procs[st->proc].pid, after);
    if (!answered || st->op == SCN_FORK || st->op == SCN_FORKFAIL)
        memcpy(after, before, sizeof(after));
    report_step(i, &r, before, after);
    report_areas(i);
    if (scn.crash && answered && r.kind == REPLY_OK && step_lasts(st->op))
        step_mark(i + 1);
    return answered != ends;
}

static void
quit_all(void)
{
    struct reply r;

    for (unsigned p = scn.nprocs; p-- > 0;) {
        if (procs[p].pid == 0)
            continue;
        (void)order(p, DO_QUIT);
        if (procs[p].thread)
            (void)hear(p, &r);
        reap(p, &r);
    }
}

/* --- a scenario --- */

static void
open_wires(void)
{
    if (pipe(feed) != 0) {
        perror("scenario: pipe");
        exit(1);
    }
    for (unsigned i = 0; i < SCN_PROCS; i++) {
        if (pipe(wires[i].command) != 0 || pipe(wires[i].answer) != 0) {
            perror("scenario: pipe");
            exit(1);
        }
    }
}

static void
close_wires(bool ours)
{
    for (unsigned i = 0; i < SCN_PROCS; i++) {
        close(ours ? wires[i].command[1] : wires[i].command[0]);
        close(ours ? wires[i].answer[0] : wires[i].answer[1]);
    }
    if (ours) {
        close(feed[0]);
        close(feed[1]);
    }
}

static void
remove_files(void)
{
    char path[64];

    for (unsigned i = 0; i < scn.nfiles && scn.disk == 0; i++) {
        step_path(i, path);
        unlink(path);
    }
}

static void
run_steps(void)
{
    struct reply r;
    pid_t pid;

    memset(procs, 0, sizeof(procs));
    shared = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    open_wires();
    pid = fork();
    if (pid == 0)
        subject_main(0);
    close_wires(false);
    procs[0].pid = pid;
    if (pid > 0 && hear(0, &r)) {
        bool on = true;

        for (unsigned i = 0; on && i < scn.nsteps; i++)
            on = scn.steps[i].op == SCN_EXPECT || run_step(i);
    }
    if (scn.harts == 1) /* nobody works now, so all must be sound */
        observe_check();
    quit_all();
    close_wires(true);
    munmap((void *)shared, SHARED_SIZE);
    shared = NULL;
    remove_files();
}

/* The last thread that ran on a hart is gone only when another has run there.  A machine
 * may have more harts than the scenario asks for (on a board all share one boot): what
 * an earlier one left there must not be taken for this one's.  From now on we, and
 * who is forked, stay on those of the scenario. */
static void
visit_harts(void)
{
    uint64_t ours = (1ul << scn.harts) - 1, one = 1;

    while (syscall(NR_SETAFFINITY, 0l, sizeof(one), &one) == 0) {
        syscall(NR_YIELD);
        one <<= 1;
    }
    syscall(NR_SETAFFINITY, 0l, sizeof(ours), &ours);
}

static void
run_scenario(void)
{
    struct scn_end end;
    char line[SCN_TEXT + 1];

    orders_knobs();
    steps_stay = orders_throw_out();
    steps_warm(); /* so that our own pages are none of its leaks */
    mkdir("/tmp/disk", 0755);
    if (steps_stay)
        orders_turn("reclaim=1000000");
    if (scn.crash)
        step_mark(0);
    visit_harts();
    ask(SCN_BEGIN, NULL);
    if (scn.disk != 0 && !step_disk(true))
        perror("scenario: /tmp/disk");
    run_steps();
    visit_harts();
    if (scn.disk != 0 && step_disk(false) && scn.crash)
        step_mark(scn.nsteps + 1);
    if (ask(SCN_END, &end) != 0)
        return;
    if (end.complaints != 0)
        observe_check();
    snprintf(line, sizeof(line), "end %ld %ld %ld %u %ld", end.frames,
             end.objects, end.lost, end.complaints, end.slots);
    report(line);
}

void
run_text(const char *name, const char *what, size_t n, uint64_t seed)
{
    if (scn_parse(&scn, name, what, n, seed) != 0) {
        report("unreadable");
        return;
    }
    spaces_take();
    run_scenario();
    spaces_give_back();
}

void
run_file(const char *name, uint64_t seed)
{
    char path[80], line[SCN_TEXT + 1];
    int fd;
    ssize_t n;

    snprintf(path, sizeof(path), "/scn/%s.scn", name);
    snprintf(line, sizeof(line), "start %s", name);
    report(line);
    scn_name = strchr(name, '/') == NULL ? name : strchr(name, '/') + 1;
    printf("scenario %s\n", name);
    fflush(stdout);
    fd = open(path, O_RDONLY);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    close(fd);
    run_text(name, text, n < 0 ? 0 : (size_t)n, seed);
}

int
main(int argc, char **argv)
{
    static char list[1 << 14];
    int fd = open("/scn/list", O_RDONLY), skip = argc > 1 ? atoi(argv[1]) : 0;
    ssize_t n = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);
    char *rest = list, *word;
    unsigned ran = 0;
    uint64_t seed;

    channel = open("/dev/scenario", O_RDWR);
    steps_top = (char *)(argv + argc);
    orders_begin();
    if (channel >= 0 && argc > 1 && strcmp(argv[1], "line") == 0)
        return line_main();
    if (n <= 0 || channel < 0 || ask(SCN_BEGIN, NULL) != 0) {
        fprintf(stderr, "scenario: needs /scn/list and /dev/scenario\n");
        return 1;
    }
    close(fd);
    if (argc > 3) {
        stop_in = atoi(argv[2]);
        stop_at = atoi(argv[3]);
    }
    word = strtok_r(list, "\n", &rest);
    seed = word != NULL ? strtoul(word, NULL, 0) : 0;
    while ((word = strtok_r(NULL, "\n", &rest)) != NULL) {
        if (skip-- <= 0) {
            run_file(word, seed);
            ran++;
        }
        stop_in--;
    }
    snprintf(text, sizeof(text), "done %u", ran);
    report(text);
    return 0;
}
