/* printfmt.h: formatted printing without a destination.
 *
 * Understands  %d %i %u %x %X %o %c %s %p %%  with the lengths hh h l ll z t,
 * the flags - 0 + space #, a width and a precision (both may be '*').
 * Nothing else: an unknown conversion prints itself. */
#ifndef LIBS_PRINTFMT_H
#define LIBS_PRINTFMT_H

#include <stdarg.h>
#include <stddef.h>
#include <util.h>

/* Hand each character to PUT(ARG, c).  Returns how many there were. */
int vprintfmt(void (*put)(void *arg, char c), void *arg, const char *fmt,
              va_list ap);

/* As ISO C11 7.21.6.12 and 7.21.6.5: writes at most SIZE bytes with the
 * terminator and returns the length the whole text has. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
