/* subject.c: a process of a scenario: does what the runner tells it, one step at a
 * time, and says how it went.
 *
 * Whoever forks waits for the child when the runner says so.  A subject that dies
 * closes its end of its answers: the runner sees that, not a clock. */
#include "../../kern/ext/init/scenario.h"
#include "scenario.h"
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t children[SCN_PROCS];

bool
scn_is_thread(unsigned proc)
{
    for (unsigned i = 0; i < scn.nsteps; i++) {
        if (scn.steps[i].op == SCN_THREAD && scn.steps[i].other == proc)
            return true;
    }
    return false;
}

static void
answer(unsigned self, struct reply *r)
{
    r->pid = getpid();
    if (write(wires[self].answer[1], r, sizeof(*r)) != sizeof(*r))
        _exit(202);
}

/* Is process NUMBER the process TOP, or will it come from it? */
static bool
comes_from(unsigned number, unsigned top)
{
    for (unsigned i = scn.nsteps; i-- > 0 && number != top;) {
        if ((scn.steps[i].op == SCN_FORK || scn.steps[i].op == SCN_THREAD) &&
            scn.steps[i].other == number)
            number = scn.steps[i].proc;
    }
    return number == top;
}

/* Whether a process lives is seen by who has its ends: nobody may have them but
 * itself, and before it is there those that it comes from. */
static void
let_go(unsigned top, bool below)
{
    for (unsigned i = 0; i < SCN_PROCS; i++) {
        if (comes_from(i, top) != below)
            continue;
        close(wires[i].answer[1]);
        close(wires[i].command[0]);
        wires[i].answer[1] = wires[i].command[0] = -1;
    }
}

static volatile char *first_stack; /* of the process's first thread */

/* A thread forks while the first one sleeps: its stack shall fault no more, either.
 * Those of all others are among the program's data. */
static void
warm_first(void)
{
    for (unsigned i = 0; first_stack != NULL && i < STEPS_STACK; i++) {
        volatile char *p = first_stack - (size_t)i * SCN_PAGE;

        *p = *p;
    }
}

static void
fork_child(const struct scn_step *st, unsigned *self, struct reply *r)
{
    pid_t pid = fork();

    if (pid == 0) {
        memset(children, 0, sizeof(children));
        *self = st->other;
        let_go(*self, false);
    } else {
        let_go(st->other, true);
        children[st->other] = pid;
        if (pid < 0)
            r->kind = REPLY_ERROR;
    }
    steps_warm();
    warm_first();
    steps_catch();
}

static void
wait_child(unsigned number, struct reply *r)
{
    int status = 0;

    r->kind = REPLY_ENDED;
    if (scn_is_thread(number)) {
        thread_join(number);
        return;
    }
    if (children[number] <= 0 ||
        waitpid(children[number], &status, 0) != children[number])
        r->kind = REPLY_ERROR;
    r->number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    r->code = WIFSIGNALED(status);
}

/* Do what COMMAND says; does not come back from a step that ends us. */
static void
obey(int command, unsigned *self, struct reply *r)
{
    const struct scn_step *st = &scn.steps[command % DO_WAIT];

    if (command == DO_STOP)
        syscall(29, (long)channel, (long)SCN_STOP, 0l, 0l, 0l, 0l);
    else if (command >= DO_WAIT)
        wait_child((unsigned)command - DO_WAIT, r);
    else if (st->op == SCN_EXIT)
        _exit((int)st->value);
    else if (st->op == SCN_DIE)
        step_die(st);
    else if (st->op == SCN_FORK)
        fork_child(st, self, r);
    else if (st->op == SCN_THREAD)
        thread_start(st, r);
    else if (!step_several(st, *self, r))
        step_do(st, r);
}

/* Is it the end of thread SELF?  It says so while it still can. */
static bool
thread_ends(unsigned self, int command, struct reply *r)
{
    bool step = command < DO_WAIT && scn.steps[command].op == SCN_EXIT;

    if (!step && command != DO_QUIT)
        return false;
    r->kind = REPLY_ENDED;
    r->number = step ? (int)scn.steps[command].value : 0;
    answer(self, r);
    return true;
}

void
subject_serve(unsigned self, bool thread)
{
    struct reply r = {0};
    unsigned was;
    int command;

    answer(self,
           &r); /* ready; a child says so when it comes back from its fork */
    while (read(wires[self].command[0], &command, sizeof(command)) ==
           sizeof(command)) {
        memset(&r, 0, sizeof(r));
        if (thread && thread_ends(self, command, &r))
            return;
        if (command == DO_QUIT)
            _exit(0);
        was = self;
        obey(command, &self, &r);
        thread = thread && self == was; /* a child is a process of its own */
        answer(self, &r);
    }
    _exit(203);
}

void
subject_main(unsigned number)
{
    char here = 0;

    for (unsigned i = 0; i < SCN_PROCS; i++) {
        close(wires[i].command[1]);
        close(wires[i].answer[0]);
    }
    first_stack = &here;
    steps_begin();
    steps_warm();
    subject_serve(number, false);
    _exit(203);
}
