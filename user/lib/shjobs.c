/* shjobs.c: the jobs of a shell.
 *
 *     run ----> ended                         forgotten, and said if behind
 *      |  ^
 *      v  |  fg, bg
 *     stopped
 *
 * A job is done when all its processes are; its status is that of the last one
 * of the pipe.  Every child of the shell belongs to a job, so that nobody waits
 * for another's. */
#include <errno.h>
#include <jobs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS    32
#define TCGETS  0x5401l
#define TCSETSW 0x5403l

struct job {
    pid_t group; /* its first process; 0: there is no job */
    pid_t pid[JOB_PIDS];
    bool stopped[JOB_PIDS];
    int n, alive, status;
    bool told_stopped;
    char text[64];
};

static struct job jobs[JOBS];
static int last_job;
static bool terminal;
static char modes[64]; /* of the terminal, when it is ours */

static long
control(long what, void *arg)
{
    return syscall(29, 0l, what, arg, 0l, 0l, 0l);
}

static void
noted(int signo)
{
    (void)signo;
}

void
jobs_begin(void)
{
    terminal = true;
    signal(SIGINT, noted); /* ends the line that is typed */
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    block_signal(SIGINT, true);
    setpgid(0, 0);
    tcsetpgrp(0, getpgrp());
    control(TCGETS, modes);
}

void
jobs_join(pid_t pid, pid_t group, bool foreground)
{
    if (!terminal)
        return;
    setpgid(pid, group);
    if (foreground)
        tcsetpgrp(0, group ? group : pid);
    if (pid != getpid())
        return;
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    signal(SIGTSTP, SIG_DFL);
    signal(SIGTTIN, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
    block_signal(SIGINT, false);
}

/* The terminal is the shell's again, as it was. */
static void
take_back(void)
{
    if (!terminal)
        return;
    tcsetpgrp(0, getpgrp());
    control(TCSETSW, modes);
}

int
job_add(const pid_t *pids, int n, const char *text, size_t n2)
{
    for (int i = 0; i < JOBS; i++) {
        struct job *j = &jobs[i];

        if (j->group != 0)
            continue;
        memset(j, 0, sizeof(*j));
        j->group = pids[0];
        j->n = j->alive = n;
        memcpy(j->pid, pids, (size_t)n * sizeof(pids[0]));
        n2 = n2 < sizeof(j->text) ? n2 : sizeof(j->text) - 1;
        while (n2 > 0 && text[n2 - 1] == ' ')
            n2--;
        memcpy(j->text, text, n2);
        j->text[n2] = 0;
        return i + 1;
    }
    return 0;
}

/* What waitpid() said of PID. */
static void
note(pid_t pid, int status)
{
    for (int i = 0; i < JOBS; i++) {
        struct job *j = &jobs[i];

        for (int k = 0; j->group != 0 && k < j->n; k++) {
            if (j->pid[k] != pid)
                continue;
            j->stopped[k] = WIFSTOPPED(status);
            if (k == j->n - 1 || WIFSTOPPED(status))
                j->status = status;
            if (!WIFSTOPPED(status)) {
                j->pid[k] = 0;
                j->alive--;
            }
        }
    }
}

static bool
is_stopped(const struct job *j)
{
    for (int k = 0; k < j->n; k++) {
        if (j->pid[k] != 0 && !j->stopped[k])
            return false;
    }
    return j->alive > 0;
}

int
job_wait(int job)
{
    struct job *j = &jobs[job - 1];
    int status;

    while (j->alive > 0 && !is_stopped(j)) {
        pid_t pid = waitpid(-1, &status, terminal ? WUNTRACED : 0);

        if (pid > 0)
            note(pid, status);
        else if (errno != EINTR)
            break;
    }
    status = j->status;
    take_back();
    if (j->alive > 0) {
        last_job = job;
        j->told_stopped = true;
        printf("\n[%d] stopped  %s\n", job, j->text);
    } else {
        j->group = 0;
    }
    return status;
}

int
job_continue(int job, bool foreground)
{
    struct job *j = &jobs[job - 1];

    printf("%s\n", j->text);
    fflush(stdout);
    memset(j->stopped, 0, sizeof(j->stopped));
    j->told_stopped = false;
    if (foreground && terminal)
        tcsetpgrp(0, j->group);
    kill(-j->group, SIGCONT);
    return foreground ? job_wait(job) : 0;
}

int
job_named(const char *name)
{
    int n;

    if (name != NULL && *name == '%')
        name++;
    if (name != NULL && *name != 0 && *name != '%' && *name != '+') {
        n = atoi(name);
        return n > 0 && n <= JOBS && jobs[n - 1].group != 0 ? n : 0;
    }
    if (last_job != 0 && jobs[last_job - 1].group != 0)
        return last_job;
    for (n = JOBS; n > 0 && jobs[n - 1].group == 0; n--)
        ;
    return n;
}

pid_t
job_group(int job)
{
    return jobs[job - 1].group;
}

static void
say_end(int job, const struct job *j)
{
    if (WIFSIGNALED(j->status))
        printf("[%d] %s  %s\n", job, strsignal(WTERMSIG(j->status)), j->text);
    else if (WEXITSTATUS(j->status) != 0)
        printf("[%d] exit %d  %s\n", job, WEXITSTATUS(j->status), j->text);
    else
        printf("[%d] done  %s\n", job, j->text);
}

void
jobs_report(bool all)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
        note(pid, status);
    for (int i = 0; i < JOBS; i++) {
        struct job *j = &jobs[i];

        if (j->group == 0)
            continue;
        if (j->alive == 0) {
            if (terminal)
                say_end(i + 1, j);
            j->group = 0;
        } else if (all || (is_stopped(j) && !j->told_stopped)) {
            j->told_stopped = is_stopped(j);
            printf("[%d] %s  %s\n", i + 1, is_stopped(j) ? "stopped" : "runs",
                   j->text);
        }
    }
}

void
jobs_wait(void)
{
    for (int i = 0; i < JOBS; i++) {
        struct job *j = &jobs[i];

        if (j->group == 0 || j->alive == 0 || is_stopped(j))
            continue;
        job_wait(i + 1);
        if (terminal && j->group == 0)
            say_end(i + 1, j);
    }
}
