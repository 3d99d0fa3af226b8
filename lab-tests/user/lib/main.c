/* main.c: a test program: without arguments it starts itself once for each of
 * its tests, and judges; with the name of one, it is that test.
 *
 *     exit code    0 passed, 1 failed and said why, 77 skipped and said why
 *     anything else, or a signal, is a failure that the parent records */
#include "utest.h"

#define SKIPPED 77

extern const struct utest __start_utests[], __stop_utests[];
unsigned utest_rounds = 100;
const char *utest_dir = "/tmp";

static const char *running = "none";
static int channel = -1;

static void
record(const char *fmt, const char *a, const char *b, int line, const char *c)
{
    char text[192];
    int n = snprintf(text, sizeof(text), fmt, a, b, line, c);

    if (n > (int)sizeof(text) - 1)
        n = sizeof(text) - 1;
    if (write(channel, text, (size_t)n) != n)
        _exit(3);
}

void
utest_fail(const char *file, int line, const char *what)
{
    record("%s fail %s:%d %s", running, file, line, what);
    _exit(1);
}

void
utest_skip(const char *why)
{
    record("%s skip %s", running, why, 0, "");
    _exit(SKIPPED);
}

long
ask(unsigned cmd, void *arg)
{
    long r = syscall(29, (long)channel, (long)cmd, arg, 0l, 0l, 0l);

    return r < 0 ? -errno : r;
}

/* --- the parent --- */

static unsigned nfailed;

/* Run test NAME of program SELF; its status. */
static int
start(char *self, const char *name, char *option)
{
    char *argv[] = {self, (char *)name, option, NULL};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execve(self, argv, environ);
        _exit(126);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 127 << 8;
    return status;
}

static void
judge(const char *name, int status, long left)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    if (code == 1) {
        nfailed++;
    } else if (code != 0 && code != SKIPPED) {
        record("%s fail %s%d%s", name,
               code < 0 ? "died of signal " : "ended with code ",
               code < 0 ? WTERMSIG(status) : code, "");
        nfailed++;
    } else if (left != 0) {
        record("%s fail %s:%d%s", name, "leaks, or the kernel complains", 0,
               "");
        nfailed++;
    } else if (code == 0) {
        record("%s pass", name, "", 0, "");
    }
}

static void
run_all(char *self, char *option)
{
    /* Once for nothing, so that every page that is touched here is there. */
    ask(UTEST_BEGIN, NULL);
    start(self, "", option);
    for (const struct utest *t = __stop_utests; t-- > __start_utests;) {
        int status;

        ask(UTEST_BEGIN, NULL);
        record("%s begin", t->name, "", 0, "");
        status = start(self, t->name, option);
        judge(t->name, status, ask(UTEST_END, NULL));
    }
}

int
main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    char *option = argc > 1 ? argv[argc - 1] : NULL;

    channel = open("/dev/utest", O_RDWR);
    if (channel < 0) {
        printf("%s: no /dev/utest: boot ktest.img\n", argv[0]);
        return 2;
    }
    if (option != NULL && strncmp(option, "rounds=", 7) == 0)
        utest_rounds = (unsigned)atoi(option + 7);
    else if (option != NULL && strncmp(option, "dir=", 4) == 0)
        utest_dir = option + 4;
    else
        option = NULL;
    if (name == NULL || name == option) {
        run_all(argv[0], option);
        return nfailed > 100 ? 100 : (int)nfailed;
    }
    for (const struct utest *t = __start_utests; t < __stop_utests; t++) {
        if (strcmp(t->name, name) == 0) {
            running = t->name;
            t->run();
        }
    }
    return 0;
}
