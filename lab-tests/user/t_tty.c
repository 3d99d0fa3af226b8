/* t_tty.c: the terminal: its modes, whose it is, and what happens to those in
 * the background.  Nobody types here: what keys do is for the dialogs of
 * tools/ktest_rows.py. */
#include "lib/utest.h"

#define TCGETS     0x5401
#define TCSETS     0x5402
#define TCSETSF    0x5404
#define TIOCSCTTY  0x540e
#define TIOCGPGRP  0x540f
#define TIOCSPGRP  0x5410
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD   0x541b
#define TIOCGSID   0x5429

#define ICANON 02u
#define TOSTOP 0400u
enum { VTIME = 5, VMIN = 6 };

#define STOPPED(s) ((s) << 8 | 0x7f)

struct termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
};

static int tty = -1;

static long
control(int fd, long what, void *arg)
{
    long r = syscall(29, (long)fd, what, arg);

    return r < 0 ? -errno : r;
}

static void
need_terminal(void)
{
    tty = open("/dev/tty", O_RDWR);
    if (tty < 0 && errno == ENXIO)
        utest_skip("no terminal of our own");
    CHECK(tty >= 0);
}

static struct termios old;

static void
modes(uint32_t clear, uint32_t set, int min, int time)
{
    struct termios t;

    CHECK(control(tty, TCGETS, &old) == 0);
    t = old;
    t.lflag = (t.lflag & ~clear) | set;
    t.cc[VMIN] = (uint8_t)min;
    t.cc[VTIME] = (uint8_t)time;
    CHECK(control(tty, TCSETS, &t) == 0);
}

static void
modes_back(void)
{
    CHECK(control(tty, TCSETSF, &old) == 0);
}

UTEST(tty_modes_are_kept)
{
    struct termios t, seen;
    int fd[2];

    need_terminal();
    CHECK(control(tty, TCGETS, &old) == 0);
    CHECK((old.lflag & 0173) == 073); /* ISIG ICANON ECHO ECHOE ECHOK */
    CHECK(old.cc[0] == 3 && old.cc[4] == 4 && old.cc[10] == 032);
    t = old;
    t.lflag &= ~010u;
    t.cc[3] = 'k';
    CHECK(control(tty, TCSETS, &t) == 0);
    CHECK(control(tty, TCGETS, &seen) == 0);
    modes_back();
    CHECK(memcmp(&t, &seen, 36) == 0);
    CHECK(control(tty, TCSETS, (void *)8) == -EFAULT);
    CHECK(pipe(fd) == 0);
    CHECK(control(fd[0], TCGETS, &t) == -ENOTTY);
}

/* VMIN and VTIME, where nothing comes. */
UTEST(tty_read_without_lines)
{
    char c;
    int n = -1;

    need_terminal();
    modes(ICANON, 0, 0, 0);
    CHECK(read(tty, &c, 1) == 0);
    CHECK(control(tty, FIONREAD, &n) == 0 && n == 0);
    modes_back();
    modes(ICANON, 0, 0, 1); /* a tenth of a second */
    CHECK(read(tty, &c, 1) == 0);
    modes_back();
}

static int
reads_raw(void *arg)
{
    char c;

    return read(tty, &c, 1) == 1 ? 1 : 2;
}

UTEST(tty_raw_reader_can_be_killed)
{
    pid_t pid;
    int status;

    need_terminal();
    modes(ICANON, 0, 1, 0);
    pid = child(reads_raw, NULL);
    usleep(5000);
    CHECK(kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == SIGTERM);
    modes_back();
}

static volatile int winches;

static void
on_winch(int signo)
{
    winches++;
}

UTEST(tty_window)
{
    uint64_t act[3] = {(uint64_t)on_winch, 0, 0};
    uint16_t was[4], w[4] = {50, 132, 0, 0}, seen[4];

    need_terminal();
    CHECK(syscall(134, 28l, act, 0l, 8l) == 0);
    CHECK(control(tty, TIOCGWINSZ, was) == 0 && was[0] > 0);
    CHECK(control(tty, TIOCSWINSZ, w) == 0);
    CHECK(control(tty, TIOCGWINSZ, seen) == 0);
    CHECK(control(tty, TIOCSWINSZ, was) == 0);
    CHECK(memcmp(w, seen, 8) == 0 && winches == 2);
}

/* --- whose it is --- */

static int
other_session(void *arg)
{
    int group;

    CHECK(control(tty, TIOCGPGRP, &group) == 0);
    CHECK(syscall(157) == getpid());
    CHECK(control(tty, TIOCGPGRP, &group) == -ENOTTY);
    CHECK(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
    CHECK(control(tty, TIOCSCTTY, NULL) == -EPERM); /* it is another's */
    return 0;
}

UTEST(tty_belongs_to_a_session)
{
    int sid = 0, group = 0;

    need_terminal();
    CHECK(control(tty, TIOCGSID, &sid) == 0 && sid == syscall(156, 0l));
    CHECK(control(tty, TIOCGPGRP, &group) == 0 && group == getpgrp());
    CHECK(run_child(other_session, NULL) == 0);
    group = 30000;
    CHECK(control(tty, TIOCSPGRP, &group) == -ESRCH);
    group = 1; /* of another session */
    CHECK(control(tty, TIOCSPGRP, &group) == -EPERM);
    group = -1;
    CHECK(control(tty, TIOCSPGRP, &group) == -EINVAL);
}

/* --- the background --- */

static int
reads_behind(void *arg)
{
    char c;

    CHECK(setpgid(0, 0) == 0);
    if (arg != NULL)
        signal(21, SIG_IGN); /* SIGTTIN */
    return read(tty, &c, 1) == -1 ? errno : 0;
}

static int
sets_behind(void *arg)
{
    int group = getpid();

    CHECK(setpgid(0, 0) == 0);
    if (arg != NULL)
        signal(22, SIG_IGN); /* SIGTTOU */
    return control(tty, TIOCSPGRP, &group) == 0 ? 0 : 1;
}

static int
writes_behind(void *arg)
{
    CHECK(setpgid(0, 0) == 0);
    return write(tty, "", 0) == 0 && write(tty, " \b", 2) == 2 ? 0 : 1;
}

static void
stops(int (*fn)(void *), int signo)
{
    pid_t pid = child(fn, NULL);
    int status;

    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(status == STOPPED(signo));
    CHECK(kill(pid, 18) == 0); /* the call is made again, and stops again */
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(status == STOPPED(signo));
    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == SIGKILL);
}

/* Ours is a group with a parent in another of the session only after this. */
static int
in_own_group(void *arg)
{
    int group = getpid(), mine = getpgrp();

    signal(22, SIG_IGN);
    CHECK(setpgid(0, 0) == 0);
    CHECK(control(tty, TIOCSPGRP, &group) == 0);
    signal(22, SIG_DFL);
    ((int (*)(void))arg)();
    signal(22, SIG_IGN);
    CHECK(control(tty, TIOCSPGRP, &mine) == 0);
    return 0;
}

static int
background(void)
{
    stops(reads_behind, 21);
    stops(sets_behind, 22);
    CHECK(run_child(reads_behind, &tty) == EIO << 8);
    CHECK(run_child(writes_behind, NULL) == 0);
    modes(0, TOSTOP, 1, 0);
    stops(writes_behind, 22);
    modes_back();
    return 0;
}

UTEST(tty_stops_the_background)
{
    need_terminal();
    CHECK(run_child(in_own_group, background) == 0);
}

static int
takes_terminal(void)
{
    int group = getpgrp(), status;
    pid_t pid = child(sets_behind, &tty); /* SIGTTOU is ignored */

    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    signal(22, SIG_IGN);
    CHECK(control(tty, TIOCSPGRP, &group) == 0);
    return 0;
}

UTEST(tty_can_be_taken_by_who_ignores_sigttou)
{
    need_terminal();
    CHECK(run_child(in_own_group, takes_terminal) == 0);
}
