/* tty.h: the terminal: line editing between the uart and its readers.
 *
 * Received bytes are echoed and edited in cooked mode: backspace and Ctrl-H
 * delete a character, Ctrl-W a word, Ctrl-U the line, Ctrl-L redraws, Ctrl-D
 * ends the input, Ctrl-C interrupts (tty_set_interrupt), Ctrl-P prints the
 * threads at any time. */
#ifndef KERN_DRIVER_TTY_H
#define KERN_DRIVER_TTY_H

#include <stdbool.h>
#include <stddef.h>

void tty_init(void);

/* One received byte.  => interrupt context */
void tty_input(char c);

/* Read at most N bytes of a finished line, the line feed included.  Sleeps
 * until there is one.  0: Ctrl-D on an empty line; -EINTR: Ctrl-C. */
int tty_read(char *buf, size_t n);

/* Something calls this for Ctrl-C and Ctrl-P, in interrupt context. */
void tty_set_interrupt(void (*fn)(char c));

#endif
