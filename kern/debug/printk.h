/* printk.h: formatted output to the console.
 *
 * Where characters go is told from above: console_set() names the sink (a uart
 * driver, later the tty).  Before that they go to the firmware.  Lines of
 * different harts do not mix; nothing here sleeps or allocates, and it may be
 * called with any lock held. */
#ifndef KERN_DEBUG_PRINTK_H
#define KERN_DEBUG_PRINTK_H

#include <stdarg.h>
#include <stddef.h>
#include <util.h>

/* Print to the console.  Returns the number of characters. */
int cprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
int vcprintf(const char *fmt, va_list ap);

/* Write N raw bytes to the console. */
void console_write(const char *s, size_t n);

/* WRITE gets all output from now on; it must not print, sleep or take a lock
 * other than one of RANK_CONSOLE. */
void console_set(void (*write)(const char *s, size_t n));

/* A hart that panics prints without waiting for anybody's lock. */
void console_bust_lock(void);

#endif
