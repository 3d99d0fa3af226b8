/* tty.h: the terminal: finished lines from the uart to whoever reads.
 *
 * Received bytes are echoed and edited (libs/lineedit.h lists the keys).  Two
 * of them mean something beyond the line: Ctrl-C interrupts the readers, and
 * Ctrl-P is only passed on (tty_set_interrupt), at any time. */
#ifndef KERN_DRIVER_TTY_H
#define KERN_DRIVER_TTY_H

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

/* Ctrl-Cs up to now interrupt no reader any more. */
void tty_forget_interrupts(void);

/* Ctrl-C was typed.  WEAK: does nothing here.  => interrupt context */
void tty_interrupted(void);

/* Would tty_read() return at once? */
bool tty_ready(void);

/* Something calls this for Ctrl-C and Ctrl-P, in interrupt context. */
void tty_set_interrupt(void (*fn)(char c));

#endif
