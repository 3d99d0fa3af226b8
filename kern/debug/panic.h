/* panic.h: the end, said clearly.
 *
 * assert() states what can only be false through a bug of ours; panic() is for
 * boot and broken invariants.  Neither is ever used on memory running out, on
 * a disk error, a firmware table, or anything a user program can do. */
#ifndef KERN_DEBUG_PANIC_H
#define KERN_DEBUG_PANIC_H

#include <util.h>

/* Stop the other harts, print the message, registers, backtrace and the last
 * trace events, and power off with failure (or stay, after boot argument
 * panic=halt). */
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#define assert(x)                              \
    do {                                       \
        if (unlikely(!(x)))                    \
            panic("assertion failed: %s", #x); \
    } while (0)

NORETURN void panic_at(const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* [a] Logical hart id + 1 of the first hart that panics; 0: none. */
extern uint32_t panicking;

/* A hart that another one's panic should stop asks this: from its software
 * interrupt, and while it waits for a lock. */
void panic_check(void);

/* Where the backtrace begins, if not at the caller of panic(): a fault's pc, fp
 * and ra, set by whoever reports it. */
extern struct panic_place {
    uintptr_t pc, fp, ra;
} panic_place;

/* Stay instead of powering off, for a debugger (boot argument panic=halt). */
extern bool panic_halts;

/* For bad input at boot (firmware tables, boot arguments, too little memory):
 * one line "boot: MESSAGE", then power off with failure.  No backtrace: it is
 * not our bug. */
NORETURN void boot_refuse(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* How to power off; told by init when the device is known.  CODE 0 is success.
 * Does not return. */
extern void (*power_off_hook)(int code);
NORETURN void power_off(int code);

#endif
