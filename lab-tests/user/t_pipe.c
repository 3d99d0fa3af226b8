/* t_pipe.c: pipes. */
#include "lib/utest.h"

#define ROUNDS 500

static int
status_of(pid_t pid)
{
    int s = -1;

    CHECK(waitpid(pid, &s, 0) == pid);
    return s;
}

UTEST(pipe_ping_pong)
{
    int to[2], from[2];
    pid_t pid;

    CHECK(pipe(to) == 0 && pipe(from) == 0);
    pid = fork();
    for (int i = 0; i < ROUNDS; i++) {
        int v = i;

        if (pid == 0) {
            CHECK(read(to[0], &v, sizeof(v)) == sizeof(v) && v == i);
            v = -v;
            CHECK(write(from[1], &v, sizeof(v)) == sizeof(v));
        } else {
            CHECK(write(to[1], &v, sizeof(v)) == sizeof(v));
            CHECK(read(from[0], &v, sizeof(v)) == sizeof(v) && v == -i);
        }
    }
    if (pid == 0)
        _exit(0);
    CHECK(status_of(pid) == 0);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
}

/* Exactly 65536 bytes fit in; then EAGAIN; a page read makes room for a page. */
UTEST(pipe_holds_64k_and_no_more)
{
    static char page[4096];
    int fd[2], n = 0;

    CHECK(syscall(59, fd, O_NONBLOCK) == 0);
    CHECK(fcntl(fd[1], 1032) == 65536); /* F_GETPIPE_SZ */
    CHECK(read(fd[0], page, 1) == -1 && errno == EAGAIN);
    while (write(fd[1], page, sizeof(page)) == sizeof(page))
        n++;
    CHECK(n == 16 && errno == EAGAIN);
    CHECK(write(fd[1], page, 1) == -1 && errno == EAGAIN);
    CHECK(read(fd[0], page, 100) == 100);
    CHECK(write(fd[1], page, 4096) == -1 && errno == EAGAIN); /* whole or not */
    CHECK(write(fd[1], page, 100) == 100);
    CHECK(lseek(fd[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK(write(fd[0], page, 1) == -1 && errno == EBADF);
    CHECK(read(fd[1], page, 1) == -1 && errno == EBADF);
    close(fd[0]);
    close(fd[1]);
}

UTEST(pipe_without_writer_ends)
{
    char c[10];
    int fd[2];
    pid_t pid;

    CHECK(pipe(fd) == 0);
    pid = fork();
    if (pid == 0) {
        close(fd[0]);
        _exit(write(fd[1], "abc", 3) == 3 ? 0 : 1);
    }
    close(fd[1]);
    CHECK(status_of(pid) == 0);
    CHECK(read(fd[0], c, sizeof(c)) == 3 && memcmp(c, "abc", 3) == 0);
    CHECK(read(fd[0], c, sizeof(c)) == 0);
    close(fd[0]);
}

UTEST(pipe_without_reader_kills)
{
    int fd[2], s;
    pid_t pid;

    CHECK(pipe(fd) == 0);
    close(fd[0]); /* before the fork: else we may still read while it writes */
    pid = fork();
    if (pid == 0) {
        write(fd[1], "x", 1);
        _exit(0);
    }
    s = status_of(pid);
    CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGPIPE);
    close(fd[1]);
}

/* Whoever waits at a pipe can be killed. */
static void
kill_blocked(bool writes)
{
    static char page[4096];
    int fd[2], s;
    pid_t pid;

    CHECK(pipe(fd) == 0);
    pid = fork();
    if (pid == 0) {
        for (;;) {
            if (writes)
                write(fd[1], page, sizeof(page));
            else
                read(fd[0], page, sizeof(page));
        }
    }
    usleep(20000);
    CHECK(kill(pid, SIGTERM) == 0);
    s = status_of(pid);
    CHECK(WIFSIGNALED(s) && WTERMSIG(s) == SIGTERM);
    close(fd[0]);
    close(fd[1]);
}

#define WRITERS 6
#define LINES   60
#define LINE    1000

/* Lines of several writers never mix. */
UTEST(pipe_writers_do_not_mix)
{
    static char line[LINE];
    int fd[2], seen[WRITERS] = {0}, total = 0;

    CHECK(pipe(fd) == 0);
    for (int w = 0; w < WRITERS; w++) {
        if (fork() == 0) {
            memset(line, 'a' + w, LINE);
            for (int i = 0; i < LINES; i++)
                CHECK(write(fd[1], line, LINE) == LINE);
            _exit(0);
        }
    }
    close(fd[1]);
    for (;;) {
        size_t got = 0;
        ssize_t r = 1;

        while (got < LINE && (r = read(fd[0], line + got, LINE - got)) > 0)
            got += (size_t)r;
        if (r == 0)
            break;
        CHECK(got == LINE);
        for (int i = 1; i < LINE; i++)
            CHECK(line[i] == line[0]);
        seen[line[0] - 'a']++;
        total++;
    }
    CHECK(total == WRITERS * LINES);
    for (int w = 0; w < WRITERS; w++) {
        CHECK(seen[w] == LINES);
        CHECK(wait(NULL) > 0);
    }
    close(fd[0]);
}

/* More than fits in, in one call, arrives in order. */
UTEST(pipe_long_write_in_order)
{
    static unsigned char out[200000], in[200000];
    size_t got = 0;
    ssize_t r;
    int fd[2];
    pid_t pid;

    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (unsigned char)(i * 7 + (i >> 8));
    CHECK(pipe(fd) == 0);
    pid = fork();
    if (pid == 0)
        _exit(write(fd[1], out, sizeof(out)) == (ssize_t)sizeof(out) ? 0 : 1);
    close(fd[1]);
    while ((r = read(fd[0], in + got, sizeof(in) - got)) > 0)
        got += (size_t)r;
    CHECK(got == sizeof(out) && memcmp(in, out, got) == 0);
    CHECK(status_of(pid) == 0);
    close(fd[0]);
}

UTEST(pipe_bad_calls)
{
    int fd[2], before = open("/", O_RDONLY), after;

    close(before);
    CHECK(syscall(59, 8, 0) == -1 && errno == EFAULT);
    CHECK(syscall(59, fd, 1) == -1 && errno == EINVAL);
    after = open("/", O_RDONLY);
    CHECK(after == before); /* nothing stayed open */
    close(after);
}

UTEST(pipe_reader_can_be_killed)
{
    kill_blocked(false);
}

UTEST(pipe_writer_can_be_killed)
{
    kill_blocked(true);
}
