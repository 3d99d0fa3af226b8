/* sh.c: a small shell.
 *
 *     line    = list { ";" list | "&" list }
 *     list    = pipe { "&&" pipe | "||" pipe }
 *     pipe    = command { "|" command }
 *     command = words, "< file", "> file", ">> file", "2> file", "2>&1"
 *
 * Words know 'single' and "double" quotes, \ and $NAME, $?, $$.  Built in: cd,
 * exit, wait, jobs, fg, bg, kill %N, help, and true and false for the road.  A line is read
 * from the terminal, from a file (sh FILE) or from -c TEXT.
 *
 * At the terminal each pipe is a job (lib/shjobs.c): Ctrl-C ends the one in the
 * foreground, Ctrl-Z stops it; the shell asks again. */
#include <errno.h>
#include <fcntl.h>
#include <jobs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS    64
#define LINE_MAX 1024

struct command {
    char *argv[WORDS + 1];
    int argc;
    char *in, *out, *err; /* names, or NULL */
    bool append, err_to_out;
};

static int last_status;
static bool asks;               /* at a terminal: pipes are groups */
static char text[4 * LINE_MAX]; /* the words of the line */
static size_t text_used;
static const char *at; /* what is left of the line */

static void run_line(const char *line);

/* --- words --- */

static void
add(char c)
{
    if (text_used < sizeof(text) - 1)
        text[text_used++] = c;
}

static void
add_string(const char *s)
{
    while (s != NULL && *s != 0)
        add(*s++);
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void
expand(void)
{
    char name[64], number[16];
    size_t n = 0;

    if (*at == '?' || *at == '$') {
        snprintf(number, sizeof(number), "%d",
                 *at == '?' ? last_status : getpid());
        at++;
        add_string(number);
        return;
    }
    while (n < sizeof(name) - 1 &&
           (is_letter(*at) || (n > 0 && *at >= '0' && *at <= '9')))
        name[n++] = *at++;
    name[n] = 0;
    if (n == 0)
        add('$');
    else
        add_string(getenv(name));
}

static bool
ends_word(char c)
{
    return c == 0 || strchr(" \t\n;&|<>", c) != NULL;
}

/* The next word, or NULL if there is none here. */
static char *
word(void)
{
    char *w = text + text_used, quote = 0;

    at += strspn(at, " \t");
    if (ends_word(*at) || *at == '#')
        return NULL;
    while (*at != 0 && (quote || !ends_word(*at))) {
        char c = *at++;

        if (c == quote)
            quote = 0;
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
        else if (c == '\\' && quote != '\'' && *at != 0)
            add(*at++);
        else if (c == '$' && quote != '\'')
            expand();
        else
            add(c);
    }
    text[text_used++] = 0;
    return w;
}

static bool
skip(const char *token)
{
    size_t n = strlen(token);

    at += strspn(at, " \t");
    if (strncmp(at, token, n) != 0)
        return false;
    at += n;
    return true;
}

/* --- one command --- */

static bool
redirect(struct command *c)
{
    char **name;

    if (skip("2>&1")) {
        c->err_to_out = true;
        return true;
    }
    if (skip("2>"))
        name = &c->err;
    else if (skip(">>")) {
        name = &c->out;
        c->append = true;
    } else if (skip(">"))
        name = &c->out;
    else if (skip("<"))
        name = &c->in;
    else
        return false;
    *name = word();
    return true;
}

static void
parse_command(struct command *c)
{
    char *w;

    memset(c, 0, sizeof(*c));
    while (redirect(c) || (w = word()) != NULL) {
        if (c->argc < WORDS && w != NULL)
            c->argv[c->argc++] = w;
        w = NULL;
    }
}

/* FD becomes NAME; ends the program if that does not work. */
static void
open_as(int fd, const char *name, int flags)
{
    int f;

    if (name == NULL)
        return;
    f = open(name, flags, 0644);
    if (f < 0 || dup2(f, fd) < 0) {
        fprintf(stderr, "sh: %s: %s\n", name, strerror(errno));
        _exit(1);
    }
    if (f != fd)
        close(f);
}

static int status_of(int s);

/* jobs, fg, bg, kill %N; -1: it is none of them. */
static int
job_builtin(struct command *c)
{
    const char *name = c->argv[0], *which = c->argc > 1 ? c->argv[1] : NULL;
    bool fg = strcmp(name, "fg") == 0, to_kill = strcmp(name, "kill") == 0;
    int job, signo = SIGTERM, arg = 1;

    if (strcmp(name, "jobs") == 0) {
        jobs_report(true);
        return 0;
    }
    if (to_kill && which != NULL && which[0] == '-') {
        signo = atoi(which + 1);
        which = c->argc > ++arg ? c->argv[arg] : NULL;
    }
    if (!(fg || strcmp(name, "bg") == 0 ||
          (to_kill && which != NULL && which[0] == '%')))
        return -1;
    job = job_named(which);
    if (job == 0) {
        fprintf(stderr, "sh: %s: no such job\n", name);
        return 1;
    }
    if (to_kill)
        return kill(-job_group(job), signo) < 0;
    return fg ? status_of(job_continue(job, true)) : job_continue(job, false);
}

static int
builtin(struct command *c)
{
    const char *name = c->argv[0];
    int r;

    if (strcmp(name, "cd") == 0) {
        const char *to = c->argc > 1 ? c->argv[1] : getenv("HOME");

        if (chdir(to ? to : "/") == 0)
            return 0;
        fprintf(stderr, "sh: cd: %s: %s\n", to ? to : "/", strerror(errno));
        return 1;
    }
    if (strcmp(name, "exit") == 0)
        exit(c->argc > 1 ? atoi(c->argv[1]) : last_status);
    if (strcmp(name, "wait") == 0) {
        jobs_wait();
        return 0;
    }
    r = job_builtin(c);
    if (r >= 0)
        return r;
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
        return name[0] == 'f';
    if (strcmp(name, "help") == 0) {
        puts(
            "words 'quotes' \"$VARIABLES\" $? $$; a | b; a && b; a || b; a &;\n"
            "< in > out >> out 2> err 2>&1; cd, exit, wait, help;\n"
            "Ctrl-C ends, Ctrl-Z stops; jobs, fg [%1], bg [%1], kill %1;\n"
            "programs are in /bin: ls /bin");
        return 0;
    }
    return -1;
}

/* In a process of its own. */
static void
run_program(struct command *c)
{
    int r;

    open_as(0, c->in, O_RDONLY);
    open_as(1, c->out, O_WRONLY | O_CREAT | (c->append ? O_APPEND : O_TRUNC));
    if (c->err_to_out)
        dup2(1, 2);
    open_as(2, c->err, O_WRONLY | O_CREAT | O_TRUNC);
    if (c->argc == 0)
        exit(0);
    r = builtin(c);
    if (r >= 0)
        exit(r);
    execvp(c->argv[0], c->argv);
    fprintf(stderr, "sh: %s: %s\n", c->argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static int
status_of(int s)
{
    if (WIFEXITED(s))
        return WEXITSTATUS(s);
    if (WIFSTOPPED(s))
        return 128 + WSTOPSIG(s);
    if (asks && WTERMSIG(s) == SIGINT)
        putchar('\n');
    if (WTERMSIG(s) != SIGINT && WTERMSIG(s) != SIGPIPE)
        fprintf(stderr, "%s\n", strsignal(WTERMSIG(s)));
    return 128 + WTERMSIG(s);
}

/* --- pipes and lists --- */

static void
run_pipe(bool background)
{
    int before = -1, fd[2] = {-1, -1}, status = 0, n = 0, job;
    pid_t pids[JOB_PIDS], pid;
    const char *begin = at;
    bool more;

    do {
        struct command c;

        parse_command(&c);
        more = strncmp(at, "||", 2) != 0 && skip("|");
        if (n == 0 && !more && !background && c.argc > 0 && !c.in && !c.out &&
            !c.err && !c.err_to_out && (status = builtin(&c)) >= 0) {
            last_status = status;
            return;
        }
        if ((c.argc == 0 && !c.in && !c.out) || n == JOB_PIDS)
            break;
        if (more && pipe(fd) < 0) {
            perror("sh: pipe");
            break;
        }
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            jobs_join(getpid(), n > 0 ? pids[0] : 0, !background);
            if (before >= 0) {
                dup2(before, 0);
                close(before);
            }
            if (more) {
                dup2(fd[1], 1);
                close(fd[0]);
                close(fd[1]);
            }
            run_program(&c);
        }
        if (pid < 0)
            perror("sh: fork");
        else
            jobs_join(pid, n > 0 ? pids[0] : 0, !background);
        if (pid > 0)
            pids[n++] = pid;
        if (before >= 0)
            close(before);
        if (more)
            close(fd[1]);
        before = fd[0];
    } while (more && pid > 0);
    if (before >= 0 && more)
        close(before);
    if (n == 0)
        return;
    job = job_add(pids, n, begin, (size_t)(at - begin));
    if (job == 0)
        fprintf(stderr, "sh: too many jobs\n");
    else if (background)
        printf("[%d] %d\n", job, pids[n - 1]);
    else
        last_status = status_of(job_wait(job));
}

/* Move over a pipe without running it. */
static void
skip_pipe(void)
{
    struct command c;

    do
        parse_command(&c);
    while (strncmp(at, "||", 2) != 0 && skip("|"));
}

/* Does the list end with a single "&"? */
static bool
in_background(void)
{
    const char *p = at;
    char quote = 0;

    for (; *p != 0 && (quote || (*p != ';' && *p != '\n')); p++) {
        if (*p == quote)
            quote = 0;
        else if (!quote && (*p == '\'' || *p == '"'))
            quote = *p;
        else if (!quote && *p == '&' && p[1] != '&' && p > at && p[-1] != '&' &&
                 p[-1] != '>')
            return true;
    }
    return false;
}

static void
run_line(const char *line)
{
    bool go = true;

    at = line;
    text_used = 0;
    for (;;) {
        at += strspn(at, " \t\n;&");
        if (*at == 0 || *at == '#')
            return;
        if (go)
            run_pipe(in_background());
        else
            skip_pipe();
        if (skip("&&"))
            go = last_status == 0;
        else if (skip("||"))
            go = last_status != 0;
        else if (skip(";") || skip("&") || skip("\n"))
            go = true;
        else if (*at != 0 && *at != '#') {
            fprintf(stderr, "sh: what is \"%s\"?\n", at);
            last_status = 2;
            return;
        }
    }
}

int
main(int argc, char **argv)
{
    char line[LINE_MAX + 8];

    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        bool dashes = argc > 3 && strcmp(argv[2], "--") == 0; /* system() */

        run_line(argv[dashes ? 3 : 2]);
        return last_status;
    }
    if (argc > 1) {
        int fd = open(argv[1], O_RDONLY);

        if (fd < 0 || dup2(fd, 0) < 0) {
            perror(argv[1]);
            return 127;
        }
        close(fd);
    }
    asks = isatty(0);
    if (asks)
        jobs_begin();
    for (;;) {
        jobs_report(false);
        if (asks) {
            fputs("$ ", stdout);
            fflush(stdout);
            if (wait_readable(0) < 0) /* Ctrl-C */
                continue;
        }
        errno = 0;
        if (fgets(line, sizeof(line), stdin) != NULL)
            run_line(line);
        else if (errno != EINTR)
            break;
    }
    return last_status;
}
