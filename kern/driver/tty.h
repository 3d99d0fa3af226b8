/* tty.h: the terminal: finished lines from the uart to whoever reads.
 *
 * Received bytes are echoed and edited (libs/lineedit.h lists the keys).  Two
 * of them mean something beyond the line: Ctrl-C interrupts the readers, and
 * Ctrl-P is only passed on (tty_set_interrupt), at any time. */
#ifndef KERN_DRIVER_TTY_H
#define KERN_DRIVER_TTY_H

#include "sync/wait.h"
#include <lineedit.h>
#include <stdbool.h>
#include <stddef.h>

void tty_init(void);

/* One received byte.  => interrupt context */
void tty_input(char c);

/* Read at most N bytes of a finished line, the line feed included.  Sleeps
 * until there is one.  0: Ctrl-D on an empty line; -EINTR: Ctrl-C, also
 * one that came before the call, if no line was finished since; or
 * thread_interrupt(). */
int tty_read(char *buf, size_t n);

/* May the caller read now?  Else the error that tty_read() returns.  Asked before
 * each look for a line.  WEAK: 0.  => no locks */
int tty_may_read(void);

/* A key that means a signal was typed.  True: whom it is for was told; else
 * readers are.  WEAK: false.  => interrupt context */
bool tty_signal(enum lineedit_event what);

/* tty_ready() may answer otherwise now.  WEAK.  => interrupt context */
void tty_changed(void);

/* tty_read() when there are no lines.  WEAK: 0 */
int tty_read_raw(char *buf, size_t n);

/* For those who change how the terminal works. */
extern struct spinlock tty_lock;      /* rank TTY */
extern struct wait_queue tty_readers; /* taken inside it */
extern struct lineedit tty_line;      /* [tty_lock] */

/* Would tty_read() return at once? */
bool tty_ready(void);

/* Something calls this for Ctrl-C and Ctrl-P, in interrupt context. */
void tty_set_interrupt(void (*fn)(char c));

#endif
