/* terminal.c: adds sessions and job control to the terminal of fs/devfs.c and
 * driver/tty.c; a first reader may skip it.
 *
 *     session    takes the terminal: TIOCSCTTY, or open() by its first process
 *       |
 *       +-- group in the foreground   Ctrl-C, Ctrl-Z and Ctrl-\ are for it; it
 *       |                             reads
 *       +-- other groups              are stopped when they try: SIGTTIN, SIGTTOU
 *
 * When the session's first process ends, the terminal is free again and the
 * group in the foreground is hung up.  POSIX.1-2017, 11.1; tty_ioctl(4). */
#include "ext/process/terminal.h"
#include "driver/tty.h"
#include "ext/process/signals.h"
#include "fs/devfs.h"
#include "mm/uaccess.h"
#include <errno.h>
#include <signal.h>

#define TIOCSCTTY 0x540eu
#define TIOCGPGRP 0x540fu
#define TIOCSPGRP 0x5410u
#define TIOCNOTTY 0x5422u
#define TIOCGSID  0x5429u

static int session; /* [tree_lock] whose terminal it is; 0: nobody's */
static int group;   /* [tree_lock] in the foreground */

bool
tty_signal(enum lineedit_event what)
{
    static const int signals[] = {[LINEEDIT_INTERRUPT] = SIGINT,
                                  [LINEEDIT_QUIT] = SIGQUIT,
                                  [LINEEDIT_SUSPEND] = SIGTSTP};
    int pgid;

    spin_lock(&tree_lock);
    pgid = group;
    spin_unlock(&tree_lock);
    return pgid != 0 && signal_group(pgid, signals[what]);
}

void
terminal_signal(int signo)
{
    int pgid;

    spin_lock(&tree_lock);
    pgid = group;
    spin_unlock(&tree_lock);
    if (pgid != 0)
        (void)signal_group(pgid, signo);
}

/* --- who may --- */

/* The caller is in the background: its group gets SIGNO, and the call is made
 * again once it goes on.  If it does not care about SIGNO, it may write but not
 * read; nor does it stop if nobody could continue it.  => tree locked */
static int
stop_background(struct task *me, int signo)
{
    struct process *p = me->process;
    uint64_t bit = signal_bit(signo);

    if ((p->ignored | me->blocked) & bit)
        return signo == SIGTTOU ? 0 : -EIO;
    if (group_orphaned(p->pgid))
        return -EIO;
    list_for_each_entry (q, &all_processes, struct process, all_link) {
        if (q->pgid == p->pgid)
            signal_send(q, signo, NULL, NULL);
    }
    atomic_store(&me->thread.interrupted, 1);
    return -EINTR;
}

/* The caller, a task of a process, wants to do what SIGNO forbids in the
 * background. */
static int
may(int signo)
{
    struct task *me = current_task();
    int r = 0;

    if (me == NULL)
        return 0;
    spin_lock(&tree_lock);
    if (session != 0 && me->process->sid == session &&
        me->process->pgid != group)
        r = stop_background(me, signo);
    spin_unlock(&tree_lock);
    return r;
}

int
console_may_write(void)
{
    return termios_tostop() ? may(SIGTTOU) : 0;
}

int
tty_may_read(void)
{
    return may(SIGTTIN);
}

int
terminal_change(void)
{
    return may(SIGTTOU);
}

/* --- whose it is --- */

/* The session is over, or gives it up.  => tree locked */
static void
let_go(void)
{
    int pgid = group;

    session = group = 0;
    termios_reset();
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (p->pgid == pgid && pgid != 0) {
            signal_send(p, SIGHUP, NULL, NULL);
            signal_send(p, SIGCONT, NULL, NULL);
        }
    }
}

void
session_ended(struct process *p)
{
    if (p->sid == session)
        let_go();
}

/* It becomes the terminal of P's session.  => tree locked */
static long
take(struct process *p, bool steal)
{
    if (p->sid == session && p->sid == p->pid)
        return 0;
    if (p->sid != p->pid || (session != 0 && !steal))
        return -EPERM;
    if (session != 0)
        let_go();
    else
        termios_reset();
    session = p->sid;
    group = p->pgid;
    return 0;
}

/* GROUP must be one of the caller's session.  => tree locked */
static long
set_group(const struct process *me, int pgid)
{
    if (me->sid != session)
        return -ENOTTY;
    if (pgid <= 0)
        return -EINVAL;
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        if (p->pgid != pgid)
            continue;
        if (p->sid != session)
            return -EPERM;
        group = pgid;
        return 0;
    }
    return -ESRCH;
}

static long
ask(unsigned cmd, uintptr_t arg)
{
    struct process *me = current_process();
    int32_t value;
    bool ours;

    spin_lock(&tree_lock);
    ours = me->sid == session;
    value = cmd == TIOCGPGRP ? group : session;
    spin_unlock(&tree_lock);
    if (!ours)
        return -ENOTTY;
    return copy_to_user(arg, &value, sizeof(value)) ? -EFAULT : 0;
}

long
terminal_control(unsigned cmd, uintptr_t arg)
{
    struct process *me = current_process();
    int32_t pgid = 0;
    long r = -ENOTTY;

    if (cmd == TIOCGPGRP || cmd == TIOCGSID)
        return ask(cmd, arg);
    if (cmd == TIOCSPGRP) {
        if (copy_from_user(&pgid, arg, sizeof(pgid)) != 0)
            return -EFAULT;
        r = terminal_change();
        if (r != 0)
            return r;
    }
    spin_lock(&tree_lock);
    if (cmd == TIOCSPGRP) {
        r = set_group(me, pgid);
    } else if (cmd == TIOCSCTTY) {
        r = take(me, arg == 1);
    } else if (cmd == TIOCNOTTY && me->sid == session) {
        if (me->pid == session)
            let_go();
        r = 0;
    }
    spin_unlock(&tree_lock);
    return r;
}

/* --- /dev/tty, /dev/ttyS0 --- */

/* The terminal of the caller's session, if it has one. */
static int
tty_open(struct inode *i, struct file *f)
{
    struct process *me = current_process();
    bool ours;

    spin_lock(&tree_lock);
    ours = me->sid == session;
    spin_unlock(&tree_lock);
    return ours ? 0 : -ENXIO;
}

/* The first process of a session without terminal gets it by opening it. */
static int
line_open(struct inode *i, struct file *f)
{
    struct process *me = current_process();

    spin_lock(&tree_lock);
    if (!(f->flags & O_NOCTTY) && session == 0)
        (void)take(me, false);
    spin_unlock(&tree_lock);
    return 0;
}

static long
read_console(struct inode *i, struct file *f, void *buf, size_t n, uint64_t pos)
{
    return console_ops.read(i, f, buf, n, pos);
}

static long
write_console(struct inode *i, struct file *f, const void *buf, size_t n,
              uint64_t pos)
{
    return console_ops.write(i, f, buf, n, pos);
}

static unsigned
poll_console(struct inode *i, struct file *f)
{
    return console_ops.poll(i, f);
}

static long
control_console(struct inode *i, struct file *f, unsigned cmd, uintptr_t arg)
{
    return console_control(cmd, arg);
}

static const struct inode_ops tty_ops = {.open = tty_open,
                                         .read = read_console,
                                         .write = write_console,
                                         .poll = poll_console,
                                         .ioctl = control_console};
static const struct inode_ops line_ops = {.open = line_open,
                                          .read = read_console,
                                          .write = write_console,
                                          .poll = poll_console,
                                          .ioctl = control_console};
static const struct device tty = {"tty", 5, 0, &tty_ops};
static const struct device ttyS0 = {"ttyS0", 4, 64, &line_ops};
TABLE_ADD(device, tty);
TABLE_ADD(device, ttyS0);
