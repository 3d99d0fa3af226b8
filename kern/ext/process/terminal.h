/* terminal.h: whose terminal it is. */
#ifndef KERN_EXT_PROCESS_TERMINAL_H
#define KERN_EXT_PROCESS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* May the calling process change the terminal?  As console_may_write(). */
int terminal_change(void);
/* The requests about sessions and groups: as console_control(), -ENOTTY: it is
 * none of them. */
long terminal_control(unsigned cmd, uintptr_t arg);
/* To the group in the foreground. */
void terminal_signal(int signo);

/* termios.c: writing from the background stops (TOSTOP); the modes of the
 * beginning again.  => tree locked */
bool termios_tostop(void);
void termios_reset(void);

#endif
